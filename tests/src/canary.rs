//! Secrets that are recognised again: what they look like in other spellings, and the search for them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// A secret that must be found nowhere.
#[derive(Debug, Clone)]
struct Canary {
    name: String,
    needles: Vec<(&'static str, Vec<u8>)>,
}

/// All secrets of a story.
#[derive(Debug, Clone, Default)]
pub struct Canaries(Vec<Canary>);

/// Where a secret was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// Which secret; not its value.
    pub secret: String,
    /// In which spelling.
    pub spelling: &'static str,
    /// In which file, or what else was searched.
    pub place: String,
}

impl Canaries {
    /// Adds a secret. Short ones occur by chance: eight bytes at least.
    pub fn add(&mut self, name: &str, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        assert!(value.len() >= 8, "{name} is too short to be recognised");
        self.0.push(Canary { name: name.to_owned(), needles: spellings(value) });
    }

    /// Everything of ours in these bytes.
    #[must_use]
    pub fn sightings(&self, place: &str, bytes: &[u8]) -> BTreeSet<Sighting> {
        // Most places of a file begin no secret: two bytes say so.
        let mut begins = vec![false; 1 << 16];
        let start = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
        for (_, needle) in self.0.iter().flat_map(|c| &c.needles) {
            begins[start(needle)] = true;
        }
        let mut found = BTreeSet::new();
        for at in 0..bytes.len().saturating_sub(1) {
            if !begins[start(&bytes[at..])] {
                continue;
            }
            for canary in &self.0 {
                for (spelling, _) in canary.needles.iter().filter(|(_, needle)| bytes[at..].starts_with(needle)) {
                    found.insert(Sighting { secret: canary.name.clone(), spelling, place: place.to_owned() });
                }
            }
        }
        found
    }

    /// Everything of ours in the files below a folder, and in their names. `skip` leaves files and folders out.
    #[must_use]
    pub fn in_files(&self, folder: &Path, skip: &dyn Fn(&Path) -> bool) -> BTreeSet<Sighting> {
        let mut found = BTreeSet::new();
        for file in files(folder, skip) {
            let name = file.to_string_lossy().into_owned();
            found.extend(self.sightings(&format!("the name {name}"), name.as_bytes()));
            // A socket, or a file that was removed meanwhile, holds nothing.
            found.extend(self.sightings(&name, &fs::read(&file).unwrap_or_default()));
        }
        found
    }
}

/// The regular files below a folder.
#[must_use]
pub fn files(folder: &Path, skip: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if skip(&path) {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&path, skip)),
            Ok(kind) if kind.is_file() => found.push(path),
            _ => {}
        }
    }
    found
}

fn spellings(value: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut needles = vec![
        ("plain", value.to_vec()),
        ("hexadecimal", hex::encode(value).into_bytes()),
        ("capital hexadecimal", hex::encode_upper(value).into_bytes()),
        ("spaced hexadecimal", joined(value, " ", |b| format!("{b:02x}"))),
        ("list of numbers", joined(value, ", ", |b| b.to_string())),
        ("dense list of numbers", joined(value, ",", |b| b.to_string())),
    ];
    if value.is_ascii() {
        needles.push(("UTF-16, little end first", value.iter().flat_map(|b| [*b, 0]).collect()));
        needles.push(("UTF-16, big end first", value.iter().flat_map(|b| [0, *b]).collect()));
    }
    // Inside a longer text, base64 depends on how many bytes stand before; the characters that do not depend on
    // the neighbours are looked for.
    for before in 0..3 {
        let padded = [vec![0; before], value.to_vec()].concat();
        let bits = padded.len() * 8;
        for (spelling, engine) in [("base64", &STANDARD), ("base64url", &URL_SAFE)] {
            let text = engine.encode(&padded);
            let needle = text.as_bytes()[(before * 8).div_ceil(6)..bits / 6].to_vec();
            if needles.iter().all(|(_, known)| *known != needle) {
                needles.push((spelling, needle));
            }
        }
    }
    needles
}

fn joined(value: &[u8], between: &str, one: impl Fn(u8) -> String) -> Vec<u8> {
    value.iter().map(|b| one(*b)).collect::<Vec<_>>().join(between).into_bytes()
}
