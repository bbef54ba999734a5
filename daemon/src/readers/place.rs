//! One reader and what is in it: what to do when pcscd tells of it. No I/O.

use token::{Fault, TokenId};

/// What pcscd says of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// A card is in it, and answers.
    pub(crate) present: bool,
    /// Counts insertions and removals, so it is another one for another card.
    pub(crate) insertion: u32,
    /// Somebody has the card for itself.
    pub(crate) exclusive: bool,
}

/// What is known of the card in a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// None.
    Empty,
    /// It is being read.
    Opening(u32),
    /// The registry has it.
    Served(u32, TokenId, u64),
    /// The registry has another one of this name: the later one is served, or they would take turns for ever.
    Shadowed(u32, TokenId),
    /// It could not be read; whether that may be otherwise later, and only when it is let go.
    Refused {
        /// Which insertion.
        insertion: u32,
        /// Whether it is worth another attempt.
        again: bool,
        /// Whether somebody else held it.
        held: bool,
    },
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// Take the token out of the registry.
    Depart(TokenId, u64),
    /// Give the card to a driver.
    Open(u32),
}

impl Place {
    /// pcscd tells of the reader.
    pub(crate) fn see(&mut self, seen: Seen) -> Vec<Act> {
        let mut acts = Vec::new();
        let same = self.insertion() == Some(seen.insertion);
        if !seen.present || !same {
            acts.extend(self.leave());
        }
        let again = self.is_held() && !seen.exclusive;
        if seen.present && (*self == Self::Empty || again) {
            *self = Self::Opening(seen.insertion);
            acts.push(Act::Open(seen.insertion));
        }
        acts
    }

    /// The card was read: the registry has it under this name now.
    pub(crate) fn adopted(&mut self, insertion: u32, id: TokenId, generation: u64) -> Option<Act> {
        if *self == Self::Opening(insertion) {
            *self = Self::Served(insertion, id, generation);
            return None;
        }
        // It was pulled meanwhile.
        Some(Act::Depart(id, generation))
    }

    /// The card could not be read.
    pub(crate) fn refused(&mut self, insertion: u32, fault: &Fault) {
        if *self == Self::Opening(insertion) {
            let again = !matches!(fault, Fault::CannotDo { .. });
            *self = Self::Refused { insertion, again, held: matches!(fault, Fault::Busy { .. }) };
        }
    }

    /// It is said to be gone, and pcscd may know better: if it is in, it is tried again.
    pub(super) fn doubt(&mut self, doubted: u32) {
        if let Self::Refused { insertion, held, .. } = self
            && *insertion == doubted
        {
            *held = true;
        }
    }

    /// It could not be read because somebody has it for itself.
    pub(super) fn is_held(&self) -> bool {
        matches!(self, Self::Refused { held: true, .. })
    }

    /// Tokens departed. `now` is the generation that the registry has under a name.
    pub(crate) fn check(&mut self, now: impl Fn(&TokenId) -> Option<u64>) -> Option<Act> {
        let insertion = match self {
            Self::Served(insertion, id, generation) => match now(id) {
                Some(now) if now == *generation => return None,
                Some(_) => {
                    *self = Self::Shadowed(*insertion, id.clone());
                    return None;
                }
                None => *insertion,
            },
            // The other one may have been this card, read once more for an insertion that was over.
            Self::Shadowed(insertion, id) if now(id).is_none() => *insertion,
            _ => return None,
        };
        *self = Self::Opening(insertion);
        Some(Act::Open(insertion))
    }

    /// Somebody asks what there is: what was not to be had is tried again.
    pub(crate) fn look_again(&mut self) -> Option<Act> {
        match self {
            Self::Refused { insertion, again: true, .. } => {
                let insertion = *insertion;
                *self = Self::Opening(insertion);
                Some(Act::Open(insertion))
            }
            _ => None,
        }
    }

    /// Whether it is being read.
    pub(crate) fn is_opening(&self) -> bool {
        matches!(self, Self::Opening(_))
    }

    /// The card, or the reader, or pcscd, is gone.
    pub(crate) fn leave(&mut self) -> Option<Act> {
        match std::mem::replace(self, Self::Empty) {
            Self::Served(_, id, generation) => Some(Act::Depart(id, generation)),
            _ => None,
        }
    }

    fn insertion(&self) -> Option<u32> {
        match self {
            Self::Empty => None,
            Self::Opening(insertion)
            | Self::Served(insertion, ..)
            | Self::Shadowed(insertion, _)
            | Self::Refused { insertion, .. } => Some(*insertion),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> TokenId {
        TokenId::new("piv", "1").unwrap()
    }

    fn seen(present: bool, insertion: u32) -> Seen {
        Seen { present, insertion, exclusive: false }
    }

    #[test]
    fn a_card_comes_and_goes() {
        let mut place = Place::Empty;
        assert_eq!(place.see(seen(false, 0)), []);
        assert_eq!(place.see(seen(true, 1)), [Act::Open(1)]);
        assert_eq!(place.see(seen(true, 1)), [], "once");
        assert_eq!(place.adopted(1, id(), 7), None);
        assert_eq!(place.see(seen(true, 1)), []);
        assert_eq!(place.see(seen(false, 2)), [Act::Depart(id(), 7)]);
    }

    #[test]
    fn a_quick_swap_is_out_and_in() {
        let mut place = Place::Served(1, id(), 7);
        assert_eq!(place.see(seen(true, 3)), [Act::Depart(id(), 7), Act::Open(3)]);
        // What was still being read of the first card goes at once.
        assert_eq!(place.adopted(1, id(), 8), Some(Act::Depart(id(), 8)));
        assert_eq!(place, Place::Opening(3));
    }

    #[test]
    fn what_is_held_is_tried_when_it_is_let_go() {
        let mut place = Place::Empty;
        let held = Seen { exclusive: true, ..seen(true, 1) };
        assert_eq!(place.see(held), [Act::Open(1)]);
        place.refused(1, &Fault::Busy { holder: None });
        assert_eq!(place.see(held), []);
        assert_eq!(place.see(seen(true, 1)), [Act::Open(1)]);
        place.refused(1, &Fault::CannotDo { what: "be used".into() });
        assert_eq!((place.see(seen(true, 1)), place.look_again()), (vec![], None), "no PIV stays no PIV");
    }

    #[test]
    fn what_was_let_go_while_it_was_tried_is_asked_about_once_more() {
        let mut place = Place::Empty;
        let held = Seen { exclusive: true, ..seen(true, 1) };
        assert_eq!(place.see(held), [Act::Open(1)]);
        assert_eq!(place.see(seen(true, 1)), [], "it is being tried");
        place.refused(1, &Fault::Busy { holder: None });
        assert!(place.is_held(), "so pcscd is asked to tell anew");
        assert_eq!(place.see(seen(true, 1)), [Act::Open(1)]);
        assert!(!place.is_held());
    }

    #[test]
    fn what_is_said_to_be_gone_and_is_in_is_tried_again() {
        let mut place = Place::Opening(1);
        place.refused(1, &Fault::Absent);
        assert_eq!(place.see(seen(true, 1)), []);
        place.doubt(1);
        assert_eq!(place.clone().see(seen(false, 2)), []);
        assert_eq!(place.see(seen(true, 1)), [Act::Open(1)]);
    }

    #[test]
    fn a_token_that_departed_by_itself_is_opened_anew() {
        let mut place = Place::Served(1, id(), 7);
        assert_eq!(place.check(|_| Some(7)), None);
        assert_eq!(place.clone().check(|_| None), Some(Act::Open(1)));
        assert_eq!(place.check(|_| Some(8)), None, "another card of that name");
        assert_eq!(place.check(|_| Some(8)), None, "they do not take turns");
        assert_eq!(place.check(|_| None), Some(Act::Open(1)), "when it is gone, this one is there still");
    }

    /// A card that was mute is pulled and put in again; who was still waiting for it reads it too, for the insertion before.
    #[test]
    fn what_was_read_for_an_insertion_that_is_over_takes_no_card_away() {
        let mut place = Place::Opening(1);
        assert_eq!(place.see(seen(false, 2)), []);
        assert_eq!(place.see(seen(true, 3)), [Act::Open(3)]);
        // The registry has it first by its own insertion as 7, then by the other as 8.
        assert_eq!(place.adopted(3, id(), 7), None);
        assert_eq!(place.check(|_| Some(8)), None);
        assert_eq!(place.adopted(1, id(), 8), Some(Act::Depart(id(), 8)));
        assert_eq!(place.check(|_| None), Some(Act::Open(3)));
    }
}
