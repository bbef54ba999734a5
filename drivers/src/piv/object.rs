//! Data objects: GET DATA, PUT DATA (SP 800-73-5 part 2 §3.1.2, §3.3.1), and what certificates are kept in.

use ::token::Fault;
use ::token::certificate::MAX_CERTIFICATE;
use zeroize::Zeroizing;

use super::fault::{Step, by_status};
use super::session::Session;
use crate::card::apdu::{Answer, Command};
use crate::card::fault::malformed;
use crate::card::tlv;

/// The card holder unique identifier.
pub(super) const CHUID: u32 = 0x5F_C102;
/// The card capability container.
pub(super) const CAPABILITIES: u32 = 0x5F_C107;
/// Which retired keys there are.
pub(super) const KEY_HISTORY: u32 = 0x5F_C10C;
/// Printed information: needs the PIN. Yubico's tools keep the management key in it.
pub(super) const PRINTED: u32 = 0x5F_C109;
/// Yubico: what its tools remember of the management key.
pub(super) const ADMIN_DATA: u32 = 0x5F_FF00;
/// Yubico: the certificate of the key that attests.
pub(super) const ATTESTATION: u32 = 0x5F_FF01;
/// Ours, in the range that a YubiKey leaves free: which keys we made (see `mark`).
pub(super) const MARKS: u32 = 0x5F_4A53;

impl Session {
    /// The contents of an object; `None` when it is not there or empty.
    pub(super) fn object(&mut self, object: u32) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
        let name = object.to_be_bytes();
        let list = tlv::make(0x5C, name.get(1..).unwrap_or_default());
        let answer = self.ask(Step::GetData, Command::new(0xCB, 0x3F, 0xFF).with(list))?;
        match answer.status {
            Answer::OK => {
                let contents = tlv::only(&answer.data, 0x53).ok_or_else(|| malformed(Step::GetData))?;
                Ok((!contents.is_empty()).then(|| Zeroizing::new(contents.to_vec())))
            }
            // Not there: as files, as keys, or as functions that a card does not have.
            0x6A82 | 0x6A88 | 0x6A80 | 0x6A81 => Ok(None),
            status => Err(by_status(Step::GetData, status)),
        }
    }

    /// Writes an object; empty contents delete it. Needs the administrator.
    pub(super) fn put_object(&mut self, object: u32, contents: &[u8]) -> Result<(), Fault> {
        let name = object.to_be_bytes();
        let list = tlv::make(0x5C, name.get(1..).unwrap_or_default());
        let data = Zeroizing::new([list.as_slice(), tlv::make(0x53, contents).as_slice()].concat());
        self.done(Step::PutData, Command::new(0xDB, 0x3F, 0xFF).with(data).silent())
    }

    /// The certificate in an object; `None` also for what is too long or torn.
    pub(super) fn certificate(&mut self, object: u32) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.object(object)?.and_then(|contents| unwrap(&contents)))
    }
}

/// A certificate's object (part 1 table 10): not compressed, no error detection code.
pub(super) fn wrap(certificate: &[u8]) -> Vec<u8> {
    [tlv::make(0x70, certificate).as_slice(), &tlv::make(0x71, &[0]), &tlv::make(0xFE, &[])].concat()
}

pub(super) fn unwrap(contents: &[u8]) -> Option<Vec<u8>> {
    let certificate = tlv::find(contents, 0x70).filter(|c| !c.is_empty())?;
    match tlv::find(contents, 0x71) {
        Some([1]) => inflate(certificate).filter(|c| !c.is_empty()),
        _ => (certificate.len() <= MAX_CERTIFICATE).then(|| certificate.to_vec()),
    }
}

/// A gzip member (RFC 1952 §2.3), as long as a certificate may be. Its checksum is left alone: a
/// damaged certificate is no certificate.
fn inflate(member: &[u8]) -> Option<Vec<u8>> {
    let [0x1F, 0x8B, 8, flags, _, _, _, _, _, _, rest @ ..] = member else { return None };
    let mut rest = rest;
    if flags & 0x04 != 0 {
        let (length, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in [0x08, 0x10] {
        if flags & text != 0 {
            rest = rest.get(rest.iter().position(|b| *b == 0)? + 1..)?;
        }
    }
    if flags & 0x02 != 0 {
        rest = rest.get(2..)?;
    }
    miniz_oxide::inflate::decompress_to_vec_with_limit(rest, MAX_CERTIFICATE).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gzip(flags: u8, extra: &[u8], bytes: &[u8]) -> Vec<u8> {
        let deflated = miniz_oxide::deflate::compress_to_vec(bytes, 6);
        [&[0x1F, 0x8B, 8, flags, 0, 0, 0, 0, 0, 3], extra, &deflated, &[0; 8]].concat()
    }

    fn compressed(member: &[u8]) -> Vec<u8> {
        [tlv::make(0x70, member).as_slice(), &tlv::make(0x71, &[1])].concat()
    }

    #[test]
    fn compressed_or_not() {
        assert_eq!(unwrap(&wrap(b"certificate")).unwrap(), b"certificate");
        for (flags, extra) in [(0, &b""[..]), (0x04, b"\x02\0ab"), (0x08, b"name\0"), (0x1A, b"name\0words\0cc")] {
            assert_eq!(unwrap(&compressed(&gzip(flags, extra, &[7; 3000]))).unwrap(), [7; 3000], "{flags:02x}");
        }
        assert_eq!(unwrap(&compressed(&gzip(0, b"", &[7; MAX_CERTIFICATE + 1]))), None, "a bomb");
        assert_eq!(unwrap(&compressed(&gzip(0, b"", b""))), None, "nothing, compressed");
        assert_eq!(unwrap(&compressed(b"not gzip")), None);
        assert_eq!(unwrap(b""), None);
    }

    proptest! {
        #[test]
        fn the_parser_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..300), flags: u8) {
            let _ = unwrap(&bytes);
            let _ = inflate(&[&[0x1F, 0x8B, 8, flags, 0, 0, 0, 0, 0, 3], bytes.as_slice()].concat());
        }
    }
}
