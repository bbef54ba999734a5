//! The part of the daemon's configuration that the person's side needs: which authorities there
//! are, and by which roots they are known.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use token::Origin;

use crate::Texts;

/// The system's configuration.
const SYSTEM: &str = "/etc/jitsuin/jitsuind.toml";

/// Why there is no authority to talk to.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No profile of that name.
    #[error("no authority {name} in {path}")]
    NoSuchProfile {
        /// The name.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// There are several, and none was named; or there is none.
    #[error("{found} authorities in {path}")]
    NotOne {
        /// How many.
        found: usize,
        /// The file.
        path: PathBuf,
    },
    /// It is not TOML, or not of this form.
    #[error("{path} is not readable as configuration: {detail}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// The parser's words.
        detail: String,
    },
    /// The file cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl ConfigError {
    /// The text in two sentences.
    #[must_use]
    pub fn say(&self, texts: &Texts) -> String {
        let shown = |path: &PathBuf| path.display().to_string();
        match self {
            Self::NoSuchProfile { name, path } => {
                texts.with("config-no-profile", &[("name", name), ("path", &shown(path))])
            }
            Self::NotOne { found, path } => {
                texts.with("config-not-one", &[("found", &found.to_string()), ("path", &shown(path))])
            }
            Self::Parse { path, detail } => texts.with("config-parse", &[("path", &shown(path)), ("detail", detail)]),
            Self::Read { path, source } => {
                texts.with("config-read", &[("path", &shown(path)), ("detail", &source.to_string())])
            }
        }
    }
}

/// One authority.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
pub struct Authority {
    /// The profile's name.
    pub name: String,
    /// Where it is; also the origin of its logins.
    pub url: Origin,
    /// SHA-256 of its roots' DER, hexadecimal.
    pub roots: Vec<String>,
}

/// What is read of the file; the rest is the daemon's.
#[derive(Debug, Default, Deserialize)]
struct File {
    #[serde(default)]
    authority: Vec<Authority>,
}

/// The authorities and where they are written.
#[derive(Debug)]
pub struct Authorities {
    /// The file.
    pub path: PathBuf,
    /// In the file's order.
    pub list: Vec<Authority>,
}

impl Authorities {
    /// Reads `given`, or else the person's own file, or else the system's.
    ///
    /// # Errors
    /// [`ConfigError::Read`], [`ConfigError::Parse`].
    pub fn read(given: Option<&Path>, own_folder: Option<&Path>) -> Result<Self, ConfigError> {
        let own = own_folder.map(|folder| folder.join("jitsuin/jitsuind.toml")).filter(|path| path.exists());
        let path = given.map(Path::to_owned).or(own).unwrap_or_else(|| PathBuf::from(SYSTEM));
        let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::Read { path: path.clone(), source })?;
        let file: File = toml::from_str(&text)
            .map_err(|error| ConfigError::Parse { path: path.clone(), detail: error.message().to_owned() })?;
        Ok(Self { path, list: file.authority })
    }

    /// The one of that name; without a name, the only one there is.
    ///
    /// # Errors
    /// [`ConfigError::NoSuchProfile`], [`ConfigError::NotOne`].
    pub fn profile(&self, name: Option<&str>) -> Result<&Authority, ConfigError> {
        match (name, self.list.as_slice()) {
            (Some(name), list) => list
                .iter()
                .find(|authority| authority.name == name)
                .ok_or_else(|| ConfigError::NoSuchProfile { name: name.to_owned(), path: self.path.clone() }),
            (None, [only]) => Ok(only),
            (None, list) => Err(ConfigError::NotOne { found: list.len(), path: self.path.clone() }),
        }
    }
}

/// `$XDG_CONFIG_HOME`, or `~/.config` (XDG Base Directory Specification).
#[must_use]
pub fn own_folder() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Authorities, ConfigError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Authorities::read(Some(file.path()), None)
    }

    const ONE: &str = "[[module]]\nname = \"m\"\npath = \"/m.so\"\n[[authority]]\nname = \"bank\"\nurl = \"https://bank.example:8443\"\nroots = [\"00\"]\n";

    #[test]
    fn the_daemons_file_is_read_for_its_authorities() {
        let authorities = read(ONE).unwrap();
        assert_eq!(authorities.profile(None).unwrap().url.as_str(), "https://bank.example:8443");
        assert!(matches!(authorities.profile(Some("other")), Err(ConfigError::NoSuchProfile { .. })));
        assert!(matches!(read("").unwrap().profile(None), Err(ConfigError::NotOne { found: 0, .. })));
    }

    #[test]
    fn a_bad_origin_is_a_bad_file() {
        let bad = read(&ONE.replace("https://bank.example:8443", "http://bank.example"));
        assert!(matches!(bad, Err(ConfigError::Parse { .. })));
        let missing = Authorities::read(Some(Path::new("/nonexistent/x.toml")), None);
        assert!(matches!(missing, Err(ConfigError::Read { .. })));
    }
}
