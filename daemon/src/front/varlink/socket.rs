//! The socket itself.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another daemon answers there.
    #[error("Another jitsuind serves {}. End it first, or choose another --socket.", .0.display())]
    Taken(PathBuf),
    /// The file system does not let us.
    #[error("The socket {} cannot be made. Check its folder, or choose another --socket.", path.display())]
    Path {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The socket that the service manager passed (`LISTEN_FDS`), or one made at `path` with `mode`. A
/// file that a killed daemon left behind is replaced; a daemon that answers is not.
///
/// # Errors
/// [`BindError`].
pub fn bind(path: &Path, mode: u32) -> Result<UnixListener, BindError> {
    let at = |source| BindError::Path { path: path.to_owned(), source };
    if let Some(passed) = listenfd::ListenFd::from_env().take_unix_listener(0).map_err(at)? {
        passed.set_nonblocking(true).map_err(at)?;
        return UnixListener::from_std(passed).map_err(at);
    }
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at)?;
    }
    if fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket()) {
        if UnixStream::connect(path).is_ok() {
            return Err(BindError::Taken(path.to_owned()));
        }
        fs::remove_file(path).map_err(at)?;
    }
    let listener = UnixListener::bind(path).map_err(at)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(at)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/socket");
        let first = bind(&path, 0o600).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(bind(&path, 0o600), Err(BindError::Taken(_))));
        drop(first);
        assert!(bind(&path, 0o600).is_ok());
    }

    #[tokio::test]
    async fn what_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("precious");
        fs::write(&path, "data").unwrap();
        assert!(matches!(bind(&path, 0o600), Err(BindError::Path { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "data");
    }
}
