//! Where the operator's secrets come from: the terminal without echo, or named lines on standard
//! input. Never an argument, never the environment.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;

use anyhow::{Context, bail};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use token::Secret;
use token::secret::MAX_SECRET;
use zeroize::{Zeroize, Zeroizing};

/// Longest standard input that is read, in bytes.
const MAX_INPUT: usize = 4096;

/// Interrupt and end-of-file as a terminal without signals hands them over.
const CONTROL_C: u8 = 3;
const CONTROL_D: u8 = 4;

/// The operator's secrets.
pub(super) enum Secrets {
    /// To be asked for.
    Terminal,
    /// Read already.
    Lines(Vec<(String, Secret)>),
}

impl Secrets {
    /// They will be asked for when needed.
    pub(super) fn from_terminal() -> Self {
        Self::Terminal
    }

    /// Reads `name=value` lines.
    pub(super) fn from_stdin() -> anyhow::Result<Self> {
        // One allocation, so that no copy is left behind by a growing buffer.
        let mut input = Zeroizing::new(Vec::with_capacity(MAX_INPUT + 1));
        std::io::stdin()
            .lock()
            .take(MAX_INPUT as u64 + 1)
            .read_to_end(&mut input)
            .context("standard input cannot be read")?;
        Self::parse(&input)
    }

    fn parse(input: &[u8]) -> anyhow::Result<Self> {
        if input.len() > MAX_INPUT {
            bail!("standard input has more than {MAX_INPUT} bytes. Give only lines name=value");
        }
        let mut lines = Vec::new();
        for line in input.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let Some(at) = line.iter().position(|b| *b == b'=') else {
                bail!("a line on standard input has no `=`. Give lines name=value");
            };
            let (name, value) = line.split_at(at);
            let name = std::str::from_utf8(name).context("a name on standard input is not text")?;
            lines.push((name.to_owned(), Secret::new(value.get(1..).unwrap_or_default().to_vec())));
        }
        Ok(Self::Lines(lines))
    }

    /// The secret `name`, where there is one without asking for it.
    pub(super) fn given(&mut self, name: &str) -> Option<Secret> {
        let Self::Lines(lines) = self else { return None };
        let at = lines.iter().position(|(known, _)| known == name)?;
        Some(lines.swap_remove(at).1)
    }

    /// The secret `name`; on a terminal it is asked for by `label`, twice when it is `new`.
    pub(super) fn take(&mut self, name: &str, label: &str, new: bool) -> anyhow::Result<Secret> {
        match self {
            Self::Lines(_) => self.given(name).with_context(|| format!("standard input has no line {name}=…. Add it")),
            Self::Terminal => {
                let first = ask(label)?;
                if new && ask(&format!("{label}, again"))?.expose() != first.expose() {
                    bail!("the two entries differ. Nothing was changed; try again");
                }
                Ok(first)
            }
        }
    }
}

/// Asks on the controlling terminal without echo. Signals are off meanwhile: an interrupt must not
/// leave the terminal mute.
fn ask(label: &str) -> anyhow::Result<Secret> {
    let mut terminal = File::options()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .context("there is no terminal to ask for secrets on. Use --secrets-stdin")?;
    let before = tcgetattr(terminal.as_fd())?;
    let mut mute = before.clone();
    mute.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG | LocalModes::ICANON);
    tcsetattr(terminal.as_fd(), OptionalActions::Flush, &mute)?;
    let entry = write!(terminal, "{label}: ").map_err(Into::into).and_then(|()| read_line(&mut terminal));
    tcsetattr(terminal.as_fd(), OptionalActions::Flush, &before)?;
    writeln!(terminal)?;
    entry
}

fn read_line(terminal: &mut File) -> anyhow::Result<Secret> {
    let mut entry = Zeroizing::new(Vec::with_capacity(MAX_SECRET));
    let mut byte = [0u8];
    loop {
        if terminal.read(&mut byte)? == 0 || matches!(byte, [CONTROL_C | CONTROL_D]) {
            bail!("cancelled. Nothing was changed");
        }
        match byte {
            [b'\n' | b'\r'] => break,
            [8 | 127] => {
                entry.pop();
            }
            [other] if entry.len() < MAX_SECRET => entry.push(other),
            _ => bail!("the entry is too long. Nothing was changed"),
        }
    }
    byte.zeroize();
    Ok(Secret::new(entry.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_named_and_values_may_hold_anything_but_a_newline() {
        let mut secrets = Secrets::parse(b"user_pin=pin=42 \ncontract_pin=x\n").unwrap();
        assert_eq!(secrets.take("user_pin", "", true).unwrap().expose(), b"pin=42 ");
        assert!(secrets.take("user_pin", "", true).is_err(), "once");
        assert_eq!(secrets.take("contract_pin", "", false).unwrap().expose(), b"x");
        assert!(Secrets::parse(b"no equals sign").is_err());
        assert!(Secrets::parse(&vec![b'a'; MAX_INPUT + 1]).is_err());
    }
}
