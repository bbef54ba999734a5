//! Making a CA: keys first, then certificates from the root down.

use std::path::Path;

use der::Decode;
use token::KeyAlgorithm;
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;

use super::list::{self, Entries, ListOrder};
use super::profile::{Pointers, Profile};
use super::signer::{CannotSign, generation, sign_certificate};
use super::{CaError, CaSigner, CreateOrder, FileSigner, files, server};

pub(super) const DAY: i64 = 24 * 60 * 60;
pub(super) const ROOT_DAYS: i64 = 20 * 365;
const ISSUING_DAYS: i64 = 10 * 365;
/// The root's key is seldom to be had: its list lives long.
const LIST_DAYS: i64 = 400;

pub(super) fn create(dir: &Path, order: &CreateOrder) -> Result<(), CaError> {
    let root = new_key(dir, files::ROOT_KEY, KeyAlgorithm::P384)?;
    let root_profile = Profile::root(&order.institution).map_err(CaError::Build)?;
    let root_certificate = sign_certificate(
        root_profile,
        random_serial()?,
        (order.now, order.now + ROOT_DAYS * DAY),
        CaSigner::public_key(&root),
        &root,
    )?;
    files::write_certificate(dir, files::ROOT_CERTIFICATE, &root_certificate)?;
    let root_name = subject_of(&root_certificate)?;

    let issuing = new_key(dir, files::ISSUING_KEY, KeyAlgorithm::P256)?;
    let root_id = key_id_of(&root_certificate, files::ROOT_CERTIFICATE)?;
    let list = format!("{}/crl/{}.crl", order.revocation_url, hex::encode(&root_id));
    let pointers = Pointers { crl: Some(list), ..Pointers::default() };
    let issuing_profile =
        Profile::issuing(root_name.clone(), &order.institution).map_err(CaError::Build)?.pointing(&pointers);
    let issuing_certificate = sign_certificate(
        issuing_profile,
        random_serial()?,
        (order.now, order.now + ISSUING_DAYS * DAY),
        CaSigner::public_key(&issuing),
        &root,
    )?;
    files::write_certificate(dir, files::ISSUING_CERTIFICATE, &issuing_certificate)?;
    let list = root_list(&root_certificate, &root, 1, Entries::default(), order.now)?;
    files::replace_list(dir, files::ROOT_LIST, &list)?;

    server::create(dir, &root, root_name, &order.origin, order.now)?;
    files::sync_folder(dir)
}

/// Signs a root's list.
pub(super) fn root_list(
    root: &[u8],
    signer: &dyn CaSigner,
    number: u64,
    entries: Entries,
    now: i64,
) -> Result<Vec<u8>, CaError> {
    let order = ListOrder { number, this_update: now, next_update: now + LIST_DAYS * DAY, distribution_point: None };
    list::sign(&subject_of(root)?, &key_id_of(root, files::ROOT_CERTIFICATE)?, signer, order, entries)
}

/// Makes a key and writes it down before anything is signed with it.
pub(super) fn new_key(dir: &Path, name: &'static str, algorithm: KeyAlgorithm) -> Result<FileSigner, CaError> {
    let (signer, pkcs8) = FileSigner::generate(generation(algorithm).ok_or(CannotSign)?)?;
    files::write_key(dir, name, &pkcs8)?;
    Ok(signer)
}

/// 16 random bytes, positive and never zero (RFC 5280 §4.1.2.2).
pub(super) fn random_serial() -> Result<SerialNumber, CaError> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| CannotSign)?;
    bytes[0] = bytes[0] & 0x7f | 0x40;
    SerialNumber::new(&bytes).map_err(|e| CaError::Build(e.into()))
}

/// The subject key identifier of a certificate of ours.
pub(super) fn key_id_of(certificate: &[u8], name: &'static str) -> Result<Vec<u8>, CaError> {
    let bad = || CaError::Certificate(name);
    let certificate = Certificate::from_der(certificate).map_err(|_| bad())?;
    let found = certificate.tbs_certificate().get_extension::<SubjectKeyIdentifier>().ok().flatten();
    Ok(found.ok_or_else(bad)?.1.0.as_bytes().to_vec())
}

pub(super) fn subject_of(certificate: &[u8]) -> Result<Name, CaError> {
    let certificate = Certificate::from_der(certificate).map_err(|_| CaError::Certificate(files::ROOT_CERTIFICATE))?;
    Ok(certificate.tbs_certificate().subject().clone())
}
