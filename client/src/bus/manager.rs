//! `org.jitsuin.Jitsuin1.Manager`

use zbus::OwnedObjectPath;

use super::{Options, Vardict};

/// The daemon's first object.
#[zbus::proxy(
    interface = "org.jitsuin.Jitsuin1.Manager",
    default_service = "org.jitsuin.Jitsuin1",
    default_path = "/org/jitsuin/Jitsuin1"
)]
pub trait Manager {
    /// The daemon's version.
    #[zbus(property(emits_changed_signal = "false"))]
    fn version(&self) -> zbus::Result<String>;

    /// What the daemon can do.
    #[zbus(property(emits_changed_signal = "false"))]
    fn features(&self) -> zbus::Result<Vec<String>>;

    /// Whether the caller's session has an agent.
    #[zbus(property(emits_changed_signal = "false"))]
    fn agent_present(&self) -> zbus::Result<bool>;

    /// Certificates on the present tokens; options `usage`, `token`.
    fn list_certificates(&self, options: Options<'_>) -> zbus::Result<Vec<Vardict>>;

    /// The configured modules, and what is wrong with them.
    fn list_modules(&self, options: Options<'_>) -> zbus::Result<Vec<Vardict>>;

    /// Asks for a login token; `challenge` is base64 text. Options `agent`, `application`, `key`,
    /// `usage`.
    fn sign_login(&self, origin: &str, challenge: &[u8], options: Options<'_>) -> zbus::Result<OwnedObjectPath>;

    /// Starts an enrolment; options `token`, `contract-id`, `user-id`, `algorithm`, `agent`.
    fn start_enrolment(&self, profile: &str, options: Options<'_>) -> zbus::Result<OwnedObjectPath>;

    /// Starts a renewal; options `key`, `algorithm`, `agent`.
    fn start_renewal(&self, profile: &str, options: Options<'_>) -> zbus::Result<OwnedObjectPath>;

    /// Has a certificate's own key ask for `suspend`, `revoke-compromised` or `revoke-discarded`; options `key`, `agent`.
    fn revoke_certificate(&self, profile: &str, wish: &str, options: Options<'_>) -> zbus::Result<OwnedObjectPath>;

    /// The caller's enrolments.
    fn list_enrolments(&self, options: Options<'_>) -> zbus::Result<Vec<OwnedObjectPath>>;
}
