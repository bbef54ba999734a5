#!/usr/bin/env python3
"""A PostgreSQL cluster for tests: cluster.py RUNNER [FILE...]

Makes a cluster in a private directory, reachable through a Unix socket there and nowhere else, and prints the
directory. With JITSUIN_SMALL_DISK=SIZE its data lie on a tmpfs of that size; whoever starts it so lets it mount one (unshare).
When process RUNNER ends, however that is, or standard input does, the cluster is stopped and everything
is removed, the FILEs too. Until then it obeys lines on standard input, and answers each: kill, start, stop.
As root it runs as Debian's user postgres, for PostgreSQL refuses to be root.
"""
import glob
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time


def programs():
    """Where initdb and postgres are: the newest of Debian's, or the path's."""
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb") or [shutil.which("initdb")]
    if found == [None]:
        sys.exit("there is no initdb. Run: scripts/setup --test")
    return os.path.dirname(max(found, key=lambda path: [int(n) for n in path.split("/") if n.isdigit()]))


USER = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}

SMALL = os.environ.get("JITSUIN_SMALL_DISK")


class Cluster:
    def __init__(self):
        self.bin, self.place = programs(), tempfile.mkdtemp(prefix="jitsuin-postgres-", dir="/tmp")
        self.data, self.log = f"{self.place}/data", open(f"{self.place}/log", "ab", buffering=0)
        self.quiet = {"stdin": subprocess.DEVNULL, "stdout": self.log, "stderr": self.log, "cwd": self.place}
        self.server = None
        if USER:
            shutil.chown(self.place, USER["user"], USER["group"])
        small = []
        if SMALL:
            os.mkdir(self.data)
            owner = pwd.getpwnam(USER["user"]) if USER else None
            options = f"size={SMALL},mode=700" + (f",uid={owner.pw_uid},gid={owner.pw_gid}" if owner else "")
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.data], check=True, **self.quiet)
            small = ["--wal-segsize=1"]
        initdb = [f"{self.bin}/initdb", *small, "-D", self.data, "-U", "jitsuin", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run([*initdb, "--no-sync"], check=True, **self.quiet, **USER)

    def start(self):
        # fsync and synchronous_commit stay as they are in service: on.
        settings = ["max_wal_size=8MB", "min_wal_size=2MB"] if SMALL else []
        settings += ["listen_addresses=", f"unix_socket_directories={self.place}", "max_connections=200", "shared_buffers=64MB"]
        options = [word for setting in settings for word in ("-c", setting)]
        self.server = subprocess.Popen([f"{self.bin}/postgres", "-D", self.data, *options], **self.quiet, **USER)
        ready = [f"{self.bin}/pg_isready", "-q", "-h", self.place, "-U", "jitsuin", "-d", "postgres"]
        deadline = time.monotonic() + 60
        # The server tells nobody but a service manager when it is ready: it has to be asked.
        while subprocess.run(ready, **self.quiet).returncode != 0:
            if self.server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL does not start")
            time.sleep(0.05)

    def end(self, how):
        if self.server and self.server.poll() is None:
            self.server.send_signal(how)
            self.server.wait()

    def remove(self):
        self.end(signal.SIGQUIT)
        shutil.rmtree(self.place, ignore_errors=True)


def obey(cluster, line):
    match line.strip():
        case "start":
            cluster.start()
        case "stop":
            cluster.end(signal.SIGINT)
        case "kill":
            cluster.end(signal.SIGQUIT)
        case other:
            raise ValueError(other)


def main():
    runner, files = os.pidfd_open(int(sys.argv[1])), sys.argv[2:]
    # Whoever ends the test that happened to start it must not end it for the others.
    os.setsid()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    cluster = None
    try:
        cluster = Cluster()
        cluster.start()
        print(cluster.place, flush=True)
        if files:
            # The cluster of a whole run: nobody speaks to it, and nobody waits for its output to end.
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(null, descriptor)
            select.select([runner], [], [])
            return
        while True:
            readable, _, _ = select.select([runner, sys.stdin], [], [])
            line = sys.stdin.readline() if sys.stdin in readable else ""
            if not line:
                return
            obey(cluster, line)
            print("done", flush=True)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        said = open(f"{cluster.place}/log", errors="replace").read() if cluster else ""
        sys.exit(f"{error}\n{said[-2000:]}")
    finally:
        if cluster:
            cluster.remove()
        for file in files:
            if os.path.exists(file):
                os.remove(file)


main()
