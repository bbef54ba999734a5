//! One command and its answer, in frames of feature reports.

use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::line::{ABORT, Broken, DATA, Line, REPORT, Report, Status, WRITE};

/// Bytes of a command's payload.
pub(super) const PAYLOAD: usize = 64;

/// Payload, command, checksum and three bytes that fill the tenth report.
const FRAME: usize = PAYLOAD + 6;

/// What the checksum of data is, when their inverted checksum stands behind them.
const RESIDUAL: u16 = 0xF0B8;

/// How long another program is waited for that is at it.
const OTHERS: Duration = Duration::from_secs(1);

/// Between two looks at a token that is at work: an HMAC takes it some ten milliseconds.
const AT_WORK: Duration = Duration::from_millis(10);

/// Between two looks at a token that waits for a finger.
const AT_TOUCH: Duration = Duration::from_millis(100);

/// Seconds that a token may have had left when it gave up waiting by itself.
const RUN_OUT: u8 = 2;

/// After so long a wait it was the token that gave up, whatever it said it had left.
const PATIENT: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The line.
    Broken(Broken),
    /// The answer's checksum is wrong, or it has no end.
    Garbled,
    /// The time for the operation is up.
    Late,
    /// Another program speaks with the token, or has cut in.
    Others,
    /// The token does not do this.
    Refused,
    /// Nobody touched it.
    Untouched,
}

impl From<Broken> for Trouble {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Answer {
    /// All bytes of the answer, checksum and filling with them.
    Bytes(Zeroizing<Vec<u8>>),
    /// It waits for a touch, and was told not to.
    Touch,
}

/// What to do when the token wants a touch.
pub(super) enum Touch<'a> {
    /// Break it off: it was only asked whether it would.
    Ask,
    /// Say so, once, and wait.
    Wait(&'a mut dyn FnMut()),
}

/// The checksum of ISO/IEC 13239: CRC-16 with the reflected polynomial 8408, begun with FFFF.
pub(super) fn crc(data: &[u8]) -> u16 {
    data.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
    })
}

/// The first bytes of an answer, if the checksum behind them is right.
pub(super) fn checked(answer: &[u8], length: usize) -> Result<&[u8], Trouble> {
    let sealed = answer.get(..length.saturating_add(2)).ok_or(Trouble::Garbled)?;
    if crc(sealed) != RESIDUAL {
        return Err(Trouble::Garbled);
    }
    sealed.get(..length).ok_or(Trouble::Garbled)
}

/// Waits until the token is at rest, if another program is at it. What that one left lying is cleared away, but a touch
/// that it waits for is not taken from it.
pub(super) fn at_rest(line: &mut dyn Line) -> Result<Status, Trouble> {
    let mut waited = Duration::ZERO;
    let mut abandoned = None;
    loop {
        let report = Report::parse(line.read()?);
        match report {
            Report::Status(status) => return Ok(status),
            // An answer that nobody has fetched the next part of for so long is nobody's.
            Report::Answer(..) if waited >= OTHERS && abandoned.is_none() => {
                line.write(&ABORT)?;
                abandoned = Some(waited);
            }
            _ if waited >= OTHERS * 2 || waited >= OTHERS && !matches!(report, Report::Answer(..)) => {
                return Err(Trouble::Others);
            }
            _ => {}
        }
        line.pause(AT_WORK);
        waited += AT_WORK;
    }
}

/// Sends a command and fetches its answer. What is under way when this fails is broken off.
pub(super) fn exchange(
    line: &mut dyn Line,
    command: u8,
    payload: &[u8; PAYLOAD],
    until: Instant,
    touch: Touch<'_>,
) -> Result<Answer, Trouble> {
    at_rest(line)?;
    send(line, command, payload)?;
    let answer = fetch(line, until, touch);
    // The token goes on showing an answer until it is told that it was read. Where another program has cut in, what is
    // under way is that one's.
    if !matches!(answer, Err(Trouble::Broken(_) | Trouble::Others | Trouble::Refused | Trouble::Untouched)) {
        line.write(&ABORT)?;
    }
    answer
}

fn send(line: &mut dyn Line, command: u8, payload: &[u8; PAYLOAD]) -> Result<(), Trouble> {
    let [low, high] = crc(payload).to_le_bytes();
    let mut frame = Zeroizing::new(payload.to_vec());
    frame.extend([command, low, high, 0, 0, 0]);
    for (place, part) in (0_u8..).zip(frame.chunks(DATA)) {
        // Parts that are all zero are left out, but for the first and the last.
        let outer = place == 0 || usize::from(place) == FRAME / DATA - 1;
        if outer || part.iter().any(|byte| *byte != 0) {
            let mut report = Zeroizing::new([0; REPORT]);
            report.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            if let Some(flags) = report.last_mut() {
                *flags = WRITE | place;
            }
            ready(line)?;
            line.write(&report)?;
        }
    }
    Ok(())
}

/// Waits until the token has taken the last report.
fn ready(line: &mut dyn Line) -> Result<(), Trouble> {
    let mut waited = Duration::ZERO;
    while waited < OTHERS {
        match Report::parse(line.read()?) {
            Report::Busy => {}
            Report::Status(_) => return Ok(()),
            Report::Answer(..) | Report::Touch(_) => return Err(Trouble::Others),
        }
        line.pause(AT_WORK);
        waited += AT_WORK;
    }
    Err(Trouble::Others)
}

fn fetch(line: &mut dyn Line, until: Instant, mut touch: Touch<'_>) -> Result<Answer, Trouble> {
    let mut answer = Zeroizing::new(Vec::new());
    let mut next = 0;
    let mut waits: Option<(u8, Duration)> = None;
    loop {
        match Report::parse(line.read()?) {
            Report::Answer(place, part) if place == next => {
                answer.extend_from_slice(&part);
                next += 1;
                continue;
            }
            Report::Answer(0, _) => return Ok(Answer::Bytes(answer)),
            Report::Answer(..) => return Err(Trouble::Others),
            Report::Status(_) if next > 0 => return Err(Trouble::Others),
            Report::Status(_) => {
                return Err(match waits {
                    None => Trouble::Refused,
                    // It would have waited longer.
                    Some((left, waited)) if left > RUN_OUT && waited < PATIENT => Trouble::Others,
                    Some(_) => Trouble::Untouched,
                });
            }
            Report::Touch(left) => {
                match &mut touch {
                    Touch::Ask => return Ok(Answer::Touch),
                    Touch::Wait(notice) if waits.is_none() => notice(),
                    Touch::Wait(_) => {}
                }
                line.pause(AT_TOUCH);
                waits = Some((left, waits.map_or(Duration::ZERO, |(_, waited)| waited) + AT_TOUCH));
            }
            Report::Busy => line.pause(AT_WORK),
        }
        if Instant::now() >= until {
            return Err(Trouble::Late);
        }
    }
}
