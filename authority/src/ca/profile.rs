//! What stands in each kind of certificate (RFC 5280 §4.2).

use std::net::IpAddr;

use const_oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH};
use der::asn1::Ia5String;
use spki::SubjectPublicKeyInfoRef;
use token::{InstitutionCode, Origin, SubjectName};
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Error, Result};
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;

/// A CA's certificate: the root, or one under it that may sign no further CA.
pub(super) struct Authority {
    issuer: Name,
    subject: Name,
    below: u8,
}

impl Authority {
    /// The root: its own issuer.
    pub(super) fn root(institution: &InstitutionCode) -> Result<Self> {
        let subject = authority_name("Root CA", institution)?;
        Ok(Self { issuer: subject.clone(), subject, below: 1 })
    }

    /// The issuing CA under `issuer`.
    pub(super) fn issuing(issuer: Name, institution: &InstitutionCode) -> Result<Self> {
        Ok(Self { issuer, subject: authority_name("Issuing CA", institution)?, below: 0 })
    }
}

impl BuilderProfile for Authority {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> Result<Vec<Extension>> {
        let mut extensions = identifiers(key, issuer_key, tbs)?;
        let constraints = BasicConstraints { ca: true, path_len_constraint: Some(self.below) };
        extensions.push((true, &constraints).to_extension(tbs.subject(), &[])?);
        let usage = KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign);
        extensions.push((true, &usage).to_extension(tbs.subject(), &[])?);
        Ok(extensions)
    }
}

/// A user's or an administrator's certificate (S-090, S-092).
pub(super) struct Holder {
    issuer: Name,
    subject: Name,
}

impl Holder {
    pub(super) fn new(issuer: Name, name: &SubjectName) -> Result<Self> {
        // contract, user and institution are digits and letters: nothing to escape (RFC 4514)
        Ok(Self { issuer, subject: common_name(&name.to_string())? })
    }
}

impl BuilderProfile for Holder {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> Result<Vec<Extension>> {
        let mut extensions = identifiers(key, issuer_key, tbs)?;
        extensions.extend(end_entity(ExtendedKeyUsage(vec![ID_KP_CLIENT_AUTH]), tbs)?);
        Ok(extensions)
    }
}

/// The TLS server's certificate.
pub(super) struct Server {
    issuer: Name,
    subject: Name,
    address: GeneralName,
}

impl Server {
    pub(super) fn new(issuer: Name, origin: &Origin) -> Result<Self> {
        let host = host(origin);
        let address = match host.parse::<IpAddr>() {
            Ok(ip) => GeneralName::from(ip),
            Err(_) => GeneralName::DnsName(Ia5String::new(host)?),
        };
        // a common name is at most 64 characters; the name that counts is the alternative one
        let subject = if host.len() <= 64 && !host.contains(':') {
            common_name(host)?
        } else {
            common_name("Jitsuin authority")?
        };
        Ok(Self { issuer, subject, address })
    }
}

impl BuilderProfile for Server {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> Result<Vec<Extension>> {
        let mut extensions = identifiers(key, issuer_key, tbs)?;
        extensions.extend(end_entity(ExtendedKeyUsage(vec![ID_KP_SERVER_AUTH]), tbs)?);
        let names = SubjectAltName(vec![self.address.clone()]);
        extensions.push((false, &names).to_extension(tbs.subject(), &[])?);
        Ok(extensions)
    }
}

/// The host of an origin, without scheme, port and brackets.
fn host(origin: &Origin) -> &str {
    let rest = origin.as_str().strip_prefix("https://").unwrap_or(origin.as_str());
    if let Some(inner) = rest.strip_prefix('[') {
        return inner.split(']').next().unwrap_or(inner);
    }
    rest.split(':').next().unwrap_or(rest)
}

fn authority_name(role: &str, institution: &InstitutionCode) -> Result<Name> {
    common_name(&format!("Jitsuin {role} {institution}"))
}

fn common_name(text: &str) -> Result<Name> {
    format!("CN={text}").parse().map_err(Error::Asn1)
}

/// Subject and authority key identifiers, both SHA-1 of the key (§4.2.1.2, method 1).
fn identifiers(
    key: SubjectPublicKeyInfoRef<'_>,
    issuer_key: SubjectPublicKeyInfoRef<'_>,
    tbs: &TbsCertificate,
) -> Result<Vec<Extension>> {
    let own = SubjectKeyIdentifier::try_from(key)?;
    let issuers = AuthorityKeyIdentifier::try_from(issuer_key)?;
    Ok(vec![(false, &own).to_extension(tbs.subject(), &[])?, (false, &issuers).to_extension(tbs.subject(), &[])?])
}

fn end_entity(purposes: ExtendedKeyUsage, tbs: &TbsCertificate) -> Result<[Extension; 3]> {
    let constraints = BasicConstraints { ca: false, path_len_constraint: None };
    let usage = KeyUsage(KeyUsages::DigitalSignature.into());
    Ok([
        (true, &constraints).to_extension(tbs.subject(), &[])?,
        (true, &usage).to_extension(tbs.subject(), &[])?,
        (false, &purposes).to_extension(tbs.subject(), &[])?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_origins() {
        for (origin, expected) in [
            ("https://bank.example", "bank.example"),
            ("https://localhost:8443", "localhost"),
            ("https://127.0.0.1:8443", "127.0.0.1"),
            ("https://[::1]:8443", "::1"),
        ] {
            if let Ok(origin) = Origin::new(origin) {
                assert_eq!(host(&origin), expected);
            }
        }
    }
}
