//! What ends some day and is renewed by people: the TLS certificate, the issuing CA, its root, the root's list. A server runs
//! for longer than its start is remembered, so it looks every day.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use der::Decode;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use x509_cert::crl::CertificateList;

use crate::house::House;

const DAY: i64 = 24 * 60 * 60;
/// How often is looked.
const LOOK: Duration = Duration::from_secs(24 * 60 * 60);

/// The end of the TLS certificate that this process serves, which the file's may no longer be; 0 where it serves none.
#[derive(Debug, Clone, Default)]
pub struct Served(Arc<AtomicI64>);

impl Served {
    /// It serves one that ends then; Unix time in seconds.
    pub fn until(&self, end: i64) {
        self.0.store(end, Ordering::Relaxed);
    }
}

/// Something that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Ending {
    /// What.
    pub what: &'static str,
    /// When; Unix time in seconds.
    pub at: i64,
    /// So many days before it should be renewed.
    #[serde(skip)]
    pub ahead: i64,
    /// How.
    #[serde(skip)]
    pub remedy: &'static str,
}

impl Ending {
    /// Whether it should be renewed by now.
    #[must_use]
    pub fn is_near(&self, now: i64) -> bool {
        self.at - now < self.ahead * DAY
    }
}

/// All that ends, of what this process works with.
#[must_use]
pub fn all(house: &House) -> Vec<Ending> {
    let served = house.served.0.load(Ordering::Relaxed);
    let server = (served > 0).then_some(Ending {
        what: "tls-certificate",
        at: served,
        ahead: 30,
        remedy: "run renew-server-certificate, then start the server again",
    });
    let validity = i64::from(house.settings.certificate.validity_years) * 366;
    let issuing = Ending {
        what: "issuing-ca",
        at: house.ca.current().not_after(),
        // from then on its certificates end with it
        ahead: validity + 30,
        remedy: "install the next issuing CA: ca request-issuing",
    };
    let root = house.ca.root_not_after().map(|at| Ending {
        what: "root",
        at,
        ahead: 2 * validity + 30,
        remedy: "make the next root, have clients pin it, and install an issuing CA of it: ca new-root",
    });
    let lists = house.ca.root_lists().filter_map(|list| {
        Some(Ending {
            what: "root-list",
            at: next_update(list)?,
            ahead: 60,
            remedy: "bring a new one from the root: ca sign-root-list, then ca install-root-list",
        })
    });
    server.into_iter().chain([issuing]).chain(root).chain(lists).collect()
}

fn next_update(list: &[u8]) -> Option<i64> {
    let list: CertificateList = CertificateList::from_der(list).ok()?;
    i64::try_from(list.tbs_cert_list.next_update?.to_unix_duration().as_secs()).ok()
}

/// Warns of what should be renewed by now.
pub fn tell(house: &House) {
    let now = house.clock.now();
    for Ending { what, at, remedy, .. } in all(house).into_iter().filter(|ending| ending.is_near(now)) {
        let end = jiff::Timestamp::from_second(at).unwrap_or_default();
        if at <= now {
            tracing::error!(what, %end, remedy, "it has ended");
        } else {
            tracing::warn!(what, %end, remedy, "it ends soon");
        }
    }
}

/// The same every day from tomorrow, until `shutdown`.
pub async fn watch(house: House, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK) => tell(&house),
        }
    }
}
