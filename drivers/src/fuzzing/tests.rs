//! The targets as property tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use virtual_card::model::Model;

use super::*;

fn card(model: &str) -> Honest {
    let mut card = model.parse::<Model>().unwrap().make().unwrap();
    Box::new(move |apdu| card.transmit(apdu))
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries.map(|entry| Path::new(&entry.unwrap().file_name()).file_stem().unwrap().to_str().unwrap().into()).collect()
}

/// The seeds of a target, by name.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = home().join("seeds").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| (file.display().to_string(), fs::read(file).unwrap())).collect()
}

/// One change of a seed, as a fuzzer makes them.
fn change(mut bytes: Vec<u8>, (kind, place, value): &(u8, Index, Vec<u8>)) -> Vec<u8> {
    let at = place.index(bytes.len() + 1);
    let end = bytes.len().min(at + value.len());
    match kind {
        0 => bytes.truncate(at),
        1 => drop(bytes.splice(at..at, value.iter().copied())),
        2 => drop(bytes.drain(at..end)),
        _ => drop(bytes.splice(at..end, value.iter().copied())),
    }
    bytes
}

fn check(target: &str, cases: u32) {
    let all = seeds(target);
    assert!(!all.is_empty(), "{target} has no seeds");
    for (name, bytes) in &all {
        assert!(bytes.len() <= 32 * 1024, "{name} is long for a seed");
        run(target, bytes, card);
    }
    let changes = vec((0..6u8, any::<Index>(), vec(any::<u8>(), 1..9)), 1..4);
    let changed = (select(all), changes).prop_map(|((_, seed), changes)| changes.iter().fold(seed, change));
    let bytes = prop_oneof![3 => changed, 1 => vec(any::<u8>(), 0..400)];
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&bytes, |bytes| {
            run(target, &bytes, card);
            Ok(())
        })
        .unwrap_or_else(|e| panic!("{target}: {e}"));
}

#[test]
fn every_target_has_a_program_and_seeds() {
    let all: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names(&home().join("fuzz_targets")), all);
    assert_eq!(names(&home().join("seeds")), all);
}

#[test]
fn parsers_hold_their_rules() {
    for target in TARGETS.iter().filter(|target| !target.name.ends_with("_session")) {
        check(target.name, 512);
    }
}

#[test]
fn sessions_hold_their_rules() {
    for target in TARGETS.iter().filter(|target| target.name.ends_with("_session")) {
        check(target.name, 48);
    }
}
