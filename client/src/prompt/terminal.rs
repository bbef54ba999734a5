//! Questions on the controlling terminal.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use token::Secret;
use token::secret::MAX_SECRET;
use tokio::io::unix::AsyncFd;
use zeroize::Zeroizing;

use super::{Dialogue, PromptError};
use crate::Texts;

/// How often a new secret may be entered in two different ways.
const REPEATS: usize = 3;

/// `_POSIX_VDISABLE` on Linux: no character does this.
const DISABLED: u8 = 0;

/// The terminal, opened anew: what is set on this descriptor's file does not reach the shell's.
#[derive(Debug)]
pub struct Terminal {
    fd: AsyncFd<OwnedFd>,
}

/// Echo is off as long as this lives.
struct Hidden<'a> {
    fd: &'a OwnedFd,
    before: Termios,
}

impl Terminal {
    /// Opens `/dev/tty`.
    ///
    /// # Errors
    /// [`PromptError::NoPrompt`] when the process has none.
    pub fn open() -> Result<Self, PromptError> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::open("/dev/tty", flags, Mode::empty()).map_err(|_| PromptError::NoPrompt)?;
        Self::register(fd)
    }

    #[expect(unsafe_code, reason = "the runtime wants a promise that its safe constructor could not check")]
    fn register(fd: OwnedFd) -> Result<Self, PromptError> {
        // SAFETY: an `OwnedFd` is open until it is dropped, and always gives the same descriptor; this one is
        // owned by the `AsyncFd` alone.
        let registered = unsafe { AsyncFd::register(fd) };
        Ok(Self { fd: registered.map_err(|error| PromptError::Terminal(error.into()))? })
    }

    /// Asks for a secret without echo, twice where it is a new one.
    ///
    /// # Errors
    /// [`PromptError::Cancelled`] at the end of input.
    pub async fn secret(&self, texts: &Texts, dialogue: &Dialogue) -> Result<Secret, PromptError> {
        self.write(&dialogue.as_lines()).await?;
        let Some(repeat) = &dialogue.repeat else { return self.hidden().await };
        for _ in 0..REPEATS {
            let first = self.hidden().await?;
            self.write(&format!("{repeat} ")).await?;
            if first.expose() == self.hidden().await?.expose() {
                return Ok(first);
            }
            self.write(&format!("{}\n{} ", texts.text("prompt-differs"), dialogue.prompt)).await?;
        }
        Err(PromptError::Cancelled)
    }

    /// Asks yes or no; anything but a clear yes is no.
    ///
    /// # Errors
    /// [`PromptError::Cancelled`] at the end of input.
    pub async fn confirm(&self, texts: &Texts, dialogue: &Dialogue) -> Result<bool, PromptError> {
        let question = texts.with("terminal-confirm", &[("ok", &dialogue.ok), ("cancel", &dialogue.cancel)]);
        let answer = self.line(&format!("{}{question} ", dialogue.as_lines())).await?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "はい" | "許可"))
    }

    /// Asks for a line that may be seen.
    ///
    /// # Errors
    /// [`PromptError::Cancelled`] at the end of input.
    pub async fn line(&self, question: &str) -> Result<String, PromptError> {
        self.write(question).await?;
        let line = self.read().await?;
        line.expose_str().map(str::to_owned).ok_or(PromptError::Cancelled)
    }

    /// Writes text.
    ///
    /// # Errors
    /// [`PromptError::Terminal`].
    pub async fn write(&self, text: &str) -> Result<(), PromptError> {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let mut ready = self.fd.writable().await.map_err(PromptError::Terminal)?;
            match ready.try_io(|fd| Ok(rustix::io::write(fd.get_ref(), rest)?)) {
                Ok(Ok(written)) => rest = rest.get(written..).unwrap_or_default(),
                Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Err(PromptError::Terminal(error)),
                Err(_would_block) => {}
            }
        }
        Ok(())
    }

    async fn hidden(&self) -> Result<Secret, PromptError> {
        let hidden = Hidden::new(self.fd.get_ref()).map_err(PromptError::Terminal)?;
        let entry = self.read().await;
        drop(hidden);
        // The newline that the person typed was not echoed.
        self.write("\n").await?;
        entry
    }

    /// One line of the terminal's line discipline, which hands over whole lines.
    async fn read(&self) -> Result<Secret, PromptError> {
        // One more than is allowed, and the newline.
        let mut buffer = Zeroizing::new([0u8; MAX_SECRET + 2]);
        loop {
            let mut ready = self.fd.readable().await.map_err(PromptError::Terminal)?;
            match ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut *buffer)?)) {
                Ok(Ok(0)) => return Err(PromptError::Cancelled),
                Ok(Ok(read)) => {
                    let line = buffer.get(..read).unwrap_or_default();
                    return match line.strip_suffix(b"\n") {
                        Some(entry) => Ok(Secret::new(entry.to_vec())),
                        None => Err(PromptError::TooLong),
                    };
                }
                Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Err(PromptError::Terminal(error)),
                Err(_would_block) => {}
            }
        }
    }
}

impl<'a> Hidden<'a> {
    fn new(fd: &'a OwnedFd) -> io::Result<Self> {
        let before = tcgetattr(fd.as_fd())?;
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
        quiet.local_modes |= LocalModes::ICANON | LocalModes::ISIG;
        // A process that is stopped here would leave the echo off behind it.
        quiet.special_codes[SpecialCodeIndex::VSUSP] = DISABLED;
        // What was typed before the question is not the answer to it.
        tcsetattr(fd.as_fd(), OptionalActions::Flush, &quiet)?;
        Ok(Self { fd, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // Flushed too: the rest of a half-typed secret must not become the shell's next command.
        let _ = tcsetattr(self.fd.as_fd(), OptionalActions::Flush, &self.before);
    }
}
