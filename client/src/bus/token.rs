//! `org.jitsuin.Jitsuin1.Token`

use zbus::OwnedObjectPath;

use super::{Options, Vardict};

/// A token that is present; its path is new at each insertion.
#[zbus::proxy(
    interface = "org.jitsuin.Jitsuin1.Token",
    default_service = "org.jitsuin.Jitsuin1",
    assume_defaults = false
)]
pub trait Token {
    /// The driver.
    #[zbus(property(emits_changed_signal = "false"))]
    fn kind(&self) -> zbus::Result<String>;

    /// Maker and model.
    #[zbus(property(emits_changed_signal = "false"))]
    fn model(&self) -> zbus::Result<String>;

    /// The reader, for people only.
    #[zbus(property(emits_changed_signal = "false"))]
    fn reader(&self) -> zbus::Result<String>;

    /// `present`, `busy` or `failed`.
    #[zbus(property(emits_changed_signal = "false"))]
    fn state(&self) -> zbus::Result<String>;

    /// `ok`, `count-low`, `final-try`, `blocked` or `unset`.
    #[zbus(property(emits_changed_signal = "false"))]
    fn pin_state(&self) -> zbus::Result<String>;

    /// Tries left, -1 where the token does not say.
    #[zbus(property(emits_changed_signal = "false"))]
    fn pin_retries(&self) -> zbus::Result<i32>;

    /// What it can do.
    #[zbus(property(emits_changed_signal = "false"))]
    fn features(&self) -> zbus::Result<Vec<String>>;

    /// Identity and label, which no property may hold.
    fn get_info(&self, options: Options<'_>) -> zbus::Result<Vardict>;

    /// Asks for another PIN; option `agent`.
    fn change_pin(&self, options: Options<'_>) -> zbus::Result<OwnedObjectPath>;

    /// Asks for the PUK and a new PIN; option `agent`.
    fn unblock_pin(&self, options: Options<'_>) -> zbus::Result<OwnedObjectPath>;

    /// Reads the token anew.
    fn refresh(&self, options: Options<'_>) -> zbus::Result<()>;
}
