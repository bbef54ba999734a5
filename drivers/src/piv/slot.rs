//! The places for keys, and the objects that belong to them (SP 800-73-5 part 1 tables 3 and 5).

use ::token::SlotId;

/// Key references of the holder's keys: authentication, signature, key management, card
/// authentication, and the twenty retired ones.
pub(super) const ALL: [u8; 24] = [
    0x9A, 0x9C, 0x9D, 0x9E, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90,
    0x91, 0x92, 0x93, 0x94, 0x95,
];

/// The signature key, which wants the PIN each time.
pub(super) const SIGNATURE: u8 = 0x9C;
/// The card authentication key, which wants none.
pub(super) const CARD: u8 = 0x9E;

/// Whether it is a retired key management slot: those are spare for new keys.
pub(super) fn is_spare(reference: u8) -> bool {
    matches!(reference, 0x82..=0x95)
}

/// The certificate's object.
pub(super) fn object(reference: u8) -> Option<u32> {
    match reference {
        0x9A => Some(0x5F_C105),
        0x9C => Some(0x5F_C10A),
        0x9D => Some(0x5F_C10B),
        0x9E => Some(0x5F_C101),
        0x82..=0x95 => Some(0x5F_C10D + u32::from(reference - 0x82)),
        _ => None,
    }
}

/// The key reference of that name.
pub(super) fn reference(slot: &SlotId) -> Option<u8> {
    match slot.to_bytes().as_slice() {
        [reference] => ALL.contains(reference).then_some(*reference),
        _ => None,
    }
}
