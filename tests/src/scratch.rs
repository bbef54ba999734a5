//! A folder that holds everything one test makes, and the environment that keeps programs inside it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A scratch folder; it is removed with everything in it when dropped, unless `JITSUIN_KEEP_SCRATCH` is set.
#[derive(Debug)]
pub struct Scratch {
    folder: Option<TempDir>,
    path: PathBuf,
}

impl Scratch {
    /// Makes one, with `home`, `run`, `config`, `state` and `log` in it. The path is short: a Unix socket's name
    /// has room for 107 bytes.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("jts").tempdir().expect("a folder for temporary files");
        let path = folder.path().to_owned();
        let scratch = Self { folder: Some(folder), path };
        for name in ["home", "run", "config", "state", "log"] {
            scratch.folder(name);
        }
        scratch
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A folder in it, made where it is missing, for its owner only.
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.path.join(name);
        fs::create_dir_all(&path).expect("a folder in the scratch folder");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("its mode");
        path
    }

    /// A file in it with this content.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path.join(name);
        fs::write(&path, content).expect("a file in the scratch folder");
        path
    }

    /// A command that sees nothing of the caller's environment but the search path, and writes nowhere but here.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path.join("home"))
            .env("LANG", "C.UTF-8")
            .env("TMPDIR", self.folder("tmp"))
            .env("XDG_RUNTIME_DIR", self.path.join("run"))
            .env("XDG_CONFIG_HOME", self.path.join("config"))
            .env("XDG_STATE_HOME", self.path.join("state"))
            .current_dir(&self.path);
        command
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::env::var_os("JITSUIN_KEEP_SCRATCH").is_some()
            && let Some(folder) = self.folder.take()
        {
            eprintln!("kept {}", folder.keep().display());
        }
    }
}

/// Runs a command to its end and returns what it printed.
///
/// # Panics
/// When it cannot be started or does not succeed; the panic says what it printed.
pub fn output(command: &mut Command) -> String {
    let output = any_output(command);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    out
}

/// Runs a command to its end, however it ends, with nothing to read.
///
/// # Panics
/// When it cannot be started.
pub fn any_output(command: &mut Command) -> Output {
    command.stdin(std::process::Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

/// Runs a command to its end with this on its standard input.
///
/// # Panics
/// When it cannot be started.
pub fn fed_output(command: &mut Command, input: &str) -> Output {
    use std::io::Write;
    use std::process::Stdio;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    // A program may end before it reads: what it says then is what counts, not the broken pipe.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("its end")
}

/// Bytes as text, for people.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
