//! `org.jitsuin.Jitsuin1.AgentManager`

use zbus::ObjectPath;

use super::Options;

/// Where session agents register.
#[zbus::proxy(
    interface = "org.jitsuin.Jitsuin1.AgentManager",
    default_service = "org.jitsuin.Jitsuin1",
    default_path = "/org/jitsuin/Jitsuin1"
)]
pub trait AgentManager {
    /// Makes the caller's object at `path` the agent of its session.
    fn register_agent(&self, path: &ObjectPath<'_>, options: Options<'_>) -> zbus::Result<()>;

    /// Takes it back.
    fn unregister_agent(&self, path: &ObjectPath<'_>) -> zbus::Result<()>;
}
