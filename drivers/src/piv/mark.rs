//! Which keys we made: PIV has no labels, so the marks of enrolments lie in an object of our own,
//! written before the key is made. A generation that was cut short is known by it again.
//!
//! Contents: for each slot, tag A0 with 80 key reference and 81 mark.

use std::collections::BTreeMap;

use ::token::Fault;

use super::object::MARKS;
use super::session::Session;
use super::slot;
use crate::card::tlv;

/// Longest mark, in bytes.
pub(super) const MAX_MARK: usize = 64;

impl Session {
    /// The marks, by key reference. What is torn counts as not written.
    pub(super) fn marks(&mut self) -> Result<BTreeMap<u8, String>, Fault> {
        Ok(self.object(MARKS)?.map(|contents| parse(&contents)).unwrap_or_default())
    }

    /// Marks a slot, or with `None` takes its mark away. Needs the administrator.
    pub(super) fn mark(&mut self, reference: u8, mark: Option<&str>) -> Result<(), Fault> {
        let before = self.marks()?;
        let mut marks = before.clone();
        match mark {
            Some(mark) => marks.insert(reference, mark.to_owned()),
            None => marks.remove(&reference),
        };
        if marks == before { Ok(()) } else { self.put_object(MARKS, &write(&marks)) }
    }
}

pub(super) fn parse(mut contents: &[u8]) -> BTreeMap<u8, String> {
    let mut marks = BTreeMap::new();
    while let Some((tag, value, rest)) = tlv::first(contents) {
        contents = rest;
        let (Some([reference]), Some(mark)) = (tlv::find(value, 0x80), tlv::find(value, 0x81)) else { continue };
        let mark = std::str::from_utf8(mark).ok().filter(|m| m.len() <= MAX_MARK && m.is_ascii());
        if let (0xA0, Some(mark), true) = (tag, mark, slot::ALL.contains(reference)) {
            marks.insert(*reference, mark.to_owned());
        }
    }
    marks
}

pub(super) fn write(marks: &BTreeMap<u8, String>) -> Vec<u8> {
    let one = |(reference, mark): (&u8, &String)| {
        tlv::make(0xA0, &[tlv::make(0x80, &[*reference]).as_slice(), &tlv::make(0x81, mark.as_bytes())].concat())
    };
    marks.iter().flat_map(|entry| one(entry).to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let marks = BTreeMap::from([(0x82, "jitsuin 1".to_owned()), (0x95, "x".repeat(MAX_MARK))]);
        assert_eq!(parse(&write(&marks)), marks);
        assert_eq!(parse(b"\xA0\x05\x80\x01\x77\x81\x00"), BTreeMap::new(), "no such slot");
        assert_eq!(parse(&[0xA0, 0x7F]), BTreeMap::new());
    }
}
