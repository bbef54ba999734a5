//! The journal of one enrolment: append-only records, each chained to the one before by SHA-256.
//!
//! ```text
//! file   = magic "JITSUIN-JOURNAL\0" ‖ version (1 byte, 0x01) ‖ entry*
//! entry  = length (4 bytes, big-endian) ‖ guard (4 bytes) ‖ payload ‖ chain (32 bytes)
//! guard  = first 4 bytes of SHA-256("guard" ‖ chain before ‖ length)
//! chain  = SHA-256(chain before ‖ length ‖ payload); before the first entry SHA-256(magic ‖ version)
//! ```
//!
//! The payload is a [`Record`] in JSON. Because the guard vouches for the length, an entry that ends
//! past the end of the file is known to be torn, and a damaged length is not mistaken for that.
//! A chain cannot tell a journal that was cut short, or replaced by an older copy of itself, from one
//! that is young: the authority's memory does (reconciliation).

use sha2::{Digest, Sha256};

use crate::machine::Record;

/// Longest payload, in bytes: far above any record, and small enough to read blindly.
pub const MAX_PAYLOAD: usize = 256 * 1024;

const MAGIC: &[u8; 16] = b"JITSUIN-JOURNAL\0";
const VERSION: u8 = 1;
const HEAD: usize = MAGIC.len() + 1;

/// What a journal holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// All good records, oldest first.
    pub records: Vec<Record>,
    /// Bytes up to the end of the last good entry: where the next one goes. What follows is torn.
    pub good: usize,
    chain: [u8; 32],
}

/// Why a journal is not whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// An entry in the middle is not what was written.
    #[error("The journal is damaged at byte {at}. What stands before it is used.")]
    Entry {
        /// Where the entry begins.
        at: usize,
    },
    /// The file does not begin as a journal does.
    #[error("The file is no enrolment journal. Move it away.")]
    Head,
    /// Written by another version.
    #[error("The journal has version {found}, which this program does not read. Use the program that wrote it.")]
    Version {
        /// The version.
        found: u8,
    },
}

/// A record that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Unwritable {
    /// It has no JSON form.
    #[error("the record cannot be encoded")]
    Encoding(#[source] serde_json::Error),
    /// It is longer than [`MAX_PAYLOAD`].
    #[error("the record is longer than 256 KiB")]
    Length,
}

impl Default for Journal {
    fn default() -> Self {
        Self::new()
    }
}

impl Journal {
    /// A journal without entries, to be written as [`Journal::head`].
    #[must_use]
    pub fn new() -> Self {
        Self { records: Vec::new(), good: HEAD, chain: first_chain() }
    }

    /// The bytes with which a new file begins.
    #[must_use]
    pub fn head() -> Vec<u8> {
        [MAGIC.as_slice(), &[VERSION]].concat()
    }

    /// Reads a file. A torn tail (an append that power loss or a crash cut short) is dropped.
    ///
    /// # Errors
    /// [`Damage`], with the journal up to the damage.
    pub fn read(bytes: &[u8]) -> Result<Self, (Damage, Self)> {
        let mut journal = Self::new();
        match bytes.split_at_checked(HEAD) {
            // The very first write was cut short.
            None if Self::head().starts_with(bytes) || bytes.iter().all(|b| *b == 0) => {
                journal.good = 0;
                return Ok(journal);
            }
            Some((head, _)) if head == Self::head() => {}
            Some((head, _)) if head.starts_with(MAGIC) => {
                let found = head.last().copied().unwrap_or_default();
                return Err((Damage::Version { found }, journal));
            }
            _ => return Err((Damage::Head, journal)),
        }
        loop {
            let rest = bytes.get(journal.good..).unwrap_or_default();
            match entry(rest, &journal.chain) {
                Entry::Good { record, length, chain } => {
                    journal.records.push(*record);
                    journal.good += length;
                    journal.chain = chain;
                }
                Entry::Torn => return Ok(journal),
                Entry::Damaged => return Err((Damage::Entry { at: journal.good }, journal)),
            }
        }
    }

    /// The bytes to append, at [`Journal::good`], for one more record. The journal takes the record
    /// over only by [`Journal::appended`].
    ///
    /// # Errors
    /// [`Unwritable`].
    pub fn encode(&self, record: &Record) -> Result<Vec<u8>, Unwritable> {
        let payload = serde_json::to_vec(record).map_err(Unwritable::Encoding)?;
        let length = u32::try_from(payload.len()).ok().filter(|n| *n as usize <= MAX_PAYLOAD);
        let length = length.ok_or(Unwritable::Length)?.to_be_bytes();
        let guard = guard(&self.chain, &length);
        let chain = next_chain(&self.chain, &length, &payload);
        Ok([length.as_slice(), &guard, &payload, &chain].concat())
    }

    /// Takes over what [`Journal::encode`] made, once it is on disk.
    pub fn appended(&mut self, record: Record, bytes: &[u8]) {
        if let Some(chain) = bytes.last_chunk::<32>() {
            self.chain = *chain;
            self.good += bytes.len();
            self.records.push(record);
        }
    }
}

enum Entry {
    Damaged,
    Good { record: Box<Record>, length: usize, chain: [u8; 32] },
    Torn,
}

fn entry(rest: &[u8], before: &[u8; 32]) -> Entry {
    let Some((length, after)) = rest.split_first_chunk::<4>() else {
        return Entry::Torn;
    };
    let Some((found, after)) = after.split_first_chunk::<4>() else {
        return Entry::Torn;
    };
    let size = u32::from_be_bytes(*length) as usize;
    if *found != guard(before, length) || size > MAX_PAYLOAD {
        // A file can be longer than what reached the disk: then the rest reads as zeros.
        return if rest.iter().all(|b| *b == 0) { Entry::Torn } else { Entry::Damaged };
    }
    let Some((payload, after)) = after.split_at_checked(size) else {
        return Entry::Torn;
    };
    let Some((chain, after)) = after.split_first_chunk::<32>() else {
        return Entry::Torn;
    };
    if *chain != next_chain(before, length, payload) {
        // Only the last entry can have reached the disk in parts.
        return if after.is_empty() { Entry::Torn } else { Entry::Damaged };
    }
    match serde_json::from_slice(payload) {
        Ok(record) => Entry::Good { record: Box::new(record), length: rest.len() - after.len(), chain: *chain },
        Err(_) => Entry::Damaged,
    }
}

fn first_chain() -> [u8; 32] {
    Sha256::digest(Journal::head()).into()
}

fn guard(before: &[u8; 32], length: &[u8; 4]) -> [u8; 4] {
    let hash = Sha256::new().chain_update(b"guard").chain_update(before).chain_update(length).finalize();
    let [a, b, c, d, ..] = hash.0;
    [a, b, c, d]
}

fn next_chain(before: &[u8; 32], length: &[u8; 4], payload: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(before).chain_update(length).chain_update(payload).finalize().into()
}
