//! A token that promises are held against.

use std::collections::BTreeSet;

use token::{Ability, Sighting};
use virtual_card::counts::Counts;

/// A token that was made for one test, and what is known of it from elsewhere than from its driver.
pub(crate) trait Subject {
    /// What the driver table is asked with.
    fn sighting(&self) -> Sighting;

    /// The driver that must serve it.
    fn driver(&self) -> &'static str;

    /// Its PIN.
    fn pin(&self) -> &'static str;

    /// All that it can do, by its makers' word.
    fn abilities(&self) -> BTreeSet<Ability>;

    /// What it has seen so far, where somebody counts.
    fn counts(&self) -> Option<Counts> {
        None
    }

    /// How its PIN stands up to wrong entries.
    fn tries(&self) -> Tries;

    /// A key on it that wants the PIN each time, where it has one.
    fn key_for_each_pin(&self) -> Option<&'static str>;

    /// A key on it that needs no PIN, where it has one.
    fn open_key(&self) -> Option<&'static str>;
}

/// What is known of a token's tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tries {
    /// So many, and it always says how many are left.
    Counted(u8),
    /// So many, and it says when the last has come.
    Flagged(u8),
    /// So many, and it says nothing of them before they are gone, nor that they are but to who tries.
    Silent(u8),
    /// It takes wrong entries without end.
    Unlimited,
}

impl Tries {
    /// How many wrong entries block it.
    pub(crate) fn total(self) -> Option<u8> {
        match self {
            Self::Counted(total) | Self::Flagged(total) | Self::Silent(total) => Some(total),
            Self::Unlimited => None,
        }
    }

    /// What it says while so many are left.
    pub(crate) fn told(self, left: u8) -> Option<u8> {
        match self {
            Self::Counted(_) => Some(left),
            Self::Flagged(_) => (left < 2).then_some(left),
            Self::Silent(_) | Self::Unlimited => None,
        }
    }
}
