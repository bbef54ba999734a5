//! A connected socket that wakes its reader only for something to read.
//!
//! tokio's `UnixStream` is waited on in both directions at once. The kernel then also tells of each
//! message that the peer has taken out of the socket (`EPOLLOUT`, edge-triggered), which wakes the
//! daemon once more for every message it sends, on account of the very peer that waits for it.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::buffer::spare_capacity;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, send, sendmsg};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// See above. Reading and writing may be waited for at the same time.
#[derive(Debug)]
pub(crate) struct Stream(AsyncFd<UnixStream>);

impl Stream {
    /// Takes a connected socket over. To be called on the runtime.
    pub(crate) fn new(socket: UnixStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self(register(socket, Interest::READABLE)?))
    }

    /// The socket.
    pub(crate) fn socket(&self) -> &UnixStream {
        self.0.get_ref()
    }

    /// Reads once, into the room that `buffer` has; 0 at the end. Cancel-safe.
    pub(crate) async fn read_buf(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        loop {
            let mut ready = self.0.readable().await?;
            let read = ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), spare_capacity(buffer))?));
            match read {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(read) => return read,
                Err(_not_ready) => {}
            }
        }
    }

    /// Writes all of it. A buffer that is full is waited for; usually there is room at once.
    pub(crate) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match send(self.socket(), bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => self.room().await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The same, with a descriptor that goes along with the first byte.
    pub(crate) async fn write_all_with(&self, bytes: &[u8], descriptor: &OwnedFd) -> io::Result<()> {
        let descriptors = [descriptor.as_fd()];
        let sent = loop {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut along = SendAncillaryBuffer::new(&mut space);
            along.push(SendAncillaryMessage::ScmRights(&descriptors));
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            match sendmsg(self.socket(), &[IoSlice::new(bytes)], &mut along, flags) {
                Ok(sent) => break sent,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => self.room().await?,
                Err(error) => return Err(error.into()),
            }
        };
        self.write_all(bytes.get(sent..).unwrap_or_default()).await
    }

    /// Waits until the peer has read something.
    async fn room(&self) -> io::Result<()> {
        let room = register(self.socket().try_clone()?, Interest::WRITABLE)?;
        drop(room.writable().await?);
        Ok(())
    }
}

#[expect(unsafe_code, reason = "tokio wants a promise about the descriptor")]
fn register(socket: UnixStream, interest: Interest) -> io::Result<AsyncFd<UnixStream>> {
    // SAFETY: a `UnixStream` owns its descriptor and keeps it open, and `Stream` never replaces it.
    Ok(unsafe { AsyncFd::register_with_interest(socket, interest) }?)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[tokio::test]
    async fn much_is_written_as_it_is_read() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let stream = Stream::new(ours).unwrap();
        let sent: Vec<u8> = (0..4_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let all = sent.len();
        let reader = std::thread::spawn(move || {
            let mut got = vec![0; all];
            theirs.read_exact(&mut got).unwrap();
            theirs.write_all(b"thanks").unwrap();
            got
        });
        stream.write_all(&sent).await.unwrap();
        assert!(reader.join().unwrap() == sent);
        let mut answer = Vec::with_capacity(4);
        assert_eq!(stream.read_buf(&mut answer).await.unwrap(), 4, "no more than there is room for");
        answer.reserve(64);
        assert_eq!(stream.read_buf(&mut answer).await.unwrap(), 2);
        assert_eq!(answer, b"thanks");
        assert_eq!(stream.read_buf(&mut answer).await.unwrap(), 0, "the end");
        assert!(stream.write_all(b"x").await.is_err());
    }
}
