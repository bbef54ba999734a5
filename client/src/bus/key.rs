//! `org.jitsuin.Jitsuin1.Key`

use zbus::OwnedObjectPath;

use super::Options;

/// A key on a present token.
#[zbus::proxy(
    interface = "org.jitsuin.Jitsuin1.Key",
    default_service = "org.jitsuin.Jitsuin1",
    assume_defaults = false
)]
pub trait Key {
    /// Its place on the token.
    #[zbus(property(emits_changed_signal = "false"))]
    fn slot(&self) -> zbus::Result<String>;

    /// `p256`, `p384`, `rsa2048`, …
    #[zbus(property(emits_changed_signal = "false"))]
    fn algorithm(&self) -> zbus::Result<String>;

    /// `active`, `stale`, `key-only`, `certificate-only` or `pending`.
    #[zbus(property(emits_changed_signal = "false"))]
    fn state(&self) -> zbus::Result<String>;

    /// The certificate and its chain, DER.
    fn get_certificate(&self, options: Options<'_>) -> zbus::Result<Vec<Vec<u8>>>;

    /// Asks for a login token with this key; options `agent`, `application`, `usage`.
    fn sign_login(&self, origin: &str, challenge: &[u8], options: Options<'_>) -> zbus::Result<OwnedObjectPath>;
}
