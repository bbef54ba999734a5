//! Path validation up to a pinned root (RFC 5280 §6).

use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::Roots;

/// Longest chain that is looked at, leaf and root included.
pub const MAX_CHAIN: usize = 8;

/// Most certificates among which a chain is looked for. What looking costs at most is webpki's own limit.
pub const MAX_POOL: usize = 32;

/// What the end of the chain is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A person's certificate (`id-kp-clientAuth`).
    Client,
    /// A server's (`id-kp-serverAuth`).
    Server,
}

/// Why a chain is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// No certificate of the chain is a pinned root.
    #[error("none of the certificates sent is a pinned root")]
    NoPinnedRoot,
    /// The chain is longer than [`MAX_CHAIN`], or it is looked for among more than [`MAX_POOL`].
    #[error("there are too many certificates")]
    TooLong,
    /// It does not lead to the root, has expired, or is for something else.
    #[error("the certificate is not acceptable: {0}")]
    Path(#[source] webpki::Error),
}

/// Checks that `leaf` leads over some of `others` (in any order, the root among them) to a pinned root at
/// the time `now` (Unix time in seconds).
///
/// # Errors
/// [`Untrusted`] with the reason.
pub fn verify(leaf: &[u8], others: &[Vec<u8>], roots: &Roots, purpose: Purpose, now: i64) -> Result<(), Untrusted> {
    let leaf = CertificateDer::from(leaf);
    let others: Vec<CertificateDer<'_>> = others.iter().map(|c| CertificateDer::from(c.as_slice())).collect();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now).unwrap_or(0)));
    if others.len() > MAX_POOL {
        return Err(Untrusted::TooLong);
    }
    path(&leaf, &others, roots, purpose, now).map(|_| ())
}

pub(crate) fn verify_der<'a>(
    leaf: &'a CertificateDer<'a>,
    others: &[CertificateDer<'_>],
    roots: &Roots,
    purpose: Purpose,
    now: UnixTime,
) -> Result<EndEntityCert<'a>, Untrusted> {
    if others.len() >= MAX_CHAIN {
        return Err(Untrusted::TooLong);
    }
    path(leaf, others, roots, purpose, now)
}

fn path<'a>(
    leaf: &'a CertificateDer<'a>,
    others: &[CertificateDer<'_>],
    roots: &Roots,
    purpose: Purpose,
    now: UnixTime,
) -> Result<EndEntityCert<'a>, Untrusted> {
    let pinned = others.iter().filter(|c| roots.contain(c));
    let anchors = pinned.map(anchor_from_trusted_cert).collect::<Result<Vec<_>, _>>().map_err(Untrusted::Path)?;
    if anchors.is_empty() {
        return Err(Untrusted::NoPinnedRoot);
    }
    let end = EndEntityCert::try_from(leaf).map_err(Untrusted::Path)?;
    let usage = match purpose {
        Purpose::Client => KeyUsage::client_auth(),
        Purpose::Server => KeyUsage::server_auth(),
    };
    end.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &anchors, others, now, usage, None, None)
        .map_err(Untrusted::Path)?;
    Ok(end)
}
