"""A mail relay for tests: aiosmtpd, which is a real one, on a port of its own choice.

server.py [--tls CERT KEY] [--auth USER PASSWORD] [--later N] [--never ADDRESS]

Prints the port, then one JSON object a line for every mail it takes: as it came, and its text. --later refuses the first N mails with 451,
--never refuses a recipient with 550.
"""

import argparse
import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

arguments = argparse.ArgumentParser()
arguments.add_argument("--tls", nargs=2)
arguments.add_argument("--auth", nargs=2)
arguments.add_argument("--later", type=int, default=0)
arguments.add_argument("--never", default="")
arguments = arguments.parse_args()


def say(what):
    print(json.dumps(what), flush=True)


class Handler:
    later = arguments.later

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == arguments.never:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.later > 0:
            self.later -= 1
            return "451 later"
        say({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode("latin-1"),
            "text": email.message_from_bytes(envelope.content, policy=email.policy.default).get_content(),
            "tls": session.ssl is not None,
            "login": arguments.auth[0] if session.authenticated else None,
        })
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    user, password = (text.encode() for text in arguments.auth)
    # Not handled: the server answers 535.
    return AuthResult(success=(data.login, data.password) == (user, password), handled=False)


async def main():
    options = {"hostname": "relay.test", "enable_SMTPUTF8": True}
    if arguments.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*arguments.tls)
        options.update(tls_context=context, require_starttls=True)
    if arguments.auth:
        options.update(authenticator=authenticate, auth_required=True)
    handler = Handler()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, **options), "127.0.0.1", 0)
    say(server.sockets[0].getsockname()[1])
    # It ends with whoever holds its standard input.
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
