//! Revocation lists and OCSP answers that the caller fetched.

use der::asn1::AnyRef;
use der::{Decode, SliceReader, Tag, Tagged};
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_cert::time::Time;

/// Why a revocation list is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the revocation list cannot be read: {0}")]
pub struct BadList(String);

/// A revocation list, read once for many logins. Its signature is checked at each of them.
#[derive(Debug)]
pub struct RevocationList {
    pub(crate) list: CertRevocationList<'static>,
    /// Unix time in seconds.
    pub(crate) this_update: i64,
}

impl RevocationList {
    /// Reads a list in DER.
    ///
    /// # Errors
    /// [`BadList`] for what is none, and for delta and indirect lists.
    pub fn from_der(der: &[u8]) -> Result<Self, BadList> {
        let list = OwnedCertRevocationList::from_der(der).map_err(|error| BadList(error.to_string()))?;
        let this_update = this_update(der).map_err(|error| BadList(error.to_string()))?;
        Ok(Self { list: list.into(), this_update })
    }

    /// When it was made; Unix time in seconds.
    #[must_use]
    pub fn made_at(&self) -> i64 {
        self.this_update
    }
}

/// `thisUpdate`: version, signature algorithm and issuer stand before it (RFC 5280 §5.1.2).
fn this_update(der: &[u8]) -> der::Result<i64> {
    let list = AnyRef::from_der(der)?;
    let mut outer = SliceReader::new(list.value())?;
    let tbs = AnyRef::decode(&mut outer)?;
    let mut fields = SliceReader::new(tbs.value())?;
    let first = AnyRef::decode(&mut fields)?;
    if first.tag() == Tag::Integer {
        AnyRef::decode(&mut fields)?;
    }
    AnyRef::decode(&mut fields)?;
    let made = Time::decode(&mut fields)?;
    Ok(seconds(made.to_unix_duration().as_secs()))
}

pub(crate) fn seconds(unsigned: u64) -> i64 {
    i64::try_from(unsigned).unwrap_or(i64::MAX)
}

/// What is at hand about revocation. Nothing of it is trusted for where it came from: all of it is signed.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Revocation lists.
    pub lists: Vec<RevocationList>,
    /// OCSP answers: DER of `OCSPResponse`.
    pub answers: Vec<Vec<u8>>,
    /// The nonce that the answers must carry, where the caller has sent one.
    pub nonce: Option<Vec<u8>>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reading_a_list_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = RevocationList::from_der(&bytes);
            let _ = this_update(&bytes);
        }
    }
}
