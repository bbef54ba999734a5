//! A client of the Assuan protocol, as much of it as pinentry speaks
//! (libassuan manual, "Client requests", "Server responses").
//!
//! The `pinentry` crate was looked at first: it leaves out the title and the error text of
//! confirmations, and its child process cannot be ended while a question stands. Here the process
//! is killed when the connection is dropped, and what is read goes only through wiped buffers.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use token::Secret;
use token::secret::MAX_SECRET;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use zeroize::Zeroizing;

/// Longest line of the protocol, its end included.
pub(super) const LINE: usize = 1002;

/// Longest answer in data lines: a percent escape is three characters a byte.
const DATA: usize = 3 * MAX_SECRET;

const CANCELED: u32 = 99;
const NOT_CONFIRMED: u32 = 114;
const TIMEOUT: u32 = 62;
const FULLY_CANCELED: u32 = 198;

/// Why a dialogue with pinentry failed.
#[derive(Debug, thiserror::Error)]
pub enum AssuanError {
    /// It ended in the middle.
    #[error("it ended without an answer")]
    Ended,
    /// Reading or writing failed.
    #[error("{0}")]
    Io(#[source] std::io::Error),
    /// It answered what the protocol does not know.
    #[error("it does not speak the Assuan protocol")]
    Protocol,
    /// It answered with an error.
    #[error("{command}: error {code}")]
    Refused {
        /// The request.
        command: &'static str,
        /// The code (libgpg-error).
        code: u32,
    },
    /// It cannot be started.
    #[error("{program} cannot be started: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// The text does not fit into one line.
    #[error("the text is too long for it")]
    TooLong,
}

/// How a request ended.
pub(super) enum Answer {
    /// With this data, empty when there was none; `repeated` says that pinentry asked twice itself.
    Done { data: Secret, repeated: bool },
    /// The person cancelled, or the time ran out.
    Cancelled,
    /// The person pressed the button that refuses.
    NotConfirmed,
    /// Pinentry does not do it.
    Unable(u32),
}

/// A running pinentry.
pub(super) struct Assuan {
    // Killed when dropped.
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    buffer: Zeroizing<Vec<u8>>,
}

impl Assuan {
    /// Starts the program and reads its greeting.
    pub(super) async fn start(program: &Path) -> Result<Self, AssuanError> {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| AssuanError::Start { program: program.display().to_string(), source })?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(AssuanError::Ended);
        };
        // Room for all that is ever held at once: growing would leave an unwiped copy behind.
        let buffer = Zeroizing::new(Vec::with_capacity(2 * LINE));
        let mut assuan = Self { child, input, output, buffer };
        match assuan.answer("greeting").await? {
            Answer::Done { .. } => Ok(assuan),
            _ => Err(AssuanError::Protocol),
        }
    }

    /// Sends a request and reads its answer.
    pub(super) async fn request(&mut self, command: &'static str, text: &str) -> Result<Answer, AssuanError> {
        let mut line = command.to_owned();
        if !text.is_empty() {
            line.push(' ');
            line.push_str(&escape(text));
        }
        line.push('\n');
        if line.len() > LINE {
            return Err(AssuanError::TooLong);
        }
        self.input.write_all(line.as_bytes()).await.map_err(AssuanError::Io)?;
        self.answer(command).await
    }

    /// A request that must be done for the dialogue to make sense.
    pub(super) async fn set(&mut self, command: &'static str, text: &str) -> Result<(), AssuanError> {
        match self.request(command, text).await? {
            Answer::Done { .. } => Ok(()),
            Answer::Unable(code) => Err(AssuanError::Refused { command, code }),
            Answer::Cancelled | Answer::NotConfirmed => Err(AssuanError::Protocol),
        }
    }

    /// Lets it end by itself, so that it can tidy its screen; not for longer than a person notices.
    pub(super) async fn bye(mut self) {
        drop(self.input);
        let _ = tokio::time::timeout(Duration::from_secs(1), self.child.wait()).await;
    }

    async fn answer(&mut self, command: &'static str) -> Result<Answer, AssuanError> {
        let mut data = Zeroizing::new(Vec::with_capacity(DATA));
        let mut repeated = false;
        loop {
            let line = self.line().await?;
            let (word, rest) = split(&line);
            match word {
                b"OK" => return Ok(Answer::Done { data: Secret::new(std::mem::take(&mut *data)), repeated }),
                b"D" => {
                    if data.len() + rest.len() > DATA {
                        return Err(AssuanError::TooLong);
                    }
                    unescape(rest, &mut data);
                }
                b"S" => repeated |= rest.starts_with(b"PIN_REPEATED"),
                b"#" => {}
                b"INQUIRE" => self.input.write_all(b"CAN\n").await.map_err(AssuanError::Io)?,
                b"ERR" => {
                    let number = std::str::from_utf8(split(rest).0).ok().and_then(|n| n.parse::<u32>().ok());
                    // The upper half of the number says only which library it comes from.
                    return Ok(match number.map(|n| n & 0xffff) {
                        Some(CANCELED | FULLY_CANCELED | TIMEOUT) => Answer::Cancelled,
                        Some(NOT_CONFIRMED) => Answer::NotConfirmed,
                        Some(code) => Answer::Unable(code),
                        None => return Err(AssuanError::Protocol),
                    });
                }
                _ if word.starts_with(b"#") => {}
                _ if command == "greeting" => return Err(AssuanError::Protocol),
                _ => return Err(AssuanError::Protocol),
            }
        }
    }

    async fn line(&mut self) -> Result<Zeroizing<Vec<u8>>, AssuanError> {
        loop {
            if let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
                let line = Zeroizing::new(self.buffer.iter().take(end).copied().collect());
                let rest = self.buffer.len() - end - 1;
                self.buffer.copy_within(end + 1.., 0);
                // Wipes what lies behind, then forgets it.
                self.buffer.iter_mut().skip(rest).for_each(|b| *b = 0);
                self.buffer.truncate(rest);
                return Ok(line);
            }
            if self.buffer.len() > LINE {
                return Err(AssuanError::Protocol);
            }
            let mut chunk = Zeroizing::new([0u8; LINE / 2]);
            let read = self.output.read(&mut *chunk).await.map_err(AssuanError::Io)?;
            if read == 0 {
                return Err(AssuanError::Ended);
            }
            self.buffer.extend(chunk.iter().take(read));
        }
    }
}

fn split(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|b| *b == b' ') {
        Some(at) => (line.get(..at).unwrap_or_default(), line.get(at + 1..).unwrap_or_default()),
        None => (line, &[]),
    }
}

/// The text as it stands in a request line.
pub(super) fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\n', "%0A").replace('\r', "%0D")
}

fn unescape(data: &[u8], into: &mut Vec<u8>) {
    let mut bytes = data.iter();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digit = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        match (*byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                into.push(high << 4 | low);
                bytes = ahead;
            }
            _ => into.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_are_undone() {
        let mut out = Vec::new();
        unescape(b"50%25%0a%zz%4", &mut out);
        assert_eq!(out, b"50%\n%zz%4");
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_back(text in ".{0,60}") {
            let mut out = Vec::new();
            unescape(escape(&text).as_bytes(), &mut out);
            prop_assert_eq!(out, text.as_bytes());
            prop_assert!(!escape(&text).contains('\n'));
        }
    }
}
