//! The texts that people read, from `messages/en.ftl` and `messages/ja.ftl`.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use token::Language;
use unic_langid::LanguageIdentifier;

/// The texts of one language.
pub struct Texts {
    language: Language,
    bundle: FluentBundle<FluentResource>,
}

impl Texts {
    /// The texts of that language.
    #[must_use]
    pub fn new(language: Language) -> Self {
        let source = match language {
            Language::En => EN,
            Language::Ja => JA,
        };
        let id: LanguageIdentifier = language.tag().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        // Isolation marks would stand in the way of people who copy an identifier.
        bundle.set_use_isolating(false);
        // A test parses both files; what cannot be parsed would only lose its own message.
        let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _)| resource);
        let _ = bundle.add_resource(resource);
        Self { language, bundle }
    }

    /// The language for these values of `LC_ALL`, `LC_MESSAGES` and `LANG`: the first that is not
    /// empty decides.
    #[must_use]
    pub fn language_of(locale: [Option<&str>; 3]) -> Language {
        let first = locale.into_iter().flatten().find(|value| !value.is_empty());
        Language::from_tag(first.unwrap_or_default())
    }

    /// Which language.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// Whether there is such a text.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.bundle.has_message(key)
    }

    /// A text without variables. A key that does not exist is shown as itself.
    #[must_use]
    pub fn text(&self, key: &str) -> String {
        self.with(key, &[])
    }

    /// A text with its variables.
    #[must_use]
    pub fn with(&self, key: &str, arguments: &[(&str, &str)]) -> String {
        let Some(pattern) = self.bundle.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        let mut values = FluentArgs::new();
        for (name, value) in arguments {
            values.set(*name, *value);
        }
        self.bundle.format_pattern(pattern, Some(&values), &mut Vec::new()).into_owned()
    }
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Texts").field("language", &self.language).finish_non_exhaustive()
    }
}

const EN: &str = include_str!("../messages/en.ftl");
const JA: &str = include_str!("../messages/ja.ftl");

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// Key → the variables it uses.
    fn table(source: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut table: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut key = String::new();
        for line in source.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            if !line.starts_with(' ') {
                key = line.split_once(" =").expect("key = text").0.to_owned();
                assert!(!table.contains_key(&key), "{key} stands twice");
                table.insert(key.clone(), BTreeSet::new());
            }
            for part in line.split("{ $").skip(1) {
                let name = part.split([' ', '}']).next().unwrap();
                table.get_mut(&key).unwrap().insert(name.to_owned());
            }
        }
        table
    }

    #[test]
    fn both_languages_say_the_same_things() {
        FluentResource::try_new(EN.to_owned()).expect("en.ftl parses");
        FluentResource::try_new(JA.to_owned()).expect("ja.ftl parses");
        let (en, ja) = (table(EN), table(JA));
        let missing: Vec<_> = en.keys().filter(|k| !ja.contains_key(*k)).collect();
        let surplus: Vec<_> = ja.keys().filter(|k| !en.contains_key(*k)).collect();
        assert!(missing.is_empty() && surplus.is_empty(), "not in ja: {missing:?}; not in en: {surplus:?}");
        for (key, variables) in &en {
            assert_eq!(variables, &ja[key], "variables of {key}");
        }
    }

    #[test]
    fn no_cyrillic_and_one_spelling_of_the_damaged_word() {
        for source in [EN, JA] {
            assert!(!source.chars().any(|c| ('\u{400}'..='\u{4ff}').contains(&c)));
        }
        assert!(JA.contains("\u{30EF}\u{30F3}\u{30BF}\u{30A4}\u{30E0}\u{30D1}\u{30B9}\u{30EF}\u{30FC}\u{30C9}"));
    }

    const FAMILIES: &[&str] = &[
        "abandon-",
        "admin-",
        "advice-",
        "agent-",
        "ask-",
        "bus-",
        "button-",
        "choose-",
        "config-",
        "consent-",
        "doctor-",
        "door-",
        "empty-",
        "enrol-",
        "entry-",
        "error-",
        "head-",
        "https-",
        "line-",
        "lock-",
        "login-",
        "memo-",
        "next-",
        "notice-",
        "prompt-",
        "reason-",
        "stopped-",
        "text-",
        "title-",
        "user-pin-",
    ];

    /// Every key that the sources name exists, so that nobody ever reads a bare key.
    #[test]
    fn every_key_in_the_sources_exists() {
        let texts = Texts::new(Language::En);
        let mut files = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
        let mut seen = 0;
        while let Some(path) = files.pop() {
            if path.is_dir() {
                files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            let production = source.split("#[cfg(test)]").next().unwrap();
            // Every other piece between quotes is a literal; those of our families are keys.
            for literal in production.split('"').skip(1).step_by(2) {
                let plain = literal.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
                if plain && FAMILIES.iter().any(|family| literal.starts_with(family)) && !literal.ends_with('-') {
                    assert!(texts.has(literal), "{literal} in {}", path.display());
                    seen += 1;
                }
            }
        }
        assert!(seen > 150, "the scan finds the calls ({seen})");
    }

    #[test]
    fn the_locale_decides() {
        assert_eq!(Texts::language_of([None, Some(""), Some("ja_JP.UTF-8")]), Language::Ja);
        assert_eq!(Texts::language_of([Some("C"), None, Some("ja_JP.UTF-8")]), Language::En);
        assert_eq!(Texts::language_of([None, None, None]), Language::En);
    }
}
