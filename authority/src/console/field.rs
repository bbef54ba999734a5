//! The inputs of an operation.

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
