//! One connection: calls are served in the order they come, and end with it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::call::{Answer, Call, Failure};
use super::frame::{End, Reader, write};
use super::methods;
use crate::front::Caller;
use crate::service::{Error, Service};
use crate::stream::Stream;

/// A peer that does not read its answers for so long is not waited for.
const SLOW_READER: Duration = Duration::from_secs(10);

/// Answers that may wait to be written while a call still runs.
const UNWRITTEN: usize = 8;

pub(super) struct Connection {
    reader: Reader,
    stream: Arc<Stream>,
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        let stream = Arc::new(stream);
        Self { reader: Reader::new(stream.clone()), stream }
    }

    /// Serves calls until the peer leaves, breaks the protocol, or the daemon ends.
    pub(super) async fn serve(&mut self, service: &Service, caller: &Caller, shutdown: &CancellationToken) {
        loop {
            let message = tokio::select! {
                () = shutdown.cancelled() => return,
                message = self.reader.message() => message,
            };
            let alive = match message.map(|m| Call::parse(&m)) {
                Ok(Some(call)) => self.answer(call, service, caller, shutdown).await,
                Ok(None) | Err(End::TooLong) => {
                    // Where a message begins is not known any more.
                    self.write(&Answer::failure(&Failure::InvalidParameter("message".to_owned()))).await;
                    false
                }
                Err(End::Closed) => false,
                Err(End::Failed(error)) => {
                    tracing::debug!(%error, "a socket connection failed");
                    false
                }
            };
            if !alive {
                return;
            }
        }
    }

    /// Answers the first call with this error.
    pub(super) async fn refuse(&mut self, error: &Error) {
        self.write(&Answer::failure(&Failure::Service(error.clone()))).await;
    }

    /// Serves one call; says whether the connection goes on. A peer that leaves cancels its call.
    async fn answer(&mut self, call: Call, service: &Service, caller: &Caller, shutdown: &CancellationToken) -> bool {
        let oneway = call.oneway;
        let (more, mut unwritten) = mpsc::channel(UNWRITTEN);
        let work = methods::serve(call, service, caller, more);
        tokio::pin!(work);
        let last = loop {
            tokio::select! {
                biased;
                Some(answer) = unwritten.recv() => {
                    if !oneway && !self.write(&answer).await {
                        return false;
                    }
                }
                last = &mut work => break last,
                end = self.reader.end() => {
                    tracing::debug!(%end, "a socket caller left before its answer");
                    return false;
                }
                () = shutdown.cancelled() => break Err(Failure::Service(Error::Cancelled)),
            }
        };
        let answer = match last {
            Ok(yielded) => Answer::last(yielded),
            Err(failure) => Answer::failure(&failure),
        };
        oneway || self.write(&answer).await
    }

    async fn write(&mut self, answer: &Answer) -> bool {
        let sent =
            tokio::time::timeout(SLOW_READER, write(&self.stream, answer.to_bytes(), answer.descriptor.as_ref())).await;
        matches!(sent, Ok(Ok(())))
    }
}
