//! Whose the authority's files are. An operator's command that root runs must not leave files in the authority's directory
//! that the server, which is somebody else, cannot read at its next start.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use rustix::fs::OFlags;

/// Gives what was just made in `folder` to whoever owns the folder, where root made it.
///
/// # Errors
/// Those of stat(2) and fchown(2).
pub(crate) fn inherit(made: impl AsFd, folder: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let owner = std::fs::metadata(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?;
    fchown(made, Some(owner.uid()), Some(owner.gid()))
}

/// Makes a folder that is its owner's only, and whose that is that has the folder above.
///
/// # Errors
/// Those of mkdir(2), open(2) and fchown(2); the folder must not exist.
pub(crate) fn new_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    // by its descriptor: what somebody else puts in its place meanwhile is not given away
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let made = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    inherit(&made, path.parent().unwrap_or(Path::new("")))
}

/// Makes a file that must not exist, with these rights, for whoever owns the folder.
///
/// # Errors
/// Those of open(2) and fchown(2).
pub(crate) fn new_file(folder: &Path, name: &str, mode: u32) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(folder.join(name))?;
    inherit(&file, folder)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As whoever runs it; as root the folder is another's.
    #[test]
    fn what_is_made_in_a_folder_is_its_owners() {
        let scratch = tempfile::tempdir().unwrap();
        let house = scratch.path().join("house");
        std::fs::create_dir(&house).unwrap();
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&house, Some(4711), Some(4712)).unwrap();
        }
        let wanted = std::fs::metadata(&house).unwrap();
        new_folder(&house.join("inner")).unwrap();
        drop(new_file(&house.join("inner"), "file", 0o600).unwrap());
        for made in ["inner", "inner/file"] {
            let made = std::fs::metadata(house.join(made)).unwrap();
            assert_eq!((made.uid(), made.gid()), (wanted.uid(), wanted.gid()));
            assert_eq!(made.mode() & 0o077, 0);
        }
        assert!(new_folder(&house.join("inner")).is_err() && new_file(&house.join("inner"), "file", 0o600).is_err());
    }
}
