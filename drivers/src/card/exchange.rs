//! One command and its whole answer over a line.

use zeroize::Zeroizing;

use super::apdu::{Answer, Command};
use super::transport::Line;

/// Longest answer that is believed, in bytes: a certificate of the longest kind with room to spare.
const MAX_ANSWER: usize = 24 * 1024;

/// Pieces that one answer may have: more than the longest answer in pieces of 100 bytes.
const MAX_PIECES: usize = 256;

/// Longest command that goes in one extended APDU; a YubiKey's buffer holds 3 KiB.
const MAX_EXTENDED: usize = 2000;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The line.
    Line(pcsc::Error),
    /// Not an answer, or one without end.
    Answer,
    /// The time for the operation is up; nothing was sent.
    Late,
}

impl From<pcsc::Error> for Broken {
    fn from(error: pcsc::Error) -> Self {
        Self::Line(error)
    }
}

/// Sends a command in as many pieces as it needs and fetches the answer in as many as it has.
/// `extended`: whether the card takes extended APDUs; switched off when it turns out that it does not.
pub(crate) fn exchange(line: &mut dyn Line, command: &Command, extended: &mut bool) -> Result<Answer, Broken> {
    if *extended
        && command.is_long()
        && command.data.len() <= MAX_EXTENDED
        && let Some(apdu) = command.extended()
    {
        let answer = whole(line, &apdu, command.rest)?;
        // 6700 and 6E00: not understood, so nothing was done.
        if !matches!(answer.status, 0x6700 | 0x6E00) {
            return Ok(answer);
        }
        *extended = false;
    }
    let mut pieces = command.short(line.is_t0());
    let last = pieces.pop().ok_or(Broken::Answer)?;
    for piece in &pieces {
        let answer = whole(line, piece, command.rest)?;
        if answer.status != Answer::OK {
            return Ok(answer);
        }
    }
    whole(line, &last, command.rest)
}

fn whole(line: &mut dyn Line, apdu: &[u8], rest: u8) -> Result<Answer, Broken> {
    let mut data = Zeroizing::new(Vec::new());
    let mut answer = line.transmit(apdu)?;
    for _ in 0..MAX_PIECES {
        let length = answer.len().checked_sub(2).ok_or(Broken::Answer)?;
        let (piece, status) = answer.split_at_checked(length).ok_or(Broken::Answer)?;
        let &[sw1, sw2] = status else { return Err(Broken::Answer) };
        if data.len() + piece.len() > MAX_ANSWER {
            return Err(Broken::Answer);
        }
        data.extend_from_slice(piece);
        answer = match (sw1, apdu) {
            // More is there; for T=0, all of it.
            (0x61, _) => line.transmit(&[0, rest, 0, 0, sw2])?,
            // The right Le: of the last piece, or of a command that was not carried out yet.
            (0x6C, _) if !data.is_empty() => line.transmit(&[0, rest, 0, 0, sw2])?,
            (0x6C, [class, ins, p1, p2, _]) => line.transmit(&[*class, *ins, *p1, *p2, sw2])?,
            _ => return Ok(Answer { data, status: u16::from_be_bytes([sw1, sw2]) }),
        };
    }
    Err(Broken::Answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with these, one after the other, and then with the last for ever.
    struct Script(Vec<Vec<u8>>, Vec<Vec<u8>>);

    impl Line for Script {
        fn is_t0(&self) -> bool {
            true
        }

        fn transmit(&mut self, apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, pcsc::Error> {
            self.1.push(apdu.to_vec());
            let answer = if self.0.len() > 1 { self.0.remove(0) } else { self.0[0].clone() };
            Ok(Zeroizing::new(answer))
        }
    }

    fn ask(line: &mut Script) -> Option<(Vec<u8>, u16)> {
        let answer = exchange(line, &Command::new(0xCB, 0x3F, 0xFF), &mut false);
        answer.ok().map(|a| (a.data.to_vec(), a.status))
    }

    fn script(answers: &[&[u8]]) -> Script {
        Script(answers.iter().map(|a| a.to_vec()).collect(), Vec::new())
    }

    #[test]
    fn pieces_and_lengths_are_followed() {
        let mut line = script(&[&[0x6C, 3], &[1, 2, 3, 0x61, 2], &[0x6C, 1], &[4, 0x90, 0]]);
        assert_eq!(ask(&mut line), Some((vec![1, 2, 3, 4], 0x9000)));
        let sent = line.1;
        assert_eq!(sent[1], [0, 0xCB, 0x3F, 0xFF, 3]);
        assert_eq!(sent[2..], [[0, 0xC0, 0, 0, 2], [0, 0xC0, 0, 0, 1]]);
    }

    #[test]
    fn a_card_that_never_ends_is_given_up() {
        for endless in [&[0x61, 0][..], &[0x6C, 1], &[7; 300], &[], &[0x90]] {
            let mut endless = endless.to_vec();
            if endless.len() == 300 {
                endless[298] = 0x61;
            }
            assert_eq!(ask(&mut script(&[&endless])), None, "{endless:02x?}");
        }
    }
}
