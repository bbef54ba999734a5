//! What must hold whatever a PIV card says.

mod card;
mod parsers;
mod rules;
mod session;

pub(crate) use card::FuzzedCard;
pub(crate) use parsers::{certificate, objects, tlv};
pub(crate) use rules::{Same, Seen, stays_short};
pub(crate) use session::session;
