//! The repository as the tests see it: its root and its text files.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A text file of the repository: its path below the root, and what it says.
#[derive(Debug, Clone)]
pub struct TextFile {
    /// Below the root, with `/` between the parts.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// All text files of the repository, in order; build output, `.git` and files that are not UTF-8 left out.
#[must_use]
pub fn text_files() -> Vec<TextFile> {
    let root = root();
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The text files below a folder, for example `daemon/src`, that end in `suffix`.
#[must_use]
pub fn below(folder: &str, suffix: &str) -> Vec<TextFile> {
    let start = format!("{folder}/");
    text_files().into_iter().filter(|f| f.path.starts_with(&start) && f.path.ends_with(suffix)).collect()
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<TextFile>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if entry.file_name() == ".git" {
            continue; // a folder, or in a second working tree a file that names the first
        }
        if kind.is_dir() {
            let build_output = path.join("CACHEDIR.TAG").exists() || entry.file_name() == "target";
            if !build_output {
                walk(root, &path, found);
            }
        } else if kind.is_file()
            && let (Ok(below), Ok(text)) = (path.strip_prefix(root), fs::read_to_string(&path))
        {
            found.push(TextFile { path: below.to_string_lossy().replace('\\', "/"), text });
        }
    }
}
