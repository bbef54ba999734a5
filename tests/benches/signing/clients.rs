//! The daemon's clients: a login signature over each front.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustix::event::{PollFd, PollFlags, poll};
use zbus::{OwnedObjectPath, OwnedVariant, Variant};

use crate::measure::Signer;
use crate::world::{Addresses, ORIGIN};

/// The daemon signs a challenge once.
struct Challenges {
    client: [u8; 8],
    count: u64,
}

impl Challenges {
    fn new() -> Self {
        static CLIENTS: AtomicU64 = AtomicU64::new(0);
        Self { client: CLIENTS.fetch_add(1, Ordering::Relaxed).to_be_bytes(), count: 0 }
    }

    /// 32 bytes that were not used before in this run.
    fn fresh(&mut self) -> String {
        self.count += 1;
        let mut bytes = [0x5a; 32];
        bytes[..8].copy_from_slice(&self.client);
        bytes[8..16].copy_from_slice(&self.count.to_be_bytes());
        BASE64_STANDARD.encode(bytes)
    }
}

/// One connection to the socket; each signature is one call and one reply.
pub(crate) fn varlink(addresses: &Addresses) -> Signer {
    let mut socket = UnixStream::connect(&addresses.socket).expect("the daemon's socket");
    let key = addresses.key.clone();
    let mut challenges = Challenges::new();
    let mut reply = Vec::new();
    Box::new(move || {
        let mut call = serde_json::to_vec(&serde_json::json!({
            "method": "org.jitsuin.Jitsuin1.SignLogin",
            "parameters": { "origin": ORIGIN, "challenge": challenges.fresh(), "key": key },
        }))
        .expect("JSON");
        call.push(0);
        socket.write_all(&call).expect("the call goes out");
        reply.clear();
        let mut chunk = [0; 8192];
        while reply.last() != Some(&0) {
            // A thread that sleeps in read(2) is woken also when the daemon takes the call out of the socket.
            poll(&mut [PollFd::new(&socket, PollFlags::IN)], None).expect("poll");
            let read = socket.read(&mut chunk).expect("the reply comes in");
            assert!(read > 0, "the daemon hung up");
            reply.extend_from_slice(&chunk[..read]);
        }
        assert!(
            reply.windows(11).any(|w| w == b"\"signature\""),
            "not a login token: {}",
            String::from_utf8_lossy(&reply)
        );
    })
}

/// One connection to the bus; each signature is a call for a request, and a wait for its end.
pub(crate) fn dbus(addresses: &Addresses) -> Signer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let connection =
        runtime.block_on(zbus::connection::Builder::address(addresses.bus.as_str()).build()).expect("the bus");
    let key = addresses.key.clone();
    let mut challenges = Challenges::new();
    Box::new(move || {
        let challenge = challenges.fresh();
        runtime.block_on(async {
            let name = tests::daemon::NAME;
            let options = HashMap::from([("key", Variant::from(key.as_str()))]);
            let reply = connection
                .call_method(
                    Some(name),
                    "/org/jitsuin/Jitsuin1",
                    Some("org.jitsuin.Jitsuin1.Manager"),
                    "SignLogin",
                    &(ORIGIN, challenge.as_bytes(), options),
                )
                .await
                .expect("SignLogin");
            let request: OwnedObjectPath = reply.body().deserialize().expect("a request");
            let reply = connection
                .call_method(Some(name), &request, Some("org.jitsuin.Jitsuin1.Request"), "Wait", &30_000_u32)
                .await
                .expect("Wait");
            let (state, result): (String, HashMap<String, OwnedVariant>) =
                reply.body().deserialize().expect("a result");
            assert!(state == "done" && result.contains_key("signature"), "{state} {result:?}");
        });
    })
}
