//! `org.jitsuin.Jitsuin1.OtpToken`

use zbus::{OwnedFd, OwnedObjectPath};

use super::{Options, Vardict};

/// A present token that yields one-time passwords; its path is new at each insertion.
#[zbus::proxy(
    interface = "org.jitsuin.Jitsuin1.OtpToken",
    default_service = "org.jitsuin.Jitsuin1",
    assume_defaults = false
)]
pub trait OtpToken {
    /// The driver.
    #[zbus(property(emits_changed_signal = "false"))]
    fn kind(&self) -> zbus::Result<String>;

    /// Maker and model.
    #[zbus(property(emits_changed_signal = "false"))]
    fn model(&self) -> zbus::Result<String>;

    /// The reader, for people only.
    #[zbus(property(emits_changed_signal = "false"))]
    fn reader(&self) -> zbus::Result<String>;

    /// Whether its accounts stand behind an access code.
    #[zbus(property(emits_changed_signal = "false"))]
    fn protected(&self) -> zbus::Result<bool>;

    /// Identity and label, which no property may hold.
    fn get_info(&self, options: Options<'_>) -> zbus::Result<Vardict>;

    /// Its accounts, as the result of a request; option `agent`.
    fn list_accounts(&self, options: Options<'_>) -> zbus::Result<OwnedObjectPath>;

    /// A one-time password, as one datagram on the socket when the request is done; option `agent`.
    fn calculate(&self, account: &str, options: Options<'_>) -> zbus::Result<(OwnedObjectPath, OwnedFd)>;

    /// Puts an account on the token.
    fn provision(&self, account: &str, options: Options<'_>) -> zbus::Result<OwnedObjectPath>;
}
