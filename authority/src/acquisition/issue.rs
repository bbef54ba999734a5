//! Having the certificate made, inside the change in which that was decided.

use enrol::cmp::Evidence;
use sha2::Digest;
use token::{PublicKey, Refusal};

use super::admit::subject;
use super::types::{Applicant, IssueOrder, Issuer};
use crate::attestation::Attested;
use crate::ca::validity_end;
use crate::code;
use crate::denial::Denial;
use crate::house::House;
use crate::revocation::{Place, place};
use crate::rules::certificate::confirm_deadline;
use crate::store::certificates::{self, Signed};
use crate::store::{Change, Event, revocations};

/// A workstation's clock may be a little behind ours; its certificate is good at once all the same.
const CLOCK_TOLERANCE: i64 = 300;

/// A key that is to be certified.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chosen<'a> {
    /// Whose.
    pub(crate) holder: &'a Applicant,
    /// The record that waits for it.
    pub(crate) record: &'a str,
    /// The record's acquisition deadline; Unix time in seconds.
    pub(crate) deadline: i64,
    /// The key.
    pub(crate) public_key: &'a PublicKey,
    /// What its device proved, and what proves it.
    pub(crate) device: Option<(&'a Attested, &'a Evidence)>,
}

/// Signs and writes the record: 発行済 → 取得中, one year from now. Yields the certificate and the event of it, which is
/// made from `event` and is for the caller to record last.
pub(crate) async fn issue(
    house: &House,
    change: &mut Change,
    chosen: Chosen<'_>,
    sign: &Issuer<'_>,
    event: &Event,
) -> Result<(Vec<u8>, Event), Denial> {
    let now = change.now();
    let end = house.ca.current().not_after();
    if end <= now {
        tracing::error!("the issuing CA's certificate has ended: nothing is issued before another one is installed");
        return Err(Refusal::Issuing.into());
    }
    let Place { issuer, partition, pointers } = place(house, change).await?;
    let order = IssueOrder {
        subject: subject(house, chosen.holder),
        public_key: chosen.public_key.clone(),
        serial: serial()?,
        not_before: now - CLOCK_TOLERANCE,
        // nobody believes a certificate whose CA has ended
        not_after: validity_end(now, house.settings.certificate.validity_years).ok_or(Refusal::Internal)?.min(end),
        pointers,
    };
    let certificate = blocking(|| sign(&order))
        .map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a certificate could not be issued");
            // nothing is lost: the change is dropped, and the applicant asks again when the key is back
            if error.is_passing() { Refusal::Issuing } else { Refusal::Internal }
        })?
        .certificate;
    let signed = Signed {
        serial: &hex::encode(order.serial),
        valid_from: order.not_before,
        valid_until: order.not_after,
        public_key: chosen.public_key.as_der(),
        certificate: &certificate,
        certificate_sha256: &sha256(&certificate),
        confirm_deadline: confirm_deadline(now, house.settings.acquisition.resume_minutes, chosen.deadline),
        device: chosen.device,
    };
    certificates::signed(change.db(), chosen.record, &signed).await?;
    revocations::place(change.db(), chosen.record, &issuer, partition).await?;
    if let Some((attested, _)) = chosen.device {
        let mut event = event.clone().on(&attested.serial.to_string()).because(&attested.to_string());
        event.action = "device.attest";
        change.record(event).await?;
    }
    let event = event.clone().on(chosen.record).changed("awaiting", "unconfirmed").because(signed.serial);
    Ok((certificate, event))
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

/// A key in a token takes its time: other tasks go on meanwhile where there is a thread for them.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// Sixteen random bytes, positive and never zero (RFC 5280 §4.1.2.2).
fn serial() -> Result<[u8; 16], Refusal> {
    let mut serial = code::random::<16>().map_err(|_| Refusal::Internal)?;
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    Ok(serial)
}
