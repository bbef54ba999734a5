//! `[ca]`: where the issuing key is.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[ca]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CaSettings {
    /// The PKCS#11 token with the keys of those issuing CAs that have no key file: `{ module = "…", token = "…" }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pkcs11: Option<Pkcs11Place>,
    /// Seconds that the token may take for a signature, starting its worker anew included: 1 to 4.
    ///
    /// A certificate is signed within a change, while all other processes wait for their turn, and another signature may
    /// be under way before it: twice this time in all. SQLite's other programs give up after 10 seconds, PostgreSQL's
    /// after 20. With more, a token that hangs would fail the logins of others, and not only make them wait.
    pub sign_seconds: u32,
}

/// A token of a PKCS#11 module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pkcs11Place {
    /// The module's shared object, an absolute path.
    pub module: PathBuf,
    /// The token's label. Which of its keys is meant says the CA's certificate.
    pub token: String,
}

impl Default for CaSettings {
    fn default() -> Self {
        Self { pkcs11: None, sign_seconds: 4 }
    }
}

impl CaSettings {
    /// The rules of the section.
    pub(super) fn rules(&self) -> [(bool, &'static str, &'static str); 3] {
        let place = self.pkcs11.as_ref();
        [
            (place.is_none_or(|p| p.module.is_absolute()), "ca.pkcs11.module", "an absolute path"),
            (place.is_none_or(|p| (1..=32).contains(&p.token.len())), "ca.pkcs11.token", "1 to 32 bytes"),
            ((1..=4).contains(&self.sign_seconds), "ca.sign-seconds", "1 to 4"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values_are_named() {
        assert!(CaSettings::default().rules().iter().all(|(kept, ..)| *kept));
        for (bad, key) in [
            ("pkcs11 = { module = \"softhsm.so\", token = \"ca\" }", "ca.pkcs11.module"),
            ("pkcs11 = { module = \"/softhsm.so\", token = \"\" }", "ca.pkcs11.token"),
            ("sign-seconds = 0", "ca.sign-seconds"),
            ("sign-seconds = 5", "ca.sign-seconds"),
        ] {
            let settings: CaSettings = toml::from_str(bad).unwrap();
            let broken: Vec<_> =
                settings.rules().into_iter().filter(|(kept, ..)| !kept).map(|(_, key, _)| key).collect();
            assert_eq!(broken, [key], "{bad}");
        }
    }
}
