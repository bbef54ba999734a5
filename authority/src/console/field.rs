//! The inputs of an operation.

use subtle::ConstantTimeEq;
use token::{Refusal, Secret};

use super::texts::Texts;
use crate::doors::Form;

/// What kind of input a field is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// One of several.
    Choice(Vec<Item>),
    /// A one-time password.
    Otp,
    /// A PIN.
    Secret,
    /// Anything else.
    Text,
}

/// One of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) key: &'static str,
    pub(super) text: &'static str,
    pub(super) chosen: bool,
}

/// An input.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) id: &'static str,
    pub(super) kind: Kind,
    pub(super) text: &'static str,
    pub(super) hint: &'static str,
    pub(super) required: bool,
    pub(super) value: String,
}

impl Field {
    /// One that must be filled in.
    pub(super) fn new(id: &'static str, kind: Kind, text: &'static str, hint: &'static str) -> Self {
        Self { id, kind, text, hint, required: true, value: String::new() }
    }

    /// One that may be left empty.
    pub(super) fn optional(self) -> Self {
        Self { required: false, ..self }
    }

    /// A new user PIN, twice: nobody sees what is typed, and a slip would lock its user out.
    pub(super) fn new_pin(t: &Texts, text: &'static str) -> [Self; 2] {
        let new = Self::new(NEW_PIN, Kind::Secret, text, t.pin_rule);
        [new, Self::new(NEW_PIN_AGAIN, Kind::Secret, t.new_pin_again, t.new_pin_again_hint)]
    }

    /// Puts in what was entered before.
    pub(super) fn enter(&mut self, value: String) {
        match &mut self.kind {
            Kind::Choice(items) if items.iter().any(|item| item.key == value) => {
                items.iter_mut().for_each(|item| item.chosen = item.key == value);
            }
            Kind::Text => self.value = value,
            Kind::Choice(_) | Kind::Otp | Kind::Secret => {}
        }
    }
}

/// The name of a new PIN.
const NEW_PIN: &str = "new_user_pin";
/// The name of its second entry.
const NEW_PIN_AGAIN: &str = "new_user_pin_again";

/// A new PIN, where it was entered twice alike.
///
/// # Errors
/// `PinAgain`.
pub(super) fn entered_twice(form: &mut Form) -> Result<Option<Secret>, Refusal> {
    let (new, again) = (form.secret(NEW_PIN), form.secret(NEW_PIN_AGAIN));
    let alike = match (&new, &again) {
        (Some(new), Some(again)) => new.expose().ct_eq(again.expose()).into(),
        (new, again) => new.is_none() && again.is_none(),
    };
    if alike { Ok(new) } else { Err(Refusal::PinAgain) }
}

/// The field of a new PIN that a refusal is about.
pub(super) fn of_new_pin(refusal: Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::PinFormat | Refusal::PinSame => Some(NEW_PIN),
        Refusal::PinAgain => Some(NEW_PIN_AGAIN),
        _ => None,
    }
}
