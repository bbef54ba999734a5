//! The options vardict: unknown keys that begin with `!` are refused, other unknown keys are ignored.

use std::collections::HashMap;

use zbus::{ObjectPath, OwnedObjectPath, OwnedVariant, Variant};

use crate::service::Error;

/// The options of one call.
#[derive(Debug)]
pub(super) struct Options(HashMap<String, OwnedVariant>);

impl Options {
    /// Takes the options over; `known` are the keys that this method understands.
    pub(super) fn read(given: HashMap<String, OwnedVariant>, known: &[&str]) -> Result<Self, Error> {
        match given.keys().find(|k| k.strip_prefix('!').is_some_and(|k| !known.contains(&k))) {
            Some(key) => Err(Error::InvalidArgument { reason: format!("the option {key:?} is not understood") }),
            None => Ok(Self(given)),
        }
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Result<Option<&str>, Error> {
        match self.value(key) {
            None => Ok(None),
            Some(Variant::Str(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(Error::InvalidArgument { reason: format!("the option {key} is a string") }),
        }
    }

    /// A number that is not negative.
    pub(super) fn number(&self, key: &str) -> Result<Option<u32>, Error> {
        match self.value(key) {
            None => Ok(None),
            Some(Variant::U32(number)) => Ok(Some(*number)),
            Some(_) => Err(Error::InvalidArgument { reason: format!("the option {key} is an unsigned number") }),
        }
    }

    /// Yes or no.
    pub(super) fn truth(&self, key: &str) -> Result<Option<bool>, Error> {
        match self.value(key) {
            None => Ok(None),
            Some(Variant::Bool(truth)) => Ok(Some(*truth)),
            Some(_) => Err(Error::InvalidArgument { reason: format!("the option {key} is true or false") }),
        }
    }

    /// A text, parsed.
    pub(super) fn parsed<T>(&self, key: &str) -> Result<Option<T>, Error>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        let parse =
            |text: &str| text.parse().map_err(|e| Error::InvalidArgument { reason: format!("the option {key}: {e}") });
        self.text(key)?.map(parse).transpose()
    }

    /// An object path.
    pub(super) fn path(&self, key: &str) -> Result<Option<OwnedObjectPath>, Error> {
        match self.value(key) {
            None => Ok(None),
            Some(Variant::ObjectPath(path)) => Ok(Some(path.clone().into())),
            Some(_) => Err(Error::InvalidArgument { reason: format!("the option {key} is an object path") }),
        }
    }

    /// A text or an object path, as text.
    pub(super) fn text_or_path(&self, key: &str) -> Result<Option<&str>, Error> {
        match self.value(key) {
            Some(Variant::ObjectPath(path)) => Ok(Some(ObjectPath::as_str(path))),
            _ => self.text(key),
        }
    }

    /// A caller may mark any key as essential.
    fn value(&self, key: &str) -> Option<&Variant<'static>> {
        let marked = || self.0.get(&format!("!{key}"));
        self.0.get(key).or_else(marked).map(|v| &**v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(key: &str, value: Variant<'_>) -> HashMap<String, OwnedVariant> {
        HashMap::from([(key.to_owned(), value.try_to_owned().unwrap())])
    }

    #[test]
    fn marked_keys_must_be_understood() {
        assert!(Options::read(given("colour", "red".into()), &["usage"]).is_ok());
        assert!(Options::read(given("!colour", "red".into()), &["usage"]).is_err());
        let marked = Options::read(given("!usage", "all".into()), &["usage"]).unwrap();
        assert_eq!(marked.text("usage"), Ok(Some("all")));
        assert!(marked.path("usage").is_err(), "of another type");
        assert_eq!(marked.text("key"), Ok(None));
    }
}
