//! The PIN: how it stands, one VERIFY, and its change (SP 800-73-5 part 2 §3.2.1, §3.2.2).

use ::token::{Fault, Pin, PinState};
use zeroize::Zeroizing;

use super::fault::{Step, by_status};
use super::session::Session;
use crate::card::apdu::{Answer, Command};

/// The PIN's key reference.
pub(super) const PIN: u8 = 0x80;
/// Fewest and most bytes, of the PUK as well (part 1 §2.4.3).
pub(super) const MIN: u8 = 6;
pub(super) const MAX: u8 = 8;

impl Session {
    /// Tries left, asked without spending one; `None` where the card does not say, which it does not
    /// while somebody else's entry is in force.
    pub(super) fn tries(&mut self) -> Result<Option<u8>, Fault> {
        let answer = self.ask(Step::Verify, Command::new(0x20, 0, PIN).silent())?;
        match answer.status {
            Answer::OK => Ok(None),
            0x6983 => Ok(Some(0)),
            status @ 0x63C0..=0x63CF => Ok(u8::try_from(status & 0x0F).ok()),
            status => Err(by_status(Step::Verify, status)),
        }
    }

    /// How the PIN stands. `total`: the tries after a right entry, where the card says. While one is in force, it has
    /// brought them back.
    pub(super) fn pin_state(&mut self, total: Option<u8>) -> Result<PinState, Fault> {
        Ok(pin_state(self.tries()?.or(total), total))
    }

    /// Exactly one VERIFY, unless the form is wrong, no tries are left, or one only and not `last`.
    ///
    /// The tries are asked here, in the transaction of the VERIFY: before it, another program may have
    /// spent some (docs/decisions/0013).
    pub(super) fn verify(&mut self, pin: &Pin, last: bool) -> Result<(), Fault> {
        let entry = padded(pin)?;
        match self.tries()? {
            Some(0) => return Err(Fault::PinBlocked),
            Some(1) if !last => return Err(Fault::FinalTryHeld),
            // Where it does not say, because an entry is in force, that entry has brought all tries back.
            Some(_) | None => {}
        }
        // What was proven before, by whomever, does not count: from here on this entry does.
        self.verified = true;
        match self.done(Step::Verify, Command::new(0x20, 0, PIN).with(entry).silent()) {
            Err(Fault::PinFormat { .. }) => Err(Fault::PinFormat { min: MIN, max: MAX }),
            other => other,
        }
    }

    /// CHANGE REFERENCE DATA: the card verifies `old` once.
    pub(super) fn change_pin(&mut self, old: &Pin, new: &Pin) -> Result<(), Fault> {
        let both = Zeroizing::new([padded(old)?.as_slice(), padded(new)?.as_slice()].concat());
        if self.tries()? == Some(0) {
            return Err(Fault::PinBlocked);
        }
        self.verified = true;
        match self.done(Step::Change, Command::new(0x24, 0, PIN).with(both).silent()) {
            Err(Fault::PinFormat { .. }) => Err(Fault::PinFormat { min: MIN, max: MAX }),
            other => other,
        }
    }
}

/// How a PIN stands that has so many tries left, of so many in all where the card says.
pub(super) fn pin_state(tries: Option<u8>, total: Option<u8>) -> PinState {
    PinState {
        initialized: true,
        tries,
        count_low: tries.is_some_and(|left| left < total.unwrap_or(3)),
        final_try: tries == Some(1),
        blocked: tries == Some(0),
        min: MIN,
        max: MAX,
    }
}

/// Eight bytes, filled up with FF. A wrong form never reaches the card, where it could cost a try.
pub(super) fn padded(pin: &Pin) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let fits = (usize::from(MIN)..=usize::from(MAX)).contains(&pin.len());
    if !fits || !pin.expose().iter().all(|b| (0x20..0x7F).contains(b)) {
        return Err(Fault::PinFormat { min: MIN, max: MAX });
    }
    let mut entry = Zeroizing::new(vec![0xFF; usize::from(MAX)]);
    for (to, from) in entry.iter_mut().zip(pin.expose()) {
        *to = *from;
    }
    Ok(entry)
}
