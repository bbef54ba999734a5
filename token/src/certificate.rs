//! What Jitsuin reads from a certificate (RFC 5280).

use der::{Decode, Encode};
use x509_cert::Certificate;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};

use crate::public_key::BadPublicKey;
use crate::{PublicKey, SubjectName};

/// Longest certificate that is read, in bytes of DER.
pub const MAX_CERTIFICATE: usize = 16 * 1024;

/// `id-kp-clientAuth` (RFC 5280 §4.2.1.12).
const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";

/// Why a certificate cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    /// Not a certificate.
    #[error("the certificate is not DER")]
    Encoding(#[source] der::Error),
    /// Longer than [`MAX_CERTIFICATE`].
    #[error("the certificate is longer than 16 KiB")]
    Length,
    /// With a key that is not accepted.
    #[error("the key in the certificate is not accepted")]
    Key(#[source] BadPublicKey),
}

/// How a certificate stands in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Before `notBefore`.
    NotYetValid,
    /// In between, both ends included.
    Valid,
    /// After `notAfter`.
    Expired,
}

/// The facts about one certificate. Nothing here says that it is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The whole certificate.
    pub der: Vec<u8>,
    /// The common name, without control characters.
    pub common_name: String,
    /// The common name as contract, user and institution, where it is of that form.
    pub name: Option<SubjectName>,
    /// The issuer's distinguished name (RFC 4514), without control characters.
    pub issuer: String,
    /// The serial number in lower-case hexadecimal.
    pub serial: String,
    /// The key.
    pub public_key: PublicKey,
    /// Unix time in seconds.
    pub not_before: i64,
    /// Unix time in seconds.
    pub not_after: i64,
    /// Whether it is a CA's.
    pub ca: bool,
    /// `keyUsage` is absent or has `digitalSignature`.
    pub may_sign: bool,
    /// `extKeyUsage` is absent or has `id-kp-clientAuth`.
    pub may_authenticate: bool,
}

impl CertificateFacts {
    /// Reads a certificate.
    ///
    /// # Errors
    /// [`BadCertificate`] for what is not one, is too long, or has a key of another kind.
    pub fn from_der(der: &[u8]) -> Result<Self, BadCertificate> {
        if der.len() > MAX_CERTIFICATE {
            return Err(BadCertificate::Length);
        }
        let certificate = Certificate::from_der(der).map_err(BadCertificate::Encoding)?;
        let tbs = certificate.tbs_certificate();
        let spki = tbs.subject_public_key_info().to_der().map_err(BadCertificate::Encoding)?;
        let public_key = PublicKey::from_der(&spki).map_err(BadCertificate::Key)?;
        let subject = tbs.subject().to_string();
        let common_name = clean(subject.strip_prefix("CN=").unwrap_or(&subject));
        let usage = tbs.get_extension::<KeyUsage>().map_err(BadCertificate::Encoding)?;
        let purposes = tbs.get_extension::<ExtendedKeyUsage>().map_err(BadCertificate::Encoding)?;
        let constraints = tbs.get_extension::<BasicConstraints>().map_err(BadCertificate::Encoding)?;
        let validity = tbs.validity();
        let seconds = |t: &x509_cert::time::Time| i64::try_from(t.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
        Ok(Self {
            der: der.to_vec(),
            name: common_name.parse().ok(),
            common_name,
            issuer: clean(&tbs.issuer().to_string()),
            serial: hex::encode(tbs.serial_number().as_bytes()),
            public_key,
            not_before: seconds(&validity.not_before),
            not_after: seconds(&validity.not_after),
            ca: constraints.is_some_and(|(_, c)| c.ca),
            may_sign: usage.is_none_or(|(_, u)| u.digital_signature()),
            may_authenticate: purposes.is_none_or(|(_, p)| p.0.iter().any(|oid| oid.to_string() == CLIENT_AUTH)),
        })
    }

    /// How it stands at `now` (Unix time in seconds).
    #[must_use]
    pub fn standing(&self, now: i64) -> Standing {
        if now < self.not_before {
            Standing::NotYetValid
        } else if now > self.not_after {
            Standing::Expired
        } else {
            Standing::Valid
        }
    }

    /// SHA-256 of the certificate: the `certHash` of a CMP `certConf` and the name of a pinned root.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        use sha2::Digest;
        sha2::Sha256::digest(&self.der).into()
    }
}

fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !bidi(*c)).take(256).collect()
}

/// Characters that reorder the text around them could make one name look like another.
fn bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_parser_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = CertificateFacts::from_der(&bytes);
        }
    }

    #[test]
    fn reordering_characters_are_removed() {
        assert_eq!(clean("a\u{202e}b\nc"), "abc");
    }
}
