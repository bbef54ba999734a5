//! Enrolment without I/O: the protocols by which a workstation asks an authority for a certificate,
//! the state machines of both sides, and the client's journal.
//!
//! Every function here takes what it needs, the time and the random bytes included, and returns
//! what is to be done or sent.

pub mod cmp;
pub mod machine;

/// The enrolment protocols that are spoken, by the name a configuration uses. A further protocol is
/// one folder beside `cmp` and one line here.
pub const PROTOCOLS: &[Protocol] = &[Protocol { name: "cmp", media_type: cmp::MEDIA_TYPE, path: cmp::PATH }];

/// One enrolment protocol as HTTP sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protocol {
    /// Its name in configuration.
    pub name: &'static str,
    /// The media type of its messages.
    pub media_type: &'static str,
    /// Where an authority serves it.
    pub path: &'static str,
}
