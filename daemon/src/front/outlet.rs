//! The way of a secret to a caller: one datagram over a socket that the daemon made. It is no value of
//! a message, which others may see or keep, and no file, which others could open through `/proc`.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair};
use token::Secret;

/// The daemon's end.
#[derive(Debug)]
pub(super) struct Outlet(OwnedFd);

impl Outlet {
    /// Makes a pair: the end to send on, and the end for the caller. It yields one datagram of at most
    /// 255 bytes, or its end where there is no secret.
    ///
    /// # Errors
    /// When there is no descriptor left.
    pub(super) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((Self(ours), theirs))
    }

    /// Sends the secret, if anybody still wants it. It does not wait: an empty socket has room for it.
    pub(super) fn send(self, secret: &Secret) {
        if let Err(error) = send(&self.0, secret.expose(), SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            tracing::debug!(%error, "a caller did not take its secret");
        }
    }
}
