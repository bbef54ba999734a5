//! What stands in each kind of certificate (RFC 5280 §4.2).

use std::net::IpAddr;

use const_oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH};
use der::asn1::{Ia5String, Null, ObjectIdentifier};
use spki::SubjectPublicKeyInfoRef;
use token::{InstitutionCode, Origin, SubjectName, ocsp};
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Error, Result};
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AccessDescription, AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CrlDistributionPoints,
    ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;

/// `id-ad-ocsp` and `id-ad-caIssuers` (§4.2.2.1).
const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
const CA_ISSUERS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.2");

/// Where a certificate says that more is to be had about it: URLs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pointers {
    /// The list in which it stands when it is revoked (§4.2.1.13).
    pub crl: Option<String>,
    /// Who answers about it (§4.2.2.1).
    pub ocsp: Option<String>,
    /// The certificate of its issuer.
    pub issuer: Option<String>,
}

/// One certificate: who issues it, whose it is, and what it is for.
pub(super) struct Profile {
    issuer: Name,
    subject: Name,
    kind: Kind,
    pointers: Pointers,
}

enum Kind {
    /// A CA, with so many CAs below it at most.
    Authority(u8),
    /// A user or an administrator (S-090, S-092).
    Holder,
    /// Who answers about the issuer's certificates in its place (RFC 6960 §4.2.2.2).
    Responder,
    /// The TLS server.
    Server(GeneralName),
}

impl Profile {
    /// The root: its own issuer.
    pub(super) fn root(institution: &InstitutionCode) -> Result<Self> {
        let subject = authority_name("Root CA", institution)?;
        Ok(Self::new(subject.clone(), subject, Kind::Authority(1)))
    }

    /// A root that was made at `now`, in a ceremony: another name than other roots of the institution have.
    pub(super) fn root_at(institution: &InstitutionCode, now: i64) -> Result<Self> {
        let day = jiff::Timestamp::from_second(now).unwrap_or_default().strftime("%Y%m%d").to_string();
        let subject = authority_name(&format!("Root CA {day}"), institution)?;
        Ok(Self::new(subject.clone(), subject, Kind::Authority(1)))
    }

    /// The issuing CA under `issuer`. It may sign no further CA.
    pub(super) fn issuing(issuer: Name, institution: &InstitutionCode) -> Result<Self> {
        Ok(Self::issuing_named(issuer, authority_name("Issuing CA", institution)?))
    }

    /// The issuing CA of that name.
    pub(super) fn issuing_named(issuer: Name, subject: Name) -> Self {
        Self::new(issuer, subject, Kind::Authority(0))
    }

    /// The holder of that name.
    pub(super) fn holder(issuer: Name, name: &SubjectName) -> Result<Self> {
        // contract, user and institution are digits and letters: nothing to escape (RFC 4514)
        Ok(Self::new(issuer, common_name(&name.to_string())?, Kind::Holder))
    }

    /// Who answers OCSP for `issuer`.
    pub(super) fn responder(issuer: Name) -> Result<Self> {
        Ok(Self::new(issuer, common_name("Jitsuin OCSP responder")?, Kind::Responder))
    }

    fn new(issuer: Name, subject: Name, kind: Kind) -> Self {
        Self { issuer, subject, kind, pointers: Pointers::default() }
    }

    /// With what it says of where more is to be had.
    pub(super) fn pointing(mut self, pointers: &Pointers) -> Self {
        self.pointers = pointers.clone();
        self
    }

    /// The server at `origin`.
    pub(super) fn server(issuer: Name, origin: &Origin) -> Result<Self> {
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
        Ok(Self::new(issuer, subject, Kind::Server(address)))
    }
}

impl BuilderProfile for Profile {
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
        // subject and authority key identifiers, both SHA-1 of the key (§4.2.1.2, method 1)
        let own = SubjectKeyIdentifier::try_from(key)?;
        let issuers = AuthorityKeyIdentifier::try_from(issuer_key)?;
        let mut extensions =
            vec![(false, &own).to_extension(tbs.subject(), &[])?, (false, &issuers).to_extension(tbs.subject(), &[])?];
        match &self.kind {
            Kind::Authority(below) => {
                let constraints = BasicConstraints { ca: true, path_len_constraint: Some(*below) };
                extensions.push((true, &constraints).to_extension(tbs.subject(), &[])?);
                let usage = KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign);
                extensions.push((true, &usage).to_extension(tbs.subject(), &[])?);
            }
            Kind::Holder => extensions.extend(end_entity(ID_KP_CLIENT_AUTH, tbs)?),
            Kind::Responder => {
                extensions.extend(end_entity(ocsp::SIGNING, tbs)?);
                extensions.push((ocsp::NO_CHECK, false, &Null).to_extension(tbs.subject(), &[])?);
            }
            Kind::Server(address) => {
                extensions.extend(end_entity(ID_KP_SERVER_AUTH, tbs)?);
                let names = SubjectAltName(vec![address.clone()]);
                extensions.push((false, &names).to_extension(tbs.subject(), &[])?);
            }
        }
        let Pointers { crl, ocsp, issuer } = &self.pointers;
        if let Some(url) = crl {
            let point = DistributionPoint {
                distribution_point: Some(DistributionPointName::FullName(vec![uri(url)?])),
                reasons: None,
                crl_issuer: None,
            };
            extensions.push((false, &CrlDistributionPoints(vec![point])).to_extension(tbs.subject(), &[])?);
        }
        let places: Vec<_> = [(OCSP, ocsp), (CA_ISSUERS, issuer)]
            .into_iter()
            .filter_map(|(access_method, url)| url.as_ref().map(|url| (access_method, url)))
            .map(|(access_method, url)| Ok(AccessDescription { access_method, access_location: uri(url)? }))
            .collect::<Result<_>>()?;
        if !places.is_empty() {
            extensions.push((false, &AuthorityInfoAccessSyntax(places)).to_extension(tbs.subject(), &[])?);
        }
        Ok(extensions)
    }
}

fn uri(url: &str) -> Result<GeneralName> {
    Ok(GeneralName::UniformResourceIdentifier(Ia5String::new(url)?))
}

/// The host of an origin, without scheme, port and brackets.
fn host(origin: &Origin) -> &str {
    let rest = origin.as_str().strip_prefix("https://").unwrap_or(origin.as_str());
    if let Some(inner) = rest.strip_prefix('[') {
        return inner.split(']').next().unwrap_or(inner);
    }
    rest.split(':').next().unwrap_or(rest)
}

pub(super) fn authority_name(role: &str, institution: &InstitutionCode) -> Result<Name> {
    common_name(&format!("Jitsuin {role} {institution}"))
}

fn common_name(text: &str) -> Result<Name> {
    format!("CN={text}").parse().map_err(Error::Asn1)
}

fn end_entity(purpose: ObjectIdentifier, tbs: &TbsCertificate) -> Result<[Extension; 3]> {
    let constraints = BasicConstraints { ca: false, path_len_constraint: None };
    let usage = KeyUsage(KeyUsages::DigitalSignature.into());
    Ok([
        (true, &constraints).to_extension(tbs.subject(), &[])?,
        (true, &usage).to_extension(tbs.subject(), &[])?,
        (false, &ExtendedKeyUsage(vec![purpose])).to_extension(tbs.subject(), &[])?,
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
