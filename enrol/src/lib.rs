//! Enrolment: CMP messages, the state machines of both sides and the client's journal, without I/O.

pub mod cmp;
pub mod journal;
pub mod machine;

/// The enrolment protocols, one line each. A profile does not say which it speaks, for there is one;
/// whoever takes them apart has to choose when there are two.
pub static PROTOCOLS: [Protocol; 1] = [
    cmp::PROTOCOL, //
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
