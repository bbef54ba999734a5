//! Reading and writing frames with a deadline, and handing a descriptor over.

use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use drivers::wire::{self, WireError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::stream::Stream;

/// Room for a usual answer, in bytes.
const READ: usize = 4096;

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The deadline passed.
    #[error("the worker did not answer in time")]
    Late,
    /// The channel failed, or what came is not of the protocol.
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// Waits until one of `fds` can be read or is closed; `false` when the time ran out first.
pub(super) fn wait(fds: &[BorrowedFd<'_>], limit: Option<Duration>) -> io::Result<bool> {
    let end = limit.map(|limit| Instant::now() + limit);
    loop {
        let mut polled: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
        let left = end.map(|end| {
            let left = end.saturating_duration_since(Instant::now());
            Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            }
        });
        match poll(&mut polled, left.as_ref()) {
            Ok(ready) => return Ok(ready > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether something can be read now.
pub(super) fn readable(fd: BorrowedFd<'_>) -> bool {
    wait(&[fd], Some(Duration::ZERO)).unwrap_or(true)
}

/// What has come on a token's channel and was not taken yet.
#[derive(Debug, Default)]
pub(super) struct Incoming(Vec<u8>);

impl Incoming {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next frame. Cancel-safe. Usually one read.
    pub(super) async fn next<T: DeserializeOwned>(&mut self, from: &Stream) -> Result<T, WireError> {
        loop {
            if let Some(header) = self.0.first_chunk::<4>() {
                let end = 4 + wire::body_length(*header, wire::MAX_UP)?;
                if let Some(body) = self.0.get(4..end) {
                    let message = wire::decode(body)?;
                    self.0.drain(..end);
                    return Ok(message);
                }
            }
            self.0.reserve(READ);
            if from.read_buf(&mut self.0).await? == 0 {
                return Err(WireError::Closed);
            }
        }
    }
}

/// Reads one frame by `end` and nothing after it: for a channel on which the other end also speaks
/// unasked.
pub(super) fn receive_one_by<T: DeserializeOwned>(mut channel: &UnixStream, end: Instant) -> Result<T, Broken> {
    let mut exact = |buffer: &mut [u8]| -> Result<(), Broken> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let left = end.saturating_duration_since(Instant::now());
            if !wait(&[channel.as_fd()], Some(left)).map_err(WireError::from)? {
                return Err(Broken::Late);
            }
            match channel.read(rest) {
                Ok(0) => return Err(WireError::Closed.into()),
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(WireError::from(error).into()),
            }
        }
        Ok(())
    };
    let mut header = [0; 4];
    exact(&mut header)?;
    let mut body = vec![0; wire::body_length(header, wire::MAX_UP)?];
    exact(&mut body)?;
    Ok(wire::decode(&body)?)
}

/// Writes a frame and hands a descriptor over with its first byte.
pub(super) fn send_with<T: Serialize>(
    channel: &UnixStream,
    message: &T,
    descriptor: BorrowedFd<'_>,
) -> Result<(), WireError> {
    let frame = wire::frame(message, wire::MAX_DOWN)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor];
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(WireError::Malformed);
    }
    let sent = sendmsg(channel, &[IoSlice::new(&frame)], &mut control, SendFlags::NOSIGNAL).map_err(io::Error::from)?;
    io::Write::write_all(&mut &*channel, frame.get(sent..).unwrap_or_default())?;
    Ok(())
}

/// Reads a frame and the descriptor that came with it. Blocks for as long as it takes.
pub(super) fn receive_with<T: DeserializeOwned>(channel: &UnixStream) -> Result<(T, Option<OwnedFd>), WireError> {
    let mut header = [0; 4];
    let mut filled = 0;
    let mut descriptor = None;
    while let Some(rest) = header.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = recvmsg(channel, &mut [IoSliceMut::new(rest)], &mut control, RecvFlags::CMSG_CLOEXEC);
        match received {
            Ok(message) if message.bytes == 0 => return Err(WireError::Closed),
            Ok(message) => filled += message.bytes,
            Err(Errno::INTR) => continue,
            Err(error) => return Err(io::Error::from(error).into()),
        }
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                descriptor = descriptors.last().or(descriptor);
            }
        }
    }
    let mut body = vec![0; wire::body_length(header, wire::MAX_DOWN)?];
    (&mut &*channel).read_exact(&mut body)?;
    Ok((wire::decode(&body)?, descriptor))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use drivers::wire::{FromWorker, Reply, ToWorker};

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(200)
    }

    #[test]
    fn a_descriptor_comes_with_its_frame() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (inner, other) = UnixStream::pair().unwrap();
        wire::send(&ours, &ToWorker::List, wire::MAX_DOWN).unwrap();
        send_with(&ours, &ToWorker::Serve { slot: 7 }, inner.as_fd()).unwrap();
        drop(inner);
        assert!(matches!(receive_with(&theirs).unwrap(), (ToWorker::List, None)));
        let (message, descriptor) = receive_with::<ToWorker>(&theirs).unwrap();
        assert_eq!(message, ToWorker::Serve { slot: 7 });
        let mut inner = UnixStream::from(descriptor.unwrap());
        inner.write_all(b"x").unwrap();
        let mut byte = [0];
        (&other).read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
    }

    #[tokio::test]
    async fn a_silent_slow_or_lying_end_is_told_apart() {
        async fn next(incoming: &mut Incoming, from: &Stream) -> Option<Result<Reply, WireError>> {
            tokio::time::timeout(Duration::from_millis(100), incoming.next(from)).await.ok()
        }
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (ours, theirs) = (Stream::new(ours).unwrap(), Stream::new(theirs).unwrap());
        let mut incoming = Incoming::default();
        assert!(next(&mut incoming, &ours).await.is_none());
        let frames =
            [wire::frame(&Reply::Done, 9).unwrap(), wire::frame(&Reply::Signature(vec![7]), 9).unwrap()].concat();
        let (some, rest) = frames.split_at(3);
        theirs.write_all(some).await.unwrap();
        assert!(next(&mut incoming, &ours).await.is_none(), "a part of a frame is kept");
        theirs.write_all(rest).await.unwrap();
        assert!(matches!(next(&mut incoming, &ours).await, Some(Ok(Reply::Done))));
        assert!(matches!(next(&mut incoming, &ours).await, Some(Ok(Reply::Signature(_)))));
        assert!(incoming.is_empty());
        theirs.write_all(&u32::MAX.to_le_bytes()).await.unwrap();
        assert!(matches!(next(&mut incoming, &ours).await, Some(Err(WireError::Length(_)))));
        drop(theirs);
        let closed = next(&mut Incoming::default(), &ours).await;
        assert!(matches!(closed, Some(Err(WireError::Closed))), "{closed:?}");
    }

    #[test]
    fn unasked_frames_are_read_one_by_one() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        for slot in [1, 2] {
            wire::send(&theirs, &FromWorker::Happened { slot }, 99).unwrap();
        }
        for slot in [1, 2] {
            assert_eq!(receive_one_by::<FromWorker>(&ours, soon()).unwrap(), FromWorker::Happened { slot });
        }
    }
}
