//! The seam between what is said and what carries it, and what a report means.

use std::time::Duration;

/// Bytes of a feature report.
pub(super) const REPORT: usize = 8;

/// Bytes of a report that carry data; the last one has the flags.
pub(super) const DATA: usize = 7;

/// In the last byte of a report: it is part of a frame to the token, or the token is busy with one.
pub(super) const WRITE: u8 = 0x80;

/// In the last byte of a report from the token: it is part of an answer.
const ANSWER: u8 = 0x40;

/// In the last byte of a report from the token: it waits for a touch.
const TOUCH: u8 = 0x20;

/// In the last byte of a report: its place in the frame, or the seconds that are left.
const PLACE: u8 = 0x1F;

/// A report that breaks off whatever is under way, and does nothing where nothing is.
pub(super) const ABORT: [u8; REPORT] = [0, 0, 0, 0, 0, 0, 0, 0x8F];

/// Why a report did not come or go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// The token is not plugged in any more.
    Gone,
    /// Anything else: the step and the code.
    Line(String),
}

/// What carries feature reports.
pub(super) trait Line: Send {
    /// GET_REPORT.
    ///
    /// # Errors
    /// [`Broken`].
    fn read(&mut self) -> Result<[u8; REPORT], Broken>;

    /// SET_REPORT.
    ///
    /// # Errors
    /// [`Broken`].
    fn write(&mut self, report: &[u8; REPORT]) -> Result<(), Broken>;

    /// Lets time pass before the token is looked at again: it tells nothing unasked.
    fn pause(&mut self, time: Duration);
}

/// A report from the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    /// Part of an answer, and which.
    Answer(u8, [u8; DATA]),
    /// It is at work.
    Busy,
    /// It is at rest.
    Status(Status),
    /// It waits for a touch, so many seconds more.
    Touch(u8),
}

/// What a token at rest shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status {
    /// Firmware version.
    pub(super) firmware: [u8; 3],
    /// Counts what is programmed into the slots; nothing where nothing is.
    pub(super) programmed: u8,
    slots: u8,
}

impl Status {
    /// Whether slot 1 or 2 was programmed for anything.
    pub(super) fn is_valid(&self, slot: u8) -> bool {
        let bit = if slot == 1 { 0x01 } else { 0x02 };
        self.slots & bit != 0
    }

    /// Whether slot 1 or 2 wants a touch (from firmware 3.0 on).
    pub(super) fn wants_touch(&self, slot: u8) -> bool {
        let bit = if slot == 1 { 0x04 } else { 0x08 };
        self.slots & bit != 0
    }
}

impl Report {
    pub(super) fn parse(report: [u8; REPORT]) -> Self {
        let [a, b, c, d, e, f, g, flags] = report;
        if flags & ANSWER != 0 {
            Self::Answer(flags & PLACE, [a, b, c, d, e, f, g])
        } else if flags == 0 {
            Self::Status(Status { firmware: [b, c, d], programmed: e, slots: f })
        } else if flags & TOUCH != 0 {
            Self::Touch(flags & PLACE)
        } else {
            Self::Busy
        }
    }
}
