//! The way of a secret from an agent: one datagram over a socket that the daemon made.
//!
//! A memfd or a pipe could be opened again through `/proc` by any process of the same user; a
//! socket cannot.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType};
use token::Secret;
use token::secret::MAX_SECRET;
use zeroize::Zeroizing;

/// The daemon's end.
#[derive(Debug)]
pub(super) struct Sink(OwnedFd);

/// Makes a pair: the end to keep, and the end to hand to the agent.
pub(super) fn pair() -> io::Result<(Sink, OwnedFd)> {
    let (ours, theirs) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    Ok((Sink(ours), theirs))
}

impl Sink {
    /// Takes the secret out, after the agent said that it has sent it. `None` when there is none, or
    /// it is longer than a secret can be.
    pub(super) fn take(self) -> Option<Secret> {
        // One byte more than allowed, so that a longer datagram is told from the longest.
        let mut buffer = Zeroizing::new(vec![0; MAX_SECRET + 1]);
        let (length, _) = rustix::net::recv(&self.0, buffer.as_mut_slice(), RecvFlags::DONTWAIT).ok()?;
        if length == 0 || length > MAX_SECRET {
            return None;
        }
        buffer.truncate(length);
        Some(Secret::new(std::mem::take(&mut *buffer)))
    }
}

#[cfg(test)]
mod tests {
    use rustix::net::SendFlags;

    use super::*;

    #[test]
    fn one_datagram_of_at_most_255_bytes() {
        for (sent, taken) in [(0, false), (1, true), (255, true), (256, false), (4000, false)] {
            let (sink, theirs) = pair().unwrap();
            rustix::net::send(&theirs, &vec![7; sent], SendFlags::empty()).unwrap();
            assert_eq!(sink.take().map(|s| s.len()), taken.then_some(sent), "{sent}");
        }
        let (sink, theirs) = pair().unwrap();
        drop(theirs);
        assert!(sink.take().is_none(), "closed without a word");
    }

    #[test]
    fn the_socket_cannot_be_opened_again() {
        use std::os::fd::AsRawFd;
        let (sink, _theirs) = pair().unwrap();
        let error = std::fs::File::open(format!("/proc/self/fd/{}", sink.0.as_raw_fd())).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::NXIO.raw_os_error()));
    }
}
