//! Passwords and keys that operators give the server: systemd credentials, or files that only it can read.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Longest credential, in bytes.
const MAX: usize = 4096;

/// Why a credential is not taken.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// It is not there, or cannot be read.
    #[error("the credential {path} cannot be read. Make the file, or give it to the unit by LoadCredential=")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others may read it.
    #[error("others may read the credential {0}. Take their rights away: chmod 600")]
    Mode(PathBuf),
    /// It is empty or longer than 4096 bytes.
    #[error("the credential {0} has not between 1 and 4096 bytes. Write it anew")]
    Length(PathBuf),
}

/// Where a secret of the service lies: systemd's credential where there is one, else the file in the authority's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// The file.
    path: PathBuf,
    /// It is one of systemd's.
    given: bool,
}

/// Opens a file that nobody else may read, one of systemd's or another. `None`: others may.
///
/// # Errors
/// Those of open(2) and fstat(2).
pub(crate) fn open_private(path: &Path) -> std::io::Result<Option<std::fs::File>> {
    let given = std::env::var_os("CREDENTIALS_DIRECTORY").is_some_and(|folder| path.starts_with(folder));
    Place { path: path.to_owned(), given }.open()
}

/// Where the secret `name` lies.
fn place(directory: &Path, name: &str) -> Place {
    place_in(std::env::var_os("CREDENTIALS_DIRECTORY").as_deref().map(Path::new), directory, name)
}

fn place_in(credentials: Option<&Path>, directory: &Path, name: &str) -> Place {
    let given = credentials.map(|folder| folder.join(name)).filter(|path| path.exists());
    match given {
        Some(path) => Place { path, given: true },
        None => Place { path: directory.join(name), given: false },
    }
}

impl Place {
    /// Opens the file. `None`: others may read it.
    ///
    /// # Errors
    /// Those of open(2) and fstat(2).
    fn open(&self) -> std::io::Result<Option<std::fs::File>> {
        let file = std::fs::File::open(&self.path)?;
        // The folder of credentials is the unit's alone. In it the bits of the group are the mask of the ACL by which
        // systemd 254 and newer let the unit's user read what is root's (acl(5)): they say nothing of a group.
        let others = if self.given { 0o027 } else { 0o077 };
        Ok((file.metadata()?.mode() & others == 0).then_some(file))
    }
}

/// Reads the credential `name`: systemd's where there is one, else the file in the authority's directory. A newline at
/// its end is none of it.
///
/// # Errors
/// [`CredentialError`].
pub fn load(directory: &Path, name: &str) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
    read(place(directory, name))
}

fn read(place: Place) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
    let opened = place.open();
    let path = place.path;
    let failed = |source| CredentialError::File { path: path.clone(), source };
    let Some(file) = opened.map_err(failed)? else { return Err(CredentialError::Mode(path)) };
    // One allocation, so that no copy is left behind by a growing buffer.
    let mut text = Zeroizing::new(Vec::with_capacity(MAX + 2));
    file.take(MAX as u64 + 2).read_to_end(&mut text).map_err(failed)?;
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    if text.is_empty() || text.len() > MAX { Err(CredentialError::Length(path)) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_what_nobody_else_can_read_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("smtp.password");
        let load = || load(directory.path(), "smtp.password");
        assert!(matches!(load(), Err(CredentialError::File { .. })));
        let write = |text: &[u8], mode: u32| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        write(b"himitsu\n", 0o600);
        assert_eq!(load().unwrap().as_slice(), b"himitsu");
        write(b"himitsu", 0o640);
        assert!(matches!(load(), Err(CredentialError::Mode(_))));
        write(b"\n", 0o600);
        assert!(matches!(load(), Err(CredentialError::Length(_))));
        write(&[b'a'; MAX + 1], 0o600);
        assert!(matches!(load(), Err(CredentialError::Length(_))));
    }

    /// systemd 254 and newer: 0400 of root and an ACL for the unit's user, which stat(2) shows as 0440.
    #[test]
    fn what_systemd_gives_is_taken_as_it_gives_it() {
        let (credentials, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |folder: &Path, mode: u32| {
            let path = folder.join("webhook.key");
            let _ = std::fs::remove_file(&path);
            std::fs::write(&path, folder.as_os_str().as_encoded_bytes()).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let load = || read(place_in(Some(credentials.path()), directory.path(), "webhook.key"));
        write(directory.path(), 0o600);
        let content = |folder: &Path| folder.as_os_str().as_encoded_bytes().to_vec();
        assert_eq!(load().unwrap().to_vec(), content(directory.path()), "none is given");
        for mode in [0o400, 0o440] {
            write(credentials.path(), mode);
            assert_eq!(load().unwrap().to_vec(), content(credentials.path()), "{mode:o}");
        }
        for mode in [0o444, 0o460, 0o402] {
            write(credentials.path(), mode);
            assert!(matches!(load(), Err(CredentialError::Mode(_))), "{mode:o}");
        }
        std::fs::remove_file(credentials.path().join("webhook.key")).unwrap();
        write(directory.path(), 0o440);
        assert!(matches!(load(), Err(CredentialError::Mode(_))), "the directory's own");
    }
}
