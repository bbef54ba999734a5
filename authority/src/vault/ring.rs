//! The keys of a directory: `secrets.key`, which seals, `secrets.key.next`, and retired ones by their identifiers.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::key::{Key, KeyId};
use super::{KEY_FILE, VaultError};

/// The name of the key that comes next, beside the one that seals.
pub(crate) const NEXT: &str = "secrets.key.next";
/// Keys in a directory are few: more are somebody's mistake, and are not read.
const MOST: usize = 32;

/// The name under which a key is kept that seals no more.
pub(super) fn retired(id: KeyId) -> String {
    format!("{KEY_FILE}.{id}")
}

/// What a file is known by, to see whether it is another one.
type Seen = Vec<(OsString, u64, i64, i64)>;

/// Keys. The first seals.
pub(super) struct Ring {
    keys: Vec<Arc<Key>>,
    seen: Seen,
    /// The file of the first when all were loaded.
    first: KeyId,
}

impl Ring {
    pub(super) fn load(directory: &Path) -> Result<Self, VaultError> {
        // Looked at before they are read: what changes meanwhile is read again.
        let seen = seen(directory);
        let first = Arc::new(Key::read(&place(directory))?);
        let mut ring = Self { first: first.id(), keys: vec![first], seen };
        let more = |path: PathBuf| Key::read(&path).map(Arc::new);
        for (name, ..) in &ring.seen {
            if name != KEY_FILE {
                ring.keys.push(more(folder(directory).join(name))?);
            }
        }
        Ok(ring)
    }

    /// Whether the files are others than those that were read.
    pub(super) fn is_stale(&self, directory: &Path) -> bool {
        seen(directory) != self.seen
    }

    /// With the key first that `before` seals under, where the file that says so is still the same.
    pub(super) fn sealing_as(self, before: &Self) -> Self {
        if self.first == before.first { self.under(before.sealing().id()).unwrap_or(self) } else { self }
    }

    /// With that key first.
    pub(super) fn under(&self, id: KeyId) -> Option<Self> {
        let at = self.keys.iter().position(|key| key.id() == id)?;
        let mut keys = self.keys.clone();
        keys.swap(0, at);
        Some(Self { keys, seen: self.seen.clone(), first: self.first })
    }

    #[expect(clippy::indexing_slicing, reason = "there is no ring without a first key")]
    pub(super) fn sealing(&self) -> &Key {
        &self.keys[0]
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().map(AsRef::as_ref)
    }

    pub(super) fn find(&self, id: KeyId) -> Option<&Key> {
        self.all().find(|key| key.id() == id)
    }
}

/// Where the keys are: with the systemd credentials, where `secrets.key` is one.
pub(super) fn folder(directory: &Path) -> PathBuf {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    credentials.filter(|folder| folder.join(KEY_FILE).exists()).unwrap_or_else(|| directory.to_owned())
}

fn place(directory: &Path) -> PathBuf {
    folder(directory).join(KEY_FILE)
}

/// The key files that there are, in the order of their names.
fn seen(directory: &Path) -> Seen {
    let folder = folder(directory);
    let is_key = |name: &str| {
        let end = name.strip_prefix(KEY_FILE).and_then(|end| end.strip_prefix('.'));
        name == KEY_FILE || name == NEXT || end.is_some_and(|end| end.parse::<KeyId>().is_ok())
    };
    let entries = folder.read_dir().into_iter().flatten().filter_map(Result::ok).map(|entry| entry.file_name());
    let mut names: Vec<_> = entries.filter(|name| name.to_str().is_some_and(is_key)).take(MOST).collect();
    names.sort();
    let file = |name: OsString| {
        let facts = folder.join(&name).metadata().ok()?;
        Some((name, facts.ino(), facts.ctime(), facts.ctime_nsec()))
    };
    names.into_iter().filter_map(file).collect()
}
