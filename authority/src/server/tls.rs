//! The TLS side of the server.

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::version::TLS13;

use crate::ca::{CaError, ServerIdentity};
use crate::house::{CA_FOLDER, House};

/// Why the server has no TLS identity.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The files.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// Key and certificate.
    #[error("the server's key and certificate do not go together. Restore the CA's folder from its backup")]
    Identity(#[source] rustls::Error),
}

pub(super) fn configuration(house: &House) -> Result<ServerConfig, TlsError> {
    let identity = ServerIdentity::load(&house.directory.join(CA_FOLDER))?;
    house.metrics.doors().serves_until(identity.end().unwrap_or_default());
    house.served.until(identity.end().unwrap_or_default());
    let chain = identity.chain.into_iter().map(CertificateDer::from).collect();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.to_vec()));
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut configuration = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsError::Identity)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::Identity)?;
    configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(configuration)
}
