//! The way of a secret: one datagram into the socket that the daemon passed.

use std::os::fd::AsFd;

use rustix::net::{SendFlags, SocketType, send, sockopt::socket_type};
use token::Secret;

/// Why a secret was not handed over.
#[derive(Debug, thiserror::Error)]
pub(super) enum SinkError {
    /// It is no `SOCK_SEQPACKET` socket: a pipe or a file could be read by others through `/proc`.
    #[error("the descriptor is not a SOCK_SEQPACKET socket")]
    NotASocket,
    /// The other end is gone.
    #[error("the daemon does not take the secret")]
    Send(#[source] std::io::Error),
}

/// Whether a secret may go there at all.
///
/// # Errors
/// [`SinkError::NotASocket`].
pub(super) fn check(sink: impl AsFd) -> Result<(), SinkError> {
    match socket_type(sink) {
        Ok(kind) if kind == SocketType::SEQPACKET => Ok(()),
        _ => Err(SinkError::NotASocket),
    }
}

/// Hands the secret over. It does not wait: an empty socket has room for one datagram.
///
/// # Errors
/// [`SinkError`].
pub(super) fn hand_over(sink: impl AsFd, secret: &Secret) -> Result<(), SinkError> {
    check(sink.as_fd())?;
    send(sink, secret.expose(), SendFlags::NOSIGNAL | SendFlags::DONTWAIT)
        .map(|_| ())
        .map_err(|error| SinkError::Send(error.into()))
}

#[cfg(test)]
mod tests {
    use rustix::net::{AddressFamily, RecvFlags, SocketFlags, recv, socketpair};

    use super::*;

    #[test]
    fn one_datagram_into_a_socket_and_nothing_into_a_pipe() {
        let pair = |kind| socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap();
        let (ours, theirs) = pair(SocketType::SEQPACKET);
        hand_over(&theirs, &Secret::new(b"73119942".to_vec())).unwrap();
        let mut buffer = [0u8; 300];
        let (read, _) = recv(&ours, &mut buffer[..], RecvFlags::empty()).unwrap();
        assert_eq!(&buffer[..read], b"73119942");
        let (_stream, other) = pair(SocketType::STREAM);
        assert!(matches!(hand_over(&other, &Secret::new(vec![1])), Err(SinkError::NotASocket)));
        let (_reader, writer) = rustix::pipe::pipe().unwrap();
        assert!(matches!(hand_over(&writer, &Secret::new(vec![1])), Err(SinkError::NotASocket)));
    }
}
