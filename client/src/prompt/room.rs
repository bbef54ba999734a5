//! What fits into one window: pinentry takes a text as one line of its protocol.

use super::assuan::{LINE, escape};

/// Room for a text in one request line, which holds its command too.
pub(crate) const ROOM: usize = LINE - "SETDESC \n".len() - 12;

/// Bytes that these lines take in a request line.
pub(crate) fn length(lines: &[String]) -> usize {
    lines.iter().map(|line| needed(line)).sum()
}

/// The lines in their order, then `last`: those that must stand there (`true`), and of the others as many as there is
/// room for.
pub(crate) fn fitted(lines: impl IntoIterator<Item = (bool, String)>, last: Vec<String>) -> Vec<String> {
    let lines: Vec<_> = lines.into_iter().collect();
    let must: usize = lines.iter().filter(|(must, _)| *must).map(|(_, line)| needed(line)).sum();
    let mut room = ROOM.saturating_sub(must + length(&last));
    let mut kept = Vec::new();
    for (must, line) in lines {
        if !must {
            let Some(left) = room.checked_sub(needed(&line)) else { continue };
            room = left;
        }
        kept.push(line);
    }
    kept.extend(last);
    kept
}

/// A line end takes three bytes there, as a percent sign does.
fn needed(line: &str) -> usize {
    escape(line).len() + "%0A".len()
}
