//! The channel between the daemon and a worker, both ways: a worker that a module has taken over says anything.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::{self, FromWorker, MAX_DOWN, MAX_UP, Reply, Request, Secrets, ToWorker};

/// Frames; the first byte says which way. What is read is written the same.
pub(super) fn wire(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind {
        0 => drop(message::<ToWorker>(bytes, MAX_DOWN)),
        1 => drop(message::<FromWorker>(bytes, MAX_UP)),
        2 => drop(message::<Reply>(bytes, MAX_UP)),
        _ => {
            let Some((request, rest)) = message::<Request>(bytes, MAX_DOWN) else { return };
            let Ok(op) = request.clone().into_op(rest) else { return };
            let Some((again, Secrets(secrets))) = Request::of(&op) else {
                assert_eq!(op.verb(), "", "what no module is asked for came over the channel");
                return;
            };
            assert_eq!(again, request);
            let entered: usize = secrets.iter().flatten().map(|pin| 1 + pin.len()).sum();
            assert!(entered <= rest.len(), "a secret that was not sent");
        }
    }
}

/// The message and what follows it, which is left alone.
fn message<T: DeserializeOwned + Serialize + PartialEq>(mut bytes: &[u8], limit: usize) -> Option<(T, &[u8])> {
    let message: T = wire::receive(&mut bytes, limit).ok()?;
    // Numbers may be written longer than they are.
    let Ok(frame) = wire::frame(&message, limit) else { return None };
    assert!(wire::receive::<T>(frame.as_slice(), limit).is_ok_and(|again| again == message));
    Some((message, bytes))
}
