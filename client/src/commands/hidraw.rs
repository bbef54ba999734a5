//! Which tokens that speak HID are plugged in, and who may speak with them: for `jitsuin doctor`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The group that the udev rules give them to.
const GROUP: &str = "jitsuin";

/// How a FIDO interface begins to describe itself (CTAP 2.1 §11.2.8): those are not for the daemon.
const FIDO: &[u8] = &[0x06, 0xD0, 0xF1];

/// A token's interface.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// Its node.
    pub(super) path: PathBuf,
    /// Whether the daemon may open it: as a member of its group, or as this person.
    pub(super) open: bool,
}

/// All that there are, in order. What cannot be read is left out.
pub(super) fn nodes() -> Vec<Node> {
    let mut nodes = found(Path::new("/"));
    nodes.sort_by(|a, b| a.path.cmp(&b.path));
    nodes
}

fn found(root: &Path) -> Vec<Node> {
    let group = group(&fs::read_to_string(root.join("etc/group")).unwrap_or_default());
    let Ok(entries) = fs::read_dir(root.join("sys/class/hidraw")) else { return Vec::new() };
    let nodes = entries.flatten().filter_map(|entry| {
        let device = entry.path().join("device");
        let yubico = fs::read_to_string(device.join("uevent")).ok()?.lines().any(is_yubico);
        let fido = fs::read(device.join("report_descriptor")).ok()?.starts_with(FIDO);
        let path = Path::new("/dev").join(entry.file_name());
        let there = root.join("dev").join(entry.file_name());
        let node = fs::metadata(&there).ok()?;
        let by_group = group == Some(node.gid()) && node.mode() & 0o060 == 0o060;
        let open = by_group || fs::File::options().read(true).write(true).open(&there).is_ok();
        (yubico && !fido).then_some(Node { path, open })
    });
    nodes.collect()
}

/// Bus, vendor and product: `HID_ID=0003:00001050:00000407`.
fn is_yubico(line: &str) -> bool {
    line.strip_prefix("HID_ID=").and_then(|id| id.split(':').nth(1)) == Some("00001050")
}

fn group(file: &str) -> Option<u32> {
    let mut lines = file.lines().map(|line| line.split(':'));
    lines.find_map(|mut parts| if parts.next() == Some(GROUP) { parts.nth(1)?.parse().ok() } else { None })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn yubicos_keyboards_are_found() {
        let root = tempfile::tempdir().unwrap();
        let plug = |name: &str, id: &str, descriptor: &[u8]| {
            let device = root.path().join("sys/class/hidraw").join(name).join("device");
            fs::create_dir_all(&device).unwrap();
            fs::create_dir_all(root.path().join("dev")).unwrap();
            fs::write(device.join("uevent"), format!("DRIVER=usbhid\nHID_ID={id}\n")).unwrap();
            fs::write(device.join("report_descriptor"), descriptor).unwrap();
            fs::write(root.path().join("dev").join(name), "").unwrap();
        };
        plug("hidraw0", "0003:00001050:00000407", &[0x05, 0x01]);
        plug("hidraw1", "0003:00001050:00000407", &[0x06, 0xD0, 0xF1, 0x09]);
        plug("hidraw2", "0003:0000046D:0000C31C", &[0x05, 0x01]);
        let paths: Vec<_> = found(root.path()).into_iter().map(|node| (node.path, node.open)).collect();
        assert_eq!(paths, [(PathBuf::from("/dev/hidraw0"), true)]);
        // By its group alone: nobody but root may open it otherwise.
        let node = root.path().join("dev/hidraw0");
        fs::set_permissions(&node, fs::Permissions::from_mode(0o060)).unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        let gid = fs::metadata(&node).unwrap().gid();
        fs::write(root.path().join("etc/group"), format!("root:x:1:\njitsuin:x:{gid}:\n")).unwrap();
        assert!(found(root.path())[0].open);
    }

    #[test]
    fn the_group_is_looked_up_by_name() {
        assert_eq!(group("jitsuins:x:1:\njitsuin:x:104:a,b\n"), Some(104));
        assert_eq!(group("jitsuin:x\n"), None);
    }
}
