//! Enrolment: CMP messages, the state machines of both sides and the client's journal, without I/O.

pub mod cmp;
pub mod journal;
pub mod machine;

/// The enrolment protocols, one line each.
pub static PROTOCOLS: &[Protocol] = &[
    Protocol { name: "cmp", path: cmp::PATH, media_type: cmp::MEDIA_TYPE }, //
];

/// How a protocol is carried over HTTPS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protocol {
    /// Its name in logs and configuration.
    pub name: &'static str,
    /// The path its messages are posted to.
    pub path: &'static str,
    /// The media type of its messages.
    pub media_type: &'static str,
}
