//! What the token shows, as far as the machine's decisions need it.

use token::{SlotId, SlotInfo, SlotSpace, TokenInfo};

use super::order::EnrolmentId;
use super::state::Held;

/// What lies in one slot.
pub(super) enum InSlot<'a> {
    /// Nothing at all.
    Empty,
    /// A key that bears our mark and was born on the token.
    Marked(&'a token::PublicKey),
    /// Anything else. It is not touched.
    Foreign,
}

pub(super) fn in_slot<'a>(token: &'a TokenInfo, slot: &SlotId, id: &EnrolmentId) -> InSlot<'a> {
    match token.slot(slot) {
        None => InSlot::Empty,
        Some(found) => marked(found, id).map_or(InSlot::Foreign, InSlot::Marked),
    }
}

/// The first key anywhere that bears our mark.
pub(super) fn marked_key<'a>(token: &'a TokenInfo, id: &EnrolmentId) -> Option<(&'a SlotId, &'a token::PublicKey)> {
    token.slots.iter().find_map(|s| Some((&s.slot, marked(s, id)?)))
}

/// Where this public key lies.
pub(super) fn find_key<'a>(token: &'a TokenInfo, key: &token::PublicKey) -> Option<&'a SlotId> {
    token.slots.iter().find(|s| s.public_key.as_ref() == Some(key)).map(|s| &s.slot)
}

/// The slot that holds exactly this key.
pub(super) fn holding<'a>(token: &'a TokenInfo, key: &Held) -> Option<&'a SlotInfo> {
    token.slot(&key.slot).filter(|s| s.public_key.as_ref() == Some(&key.public_key))
}

/// The first candidate that is not taken. Where names are the writer's to choose, candidates are
/// the enrolment's own 16 bytes with a number added to the last.
pub(super) fn spare_slot(token: &TokenInfo, id: &EnrolmentId) -> Option<SlotId> {
    let free = |slot: &SlotId| token.slot(slot).is_none();
    match &token.space {
        SlotSpace::Fixed(spare) => spare.iter().find(|slot| free(slot)).cloned(),
        SlotSpace::Free => (0..=u8::MAX).find_map(|n| {
            let mut name = *id.bytes();
            if let Some(last) = name.last_mut() {
                *last = last.wrapping_add(n);
            }
            SlotId::from_bytes(&name).ok().filter(free)
        }),
    }
}

fn marked<'a>(slot: &'a SlotInfo, id: &EnrolmentId) -> Option<&'a token::PublicKey> {
    slot.public_key.as_ref().filter(|_| slot.born_on_token && slot.label == id.mark())
}
