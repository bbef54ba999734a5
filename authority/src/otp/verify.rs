//! Verifying an entry against a token's state.

use subtle::ConstantTimeEq;

use super::value::{Hash, hotp};

/// What moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A counter (RFC 4226).
    Hotp,
    /// Time, in steps of so many seconds (RFC 6238).
    Totp {
        /// 30 or 60 seconds.
        period: u32,
    },
}

/// A token as the authority knows it, secret apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenState {
    /// Counter or time.
    pub kind: Kind,
    /// The hash.
    pub hash: Hash,
    /// Digits shown, 6 to 8.
    pub digits: u32,
    /// The first counter or step that may still be accepted. An accepted one lies below for ever.
    pub next: u64,
    /// How many steps the token's clock is ahead of ours; negative: behind.
    pub drift: i64,
}

/// How far is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Past steps that are accepted for delay (TOTP; at most one: D-307).
    pub past: u64,
    /// Counters ahead of the expected one (HOTP; RFC 4226 §7.4).
    pub look_ahead: u64,
    /// Steps (either way) or counters (ahead) at resynchronisation.
    pub resync: u64,
}

/// What the token's state becomes by an accepted entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The new [`TokenState::next`].
    pub next: u64,
    /// The new [`TokenState::drift`].
    pub drift: i64,
}

/// Checks an entry at `now` (Unix time in seconds). All candidates are always computed.
#[must_use]
pub fn verify(state: &TokenState, secret: &[u8], entry: &[u8], now: i64, windows: Windows) -> Option<Accepted> {
    let (first, last) = match state.kind {
        Kind::Hotp => (state.next, state.next.saturating_add(windows.look_ahead)),
        Kind::Totp { period } => {
            let here = step(now, period, state.drift)?;
            // What was taken for a slow clock may have been slow typing: a punctual entry after a
            // late one is looked for as well. At no drift the window is -1…+0 (D-307).
            (here.saturating_sub(windows.past), here.saturating_add(u64::from(state.drift < 0)))
        }
    };
    let found = search(state, secret, entry, first, last)?;
    accepted(state, found, now, windows)
}

/// Finds a token again that ran away, by two consecutive different passwords (D-308).
#[must_use]
pub fn resynchronise(
    state: &TokenState,
    secret: &[u8],
    first: &[u8],
    second: &[u8],
    now: i64,
    windows: Windows,
) -> Option<Accepted> {
    if first == second {
        return None;
    }
    let (from, to) = match state.kind {
        Kind::Hotp => (state.next, state.next.saturating_add(windows.resync)),
        Kind::Totp { period } => {
            let here = step(now, period, 0)?;
            (here.saturating_sub(windows.resync), here.saturating_add(windows.resync))
        }
    };
    let mut found = None;
    for factor in from..=to {
        let both = matches(state, secret, first, factor) & matches(state, secret, second, factor.saturating_add(1));
        if both && factor >= state.next && found.is_none() {
            found = Some(factor.saturating_add(1));
        }
    }
    let found = found?;
    let drift = match state.kind {
        Kind::Hotp => 0,
        Kind::Totp { period } => i64::try_from(found).ok()? - i64::try_from(step(now, period, 0)?).ok()?,
    };
    Some(Accepted { next: found.saturating_add(1), drift })
}

/// The step at `now` of a clock that is `drift` steps ahead of ours.
fn step(now: i64, period: u32, drift: i64) -> Option<u64> {
    u64::try_from(now.checked_div(i64::from(period))?.checked_add(drift)?).ok()
}

fn matches(state: &TokenState, secret: &[u8], entry: &[u8], factor: u64) -> bool {
    bool::from(hotp(state.hash, secret, factor, state.digits).as_bytes().ct_eq(entry))
}

fn search(state: &TokenState, secret: &[u8], entry: &[u8], first: u64, last: u64) -> Option<u64> {
    let mut found = None;
    for factor in first..=last {
        if matches(state, secret, entry, factor) && factor >= state.next && found.is_none() {
            found = Some(factor);
        }
    }
    found
}

fn accepted(state: &TokenState, found: u64, now: i64, windows: Windows) -> Option<Accepted> {
    let drift = match state.kind {
        Kind::Hotp => 0,
        Kind::Totp { period } => {
            let behind = i64::try_from(found).ok()? - i64::try_from(step(now, period, 0)?).ok()?;
            let bound = i64::try_from(windows.resync).ok()?;
            behind.clamp(-bound, bound)
        }
    };
    Some(Accepted { next: found.saturating_add(1), drift })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";
    const WINDOWS: Windows = Windows { past: 1, look_ahead: 10, resync: 20 };

    fn totp() -> TokenState {
        TokenState { kind: Kind::Totp { period: 30 }, hash: Hash::Sha1, digits: 6, next: 0, drift: 0 }
    }

    fn at(step: u64) -> Vec<u8> {
        hotp(Hash::Sha1, SECRET, step, 6).as_bytes().to_vec()
    }

    fn after(state: TokenState, accepted: Option<Accepted>) -> TokenState {
        let Accepted { next, drift } = accepted.unwrap();
        TokenState { next, drift, ..state }
    }

    #[test]
    fn an_accepted_step_is_never_accepted_again() {
        let mut state = totp();
        let now = 3000;
        state = after(state, verify(&state, SECRET, &at(100), now, WINDOWS));
        assert_eq!(verify(&state, SECRET, &at(100), now, WINDOWS), None);
        assert_eq!(verify(&state, SECRET, &at(99), now, WINDOWS), None, "nor one before it");
        assert!(verify(&state, SECRET, &at(101), now + 30, WINDOWS).is_some());
    }

    #[test]
    fn one_step_late_and_no_step_early() {
        for (offset, accepted) in [(-2i64, false), (-1, true), (0, true), (1, false)] {
            let step = u64::try_from(100 + offset).unwrap();
            assert_eq!(verify(&totp(), SECRET, &at(step), 3000, WINDOWS).is_some(), accepted, "{offset}");
        }
    }

    #[test]
    fn a_late_entry_does_not_shut_out_a_punctual_one() {
        let mut state = totp();
        state = after(state, verify(&state, SECRET, &at(99), 3000, WINDOWS));
        assert_eq!(state.drift, -1);
        assert!(verify(&state, SECRET, &at(102), 3090, WINDOWS).is_some(), "a clock that is slow");
        assert_eq!(verify(&state, SECRET, &at(100), 3090, WINDOWS), None);
        state = after(state, verify(&state, SECRET, &at(103), 3090, WINDOWS));
        assert_eq!(state.drift, 0);
    }

    #[test]
    fn hotp_looks_ahead_and_never_back() {
        let mut state = TokenState { kind: Kind::Hotp, next: 5, ..totp() };
        assert_eq!(verify(&state, SECRET, &at(4), 0, WINDOWS), None);
        assert_eq!(verify(&state, SECRET, &at(16), 0, WINDOWS), None);
        state = after(state, verify(&state, SECRET, &at(15), 0, WINDOWS));
        assert_eq!(state.next, 16);
    }

    #[test]
    fn two_codes_find_a_token_that_ran_away() {
        let mut state = totp();
        assert_eq!(verify(&state, SECRET, &at(112), 3000, WINDOWS), None);
        assert_eq!(resynchronise(&state, SECRET, &at(112), &at(112), 3000, WINDOWS), None, "the same twice");
        assert_eq!(resynchronise(&state, SECRET, &at(112), &at(114), 3000, WINDOWS), None, "not consecutive");
        assert_eq!(resynchronise(&state, SECRET, &at(121), &at(122), 3000, WINDOWS), None, "too far");
        state = after(state, resynchronise(&state, SECRET, &at(112), &at(113), 3000, WINDOWS));
        assert_eq!(state, TokenState { next: 114, drift: 13, ..totp() });
        assert!(verify(&state, SECRET, &at(114), 3030, WINDOWS).is_some(), "the drift is remembered");
        assert_eq!(verify(&state, SECRET, &at(113), 3000, WINDOWS), None, "both are used up");
    }

    #[test]
    fn entries_of_another_form_are_wrong() {
        for entry in [b"".as_slice(), b"75522", b"7552240", b"abcdef", "７５５２２４".as_bytes()] {
            let state = TokenState { kind: Kind::Hotp, ..totp() };
            assert_eq!(verify(&state, SECRET, entry, 0, WINDOWS), None);
        }
    }
}
