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

/// Reads the credential `name`: systemd's where there is one, else the file in the authority's directory. A newline at
/// its end is none of it.
///
/// # Errors
/// [`CredentialError`].
pub fn load(directory: &Path, name: &str) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
    let given = std::env::var_os("CREDENTIALS_DIRECTORY").map(|directory| PathBuf::from(directory).join(name));
    let path = given.filter(|path| path.exists()).unwrap_or_else(|| directory.join(name));
    let failed = |source| CredentialError::File { path: path.clone(), source };
    let file = std::fs::File::open(&path).map_err(failed)?;
    if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
        return Err(CredentialError::Mode(path));
    }
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
}
