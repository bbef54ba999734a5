//! The command line, and the places that follow from it.

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

/// The token daemon of Jitsuin.
#[derive(Debug, Parser)]
#[command(name = "jitsuind", version, about = "The token daemon of Jitsuin: the only process that opens tokens")]
pub struct Cli {
    /// Run as and for the current user, on the session bus
    #[arg(long)]
    pub user: bool,
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where journals and the audit log are kept
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Where the local socket is
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Something else than to serve
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Something else than to serve.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a configuration file and say what is wrong with it
    CheckConfig {
        /// The file; the one that the daemon would use when left out
        file: Option<PathBuf>,
    },
    /// Run a module for the daemon that starts this
    #[command(hide = true)]
    Worker {
        /// The driver
        driver: String,
    },
}

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The configuration file.
    pub config: PathBuf,
    /// Whether it was named: then it must be there.
    pub config_named: bool,
    /// The folder for state.
    pub state: PathBuf,
    /// The local socket.
    pub socket: PathBuf,
}

/// A place that cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is not set, so that the {what} has no place. Set it, or name the place with {option}.")]
pub struct NoPlace {
    variable: &'static str,
    what: &'static str,
    option: &'static str,
}

impl Places {
    /// The places of this command line, by the XDG base directories in user mode. `environment`
    /// reads a variable.
    ///
    /// # Errors
    /// [`NoPlace`] in user mode without the variables that it needs.
    pub fn new(cli: &Cli, environment: impl Fn(&str) -> Option<PathBuf>) -> Result<Self, NoPlace> {
        let given = |variable: &str| environment(variable).filter(|p| p.is_absolute());
        let under_home = |variable, below: &str, what, option| {
            given(variable).or_else(|| given("HOME").map(|home| home.join(below))).ok_or(NoPlace {
                variable: "HOME",
                what,
                option,
            })
        };
        let place = |named: &Option<PathBuf>, system: &str, user: &dyn Fn() -> Result<PathBuf, NoPlace>| match named {
            Some(path) => Ok(path.clone()),
            None if cli.user => user(),
            None => Ok(Path::new(system).to_owned()),
        };
        Ok(Self {
            config: place(&cli.config, "/etc/jitsuin/jitsuind.toml", &|| {
                Ok(under_home("XDG_CONFIG_HOME", ".config", "configuration", "--config")?.join("jitsuin/jitsuind.toml"))
            })?,
            config_named: cli.config.is_some(),
            state: place(&cli.state_dir, "/var/lib/jitsuin", &|| {
                Ok(under_home("XDG_STATE_HOME", ".local/state", "state folder", "--state-dir")?.join("jitsuin"))
            })?,
            socket: place(&cli.socket, "/run/jitsuin/org.jitsuin.Jitsuin1", &|| {
                let missing = NoPlace { variable: "XDG_RUNTIME_DIR", what: "socket", option: "--socket" };
                Ok(given("XDG_RUNTIME_DIR").ok_or(missing)?.join("jitsuin/org.jitsuin.Jitsuin1"))
            })?,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn places_follow_the_base_directories() {
        let environment = |set: &'static [(&'static str, &'static str)]| {
            move |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, v)| PathBuf::from(v))
        };
        let user = Cli::parse_from(["jitsuind", "--user"]);
        let places = Places::new(&user, environment(&[("HOME", "/home/a"), ("XDG_RUNTIME_DIR", "/run/user/1")]));
        let expected = Places {
            config: "/home/a/.config/jitsuin/jitsuind.toml".into(),
            config_named: false,
            state: "/home/a/.local/state/jitsuin".into(),
            socket: "/run/user/1/jitsuin/org.jitsuin.Jitsuin1".into(),
        };
        assert_eq!(places, Ok(expected));
        assert!(Places::new(&user, environment(&[("HOME", "/home/a")])).unwrap_err().to_string().contains("--socket"));

        let system = Cli::parse_from(["jitsuind", "--state-dir", "/x"]);
        let places = Places::new(&system, environment(&[])).unwrap();
        assert_eq!(places.config, Path::new("/etc/jitsuin/jitsuind.toml"));
        assert_eq!(places.state, Path::new("/x"));
    }
}
