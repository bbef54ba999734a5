//! What the suites make certificates with.

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs `openssl` in that folder; a `~` stands for a space within a word.
pub(crate) fn openssl(dir: &Path, line: &str) {
    let status = Command::new("openssl")
        .args(line.split_whitespace().map(|word| word.replace('~', " ")))
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "openssl {line}");
}
