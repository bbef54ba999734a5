//! `[metrics]`: what Prometheus reads.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// `[metrics]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct MetricsSettings {
    /// Where `/metrics` is served, without TLS and to whoever connects: a loopback address, or one of a network that
    /// only the operator's machines are on. Without it there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
}

impl MetricsSettings {
    /// The rules of the section: whether each is kept, its key, and what it says.
    pub(super) fn rules(&self, doors: [Option<SocketAddr>; 2]) -> [(bool, &'static str, &'static str); 1] {
        let apart = self.listen.is_none_or(|own| own.port() == 0 || !doors.contains(&Some(own)));
        [(apart, "metrics.listen", "an address of its own, not that of a door")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_none_unless_asked_for_and_never_at_a_door() {
        let door = Some("127.0.0.1:8443".parse().unwrap());
        let good = |text: &str| toml::from_str::<MetricsSettings>(text).unwrap().rules([door, None])[0].0;
        assert_eq!(MetricsSettings::default().listen, None);
        assert!(good("") && good("listen = \"127.0.0.1:9464\"") && good("listen = \"[::1]:0\""));
        assert!(!good("listen = \"127.0.0.1:8443\""));
        assert!(toml::from_str::<MetricsSettings>("listen = \"localhost\"").is_err());
        assert!(toml::from_str::<MetricsSettings>("port = 9464").is_err());
    }
}
