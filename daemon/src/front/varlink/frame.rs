//! Messages on the wire: JSON ended by a NUL byte, bounded in length and depth.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::stream::Stream;

/// Longest message, in bytes (design §5).
pub(super) const MAX_MESSAGE: usize = 64 * 1024;

/// Deepest nesting of arrays and objects.
pub(super) const MAX_DEPTH: usize = 32;

/// Room for a usual message, so that it takes one read.
const USUAL: usize = 4096;

/// Why no further message can be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    /// The peer closed the connection.
    #[error("closed")]
    Closed,
    /// It failed.
    #[error("failed")]
    Failed(#[source] io::Error),
    /// More than [`MAX_MESSAGE`] bytes without an end.
    #[error("too long")]
    TooLong,
}

/// The reading half of a connection.
pub(super) struct Reader {
    stream: Arc<Stream>,
    buffer: Vec<u8>,
    /// Bytes of `buffer` known to hold no NUL.
    scanned: usize,
}

impl Reader {
    /// Reads from here.
    pub(super) fn new(stream: Arc<Stream>) -> Self {
        Self { stream, buffer: Vec::with_capacity(USUAL), scanned: 0 }
    }

    /// The next message, without its NUL.
    pub(super) async fn message(&mut self) -> Result<Vec<u8>, End> {
        loop {
            let unseen = self.buffer.get(self.scanned..).unwrap_or_default();
            if let Some(at) = unseen.iter().position(|b| *b == 0) {
                let rest = self.buffer.split_off(self.scanned + at + 1);
                let mut message = std::mem::replace(&mut self.buffer, rest);
                message.pop();
                self.scanned = 0;
                return Ok(message);
            }
            self.scanned = self.buffer.len();
            self.fill().await?;
        }
    }

    /// Reads ahead until the connection ends. What comes meanwhile is kept for [`Reader::message`].
    /// A peer that only stops sending (`shutdown(SHUT_WR)`, as `nc` and `socat` do) still waits for
    /// its answer. Cancel-safe.
    pub(super) async fn end(&mut self) -> End {
        loop {
            match self.fill().await {
                Ok(()) => {}
                Err(End::Closed) if !self.hung_up() => std::future::pending().await,
                Err(end) => return end,
            }
        }
    }

    /// Whether both directions are closed (poll(2), `POLLHUP`).
    fn hung_up(&self) -> bool {
        let mut polled = [PollFd::new(self.stream.socket(), PollFlags::empty())];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let seen = poll(&mut polled, Some(&now)).is_ok_and(|n| n > 0);
        seen && polled.iter().any(|p| p.revents().contains(PollFlags::HUP))
    }

    async fn fill(&mut self) -> Result<(), End> {
        if self.buffer.len() > MAX_MESSAGE {
            return Err(End::TooLong);
        }
        self.buffer.reserve(USUAL);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err(End::Closed),
            Ok(_) => Ok(()),
            Err(error) => Err(End::Failed(error)),
        }
    }
}

/// Writes one message and its NUL.
pub(super) async fn write(to: &Stream, mut message: Vec<u8>, along: Option<&OwnedFd>) -> io::Result<()> {
    message.push(0);
    match along {
        Some(descriptor) => to.write_all_with(&message, descriptor).await,
        None => to.write_all(&message).await,
    }
}

/// Whether JSON text nests no deeper than [`MAX_DEPTH`]; says nothing else of it.
pub(super) fn shallow(json: &[u8]) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in json {
        match (quoted, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => quoted = false,
            (false, b'"') => quoted = true,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::UnixStream;

    use super::*;

    fn pair() -> (UnixStream, Reader) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (ours, Reader::new(Arc::new(Stream::new(theirs.into_std().unwrap()).unwrap())))
    }

    #[tokio::test]
    async fn messages_end_at_nul_however_they_arrive() {
        let (mut ours, mut reader) = pair();
        ours.write_all(b"one\0tw").await.unwrap();
        assert_eq!(reader.message().await.unwrap(), b"one");
        ours.write_all(b"o\0\0three").await.unwrap();
        assert_eq!(reader.message().await.unwrap(), b"two");
        assert_eq!(reader.message().await.unwrap(), b"");
        drop(ours);
        assert!(matches!(reader.message().await, Err(End::Closed)));
    }

    #[tokio::test]
    async fn a_message_without_end_is_cut_off() {
        let (mut ours, mut reader) = pair();
        let flood = tokio::spawn(async move { while ours.write_all(&[b'x'; 4096]).await.is_ok() {} });
        assert!(matches!(reader.message().await, Err(End::TooLong)));
        drop(reader);
        flood.await.unwrap();
    }

    #[tokio::test]
    async fn a_peer_that_stops_sending_is_no_peer_that_left() {
        let (mut ours, mut reader) = pair();
        ours.shutdown().await.unwrap();
        let soon = std::time::Duration::from_millis(50);
        assert!(tokio::time::timeout(soon, reader.end()).await.is_err());
        drop(ours);
        assert!(matches!(reader.end().await, End::Closed));
    }

    #[test]
    fn depth_is_counted_outside_strings() {
        assert!(shallow(format!("{}{}", "[".repeat(32), "]".repeat(32)).as_bytes()));
        assert!(!shallow(format!("{}{}", "[".repeat(33), "]".repeat(33)).as_bytes()));
        assert!(shallow(format!(r#"{{"a":"{}\"{}"}}"#, "[".repeat(50), "{".repeat(50)).as_bytes()));
    }
}
