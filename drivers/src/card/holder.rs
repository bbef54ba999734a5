//! Who has a card for itself: pcscd does not say, but who talks to pcscd can be seen.
//!
//! The kernel lists which sockets are connected to pcscd's (`NETLINK_SOCK_DIAG`, sock_diag(7)), and `/proc` says whose
//! they are, for the processes that this one may look into: its own user's, or as root all.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::netlink::SOCK_DIAG;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

/// Where pcscd listens, unless the environment says otherwise, as for all of pcsc-lite.
const SOCKET: &str = "/run/pcscd/pcscd.comm";

/// Names that are told, at most.
const MOST: usize = 3;

/// Longest time that the kernel is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Room for one answer of the kernel's, which gives up to 32 KiB at once.
const ROOM: usize = 64 * 1024;

/// `linux/netlink.h`, `linux/sock_diag.h`, `linux/unix_diag.h`.
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const REQUEST_AND_DUMP: u16 = 0x301;
const SHOW_VFS_AND_PEER: u32 = 0x02 | 0x04;
const UNIX_DIAG_VFS: u16 = 1;
const UNIX_DIAG_PEER: u16 = 2;

/// The other programs that talk to pcscd, if any can be found: one of them has the card.
pub(super) fn of_pcscd() -> Option<String> {
    let socket = std::env::var_os("PCSCLITE_CSOCK_NAME").map_or_else(|| SOCKET.into(), PathBuf::from);
    let names: Vec<String> = clients(&socket)?.into_iter().take(MOST).collect();
    if names.is_empty() { None } else { Some(names.join(", ")) }
}

/// The names of the processes, other than this one, that are connected to the socket of that path.
fn clients(socket: &Path) -> Option<BTreeSet<String>> {
    let inode = u32::try_from(fs::metadata(socket).ok()?.ino()).ok()?;
    let peers = ask_kernel(inode)?;
    let mut names = BTreeSet::new();
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let id = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        if id.is_some_and(|id| id != std::process::id()) && holds_one(&process.path(), &peers) {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            names.extend(Some(name.trim().chars().filter(|c| !c.is_control()).collect::<String>()));
        }
    }
    Some(names)
}

/// Whether one of these sockets is among the process's open files. Most processes are none of ours to look into.
fn holds_one(process: &Path, sockets: &BTreeSet<u32>) -> bool {
    let Ok(files) = fs::read_dir(process.join("fd")) else { return false };
    files.flatten().any(|file| {
        let target = fs::read_link(file.path()).unwrap_or_default();
        let inode = target.to_str().and_then(|t| t.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
        inode.is_some_and(|inode| sockets.contains(&inode))
    })
}

/// The inodes of the sockets that are connected to those bound to the file with this inode.
fn ask_kernel(inode: u32) -> Option<BTreeSet<u32>> {
    let kernel = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, SocketFlags::CLOEXEC, Some(SOCK_DIAG)).ok()?;
    set_socket_timeout(&kernel, Timeout::Recv, Some(PATIENCE)).ok()?;
    send(&kernel, &question(), SendFlags::empty()).ok()?;
    let mut peers = BTreeSet::new();
    let mut room = vec![0; ROOM];
    loop {
        let (length, _) = recv(&kernel, room.as_mut_slice(), RecvFlags::empty()).ok()?;
        if !read_answer(room.get(..length)?, inode, &mut peers)? {
            return Some(peers);
        }
    }
}

/// All sockets of the family `AF_UNIX`, with the files they are bound to and their peers.
fn question() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(40);
    bytes.extend(40_u32.to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(REQUEST_AND_DUMP.to_ne_bytes());
    // Sequence and port; then family, protocol and padding.
    bytes.extend([0; 8]);
    bytes.extend([1, 0, 0, 0]);
    bytes.extend(u32::MAX.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend(SHOW_VFS_AND_PEER.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes
}

/// Takes the peers out of one answer; whether more is to come. `None` where it is none.
fn read_answer(mut answer: &[u8], inode: u32, peers: &mut BTreeSet<u32>) -> Option<bool> {
    while !answer.is_empty() {
        let length = usize::try_from(number(answer, 0)?).ok()?;
        let kind = short(answer, 4)?;
        let message = answer.get(..length)?;
        match kind {
            NLMSG_DONE => return Some(false),
            NLMSG_ERROR => return None,
            // Behind the header: family, type, state, padding, inode, cookie, and then attributes.
            _ => peers.extend(peer_of(message.get(16 + 16..)?, inode)),
        }
        answer = answer.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(true)
}

/// The peer in a socket's attributes, if it is bound to that file.
fn peer_of(mut attributes: &[u8], inode: u32) -> Option<u32> {
    let (mut bound, mut peer) = (false, None);
    while let Some(length) = short(attributes, 0).map(usize::from).filter(|length| *length >= 4) {
        match short(attributes, 2)? {
            UNIX_DIAG_VFS => bound = number(attributes, 4)? == inode,
            UNIX_DIAG_PEER => peer = Some(number(attributes, 4)?),
            _ => {}
        }
        attributes = attributes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    peer.filter(|peer| bound && *peer != 0)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn who_is_connected_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pcscd.comm");
        let listener = UnixListener::bind(&path).unwrap();
        let _ours = UnixStream::connect(&path).unwrap();
        let _first = listener.accept().unwrap();
        assert_eq!(clients(&path), Some(BTreeSet::new()), "not ourselves");
        let theirs = UnixStream::connect(&path).unwrap();
        let _second = listener.accept().unwrap();
        let mut neighbour = Command::new("sleep").arg("60").stdin(OwnedFd::from(theirs)).spawn().unwrap();
        assert_eq!(clients(&path), Some(BTreeSet::from(["sleep".to_owned()])));
        neighbour.kill().unwrap();
        neighbour.wait().unwrap();
        assert_eq!(clients(&path), Some(BTreeSet::new()));
        assert_eq!(clients(&folder.path().join("none")), None);
    }

    proptest! {
        #[test]
        fn the_reader_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_answer(&bytes, 1, &mut BTreeSet::new());
        }
    }
}
