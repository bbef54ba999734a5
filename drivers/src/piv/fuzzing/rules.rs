//! What every session with a card keeps to: an end, and what its commands may be.

use ::token::Fault;

use super::FuzzedCard;

/// Most commands of one operation: a reading of 24 slots, each with key and certificate, made twice, and what comes
/// before it and after it. Pieces of a long command count as commands.
const MAX_COMMANDS: usize = 200;

/// Most times that one answer is asked on for.
const MAX_MORE: usize = 256;

/// Most connections of one operation.
const MAX_LINES: usize = 3;

/// Longest text of a fault, in bytes.
const MAX_TEXT: usize = 300;

/// One operation as the line saw it.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    lines: usize,
    more: usize,
    /// With the card that each went to.
    commands: Vec<(&'static str, Vec<u8>)>,
}

impl Seen {
    pub(super) fn line(&mut self) {
        self.lines += 1;
        assert!(self.lines <= MAX_LINES, "an operation connects without end");
    }

    /// `before`: the answer to the one before it.
    pub(super) fn command(&mut self, card: &'static str, apdu: &[u8], before: &[u8]) {
        let told_length = matches!(before, [.., 0x6C, _]);
        let again = self.commands.last().is_some_and(|(_, last)| apdu.len() == 5 && last.get(..4) == apdu.get(..4));
        // GET RESPONSE, and SEND REMAINING of YKOATH.
        if matches!(apdu, [0, 0xC0 | 0xA5, ..]) || told_length && again {
            self.more += 1;
            assert!(self.more <= MAX_MORE, "an answer without end is not given up");
            return;
        }
        assert!(matches!(apdu, [0x00 | 0x10, _, _, _, ..]), "not an APDU of this interface");
        self.more = 0;
        self.commands.push((card, apdu.to_vec()));
        assert!(self.commands.len() <= MAX_COMMANDS, "an operation without end");
    }

    /// How many commands have an instruction and a length that make this true. Of a chain, the last piece counts.
    pub(crate) fn count(&self, is_meant: impl Fn(u8, usize) -> bool) -> usize {
        self.receivers(is_meant).count()
    }

    /// The cards that such commands went to.
    fn receivers(&self, is_meant: impl Fn(u8, usize) -> bool) -> impl Iterator<Item = &'static str> {
        let meant = move |apdu: &[u8]| matches!(apdu, [0, ins, ..] if is_meant(*ins, apdu.len()));
        self.commands.iter().filter(move |(_, apdu)| meant(apdu)).map(|(card, _)| *card)
    }

    /// A secret goes out in commands of these instructions only.
    pub(crate) fn keeps(&self, secret: &[u8], instructions: &[u8]) {
        let others = self.commands.iter().filter(|(_, apdu)| apdu.get(1).is_none_or(|ins| !instructions.contains(ins)));
        for (_, apdu) in others {
            assert!(!apdu.windows(secret.len()).any(|part| part == secret), "a secret in another command");
        }
    }
}

/// The token that is known.
#[derive(Debug, Default)]
pub(crate) struct Same(Option<&'static str>);

impl Same {
    /// After an operation: what `is_entry` (a PIN, the proof of a code) went to the card that was known before. As long
    /// as no answer was forged, that is; then a card may pass for any.
    pub(crate) fn holds(
        &mut self,
        card: &FuzzedCard,
        seen: &Seen,
        is_entry: impl Fn(u8, usize) -> bool,
        fault: Option<&Fault>,
    ) {
        let changed = fault == Some(&Fault::Changed);
        assert!(!changed || seen.count(&is_entry) == 0, "a PIN went to a card that was known to be another");
        if card.is_forged() {
            return;
        }
        if let Some(known) = self.0 {
            assert!(seen.receivers(is_entry).all(|card| card == known), "a PIN went to another card");
        } else if fault.is_none() {
            // Whatever was selected last was found to be a token.
            self.0 = seen.receivers(|ins, _| ins == 0xA4).last();
        }
    }
}

/// What a card says does not become a long text for people.
pub(crate) fn stays_short(fault: &Fault) {
    assert!(fault.to_string().len() <= MAX_TEXT, "{fault}");
}
