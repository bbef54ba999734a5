//! Where a new certificate will be found when it is revoked.

use crate::ca::Pointers;
use crate::house::House;
use crate::store::{Change, StoreError, revocations};

/// Where a certificate belongs.
pub(crate) struct Place {
    /// [`crate::ca::IssuingCa::id`] of the CA that issues.
    pub(crate) issuer: String,
    /// The part of its list; 0 is the whole.
    pub(crate) partition: i64,
    /// What the certificate says of it.
    pub(crate) pointers: Pointers,
}

/// The place of the next certificate.
pub(crate) async fn place(house: &House, change: &mut Change) -> Result<Place, StoreError> {
    let settings = &house.settings.revocation;
    let base = settings.base(&house.settings.origin);
    let issuer = house.ca.current().id().to_owned();
    let partition = match settings.partition {
        0 => 0,
        size => {
            let url = |number| format!("{base}/crl/{issuer}/{number}.crl");
            revocations::next_partition(change.db(), &issuer, size, url).await?
        }
    };
    let crl = match partition {
        0 => format!("{base}/crl/{issuer}.crl"),
        number => format!("{base}/crl/{issuer}/{number}.crl"),
    };
    let pointers = Pointers {
        crl: Some(crl),
        ocsp: Some(format!("{base}/ocsp")),
        issuer: Some(format!("{base}/ca/{issuer}.crt")),
    };
    Ok(Place { issuer, partition, pointers })
}
