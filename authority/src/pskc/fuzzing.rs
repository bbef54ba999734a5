//! The fuzz target `pskc`: a maker's file. The first byte says what is known of its key.

use token::Secret;

use super::crypto::number;
use super::{Container, Entry, Key, MAX_TOKENS, PskcError};
use crate::otp::Kind;

/// Most rounds of PBKDF2 that are waited for here.
const ROUNDS: u64 = 2_000;

/// The body.
pub(crate) fn file(bytes: &[u8]) {
    let Some((which, file)) = bytes.split_first() else { return };
    let container = match Container::read(file, which & 0x80 != 0) {
        Ok(container) => container,
        Err(error) => return told(&error),
    };
    assert!(format!("{container:?}").len() <= file.len() + 64, "nothing is printed by mistake");
    let shared = |length: u8| Key::Shared(Secret::new((0..length).collect()));
    let key = match which & 0x07 {
        0 => None,
        1 => {
            Some(Key::Shared(Secret::new(b"\x12\x34\x56\x78\x90\x12\x34\x56\x78\x90\x12\x34\x56\x78\x90\x12".to_vec())))
        }
        2 => Some(shared(24)),
        3 => Some(shared(32)),
        4 => Some(shared(5)),
        _ => Some(Key::Password(Secret::new(b"qwerty".to_vec()))),
    };
    let derivation = ["EncryptionKey", "DerivedKey", "KeyDerivationMethod", "PBKDF2-params"];
    let rounds = container.0.at(&derivation).and_then(|parameters| number(parameters, "IterationCount").ok().flatten());
    if rounds.is_some_and(|rounds| rounds > ROUNDS && rounds <= u64::from(super::crypto::MAX_ROUNDS)) {
        return; // what is slow on purpose finds nothing
    }
    match container.open(key.as_ref()) {
        Ok(tokens) => {
            assert!((1..=MAX_TOKENS).contains(&tokens.len()));
            tokens.iter().for_each(token);
        }
        Err(error) => told(&error),
    }
}

fn token(entry: &Entry) {
    assert!(entry.name.len() <= 80 && entry.name.bytes().all(|b| b.is_ascii_graphic() || b == b' '));
    let token = match &entry.token {
        Ok(token) => token,
        Err(error) => return told(error),
    };
    assert!((1..=64).contains(&token.serial.len()) && token.serial.bytes().all(|b| b.is_ascii_graphic()));
    assert!((16..=64).contains(&token.secret.expose().len()));
    let state = &token.state;
    assert!((6..=8).contains(&state.digits) && state.drift.abs() <= 100);
    match state.kind {
        Kind::Totp { period } => assert!((15..=120).contains(&period) && state.next == 0),
        Kind::Hotp => assert_eq!(state.drift, 0),
    }
    // It can be used, whatever its numbers are.
    let _ = crate::otp::hotp(state.hash, token.secret.expose(), state.next, state.digits);
}

/// What is said of a file stays short and can be shown.
fn told(error: &PskcError) {
    let text = error.to_string();
    assert!(text.len() <= 300 && !text.chars().any(char::is_control), "{text:?}");
}
