//! Dependencies point one way, and the rules of the house that a machine can hold.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};
use tests::tree::{self, TextFile};

/// Which of our crates each of our crates is built from.
const EDGES: [(&str, &[&str]); 13] = [
    ("authority", &["drivers", "enrol", "token"]),
    ("client", &["pinned", "token"]),
    ("daemon", &["drivers", "enrol", "pinned", "token"]),
    ("drivers", &["token"]),
    ("enrol", &["token"]),
    ("ifd-handler", &[]),
    ("jitsuin-verify", &["token"]),
    ("misbehaving-module", &[]),
    ("pinned", &[]),
    ("seeds", &[]),
    ("tests", &["ifd-handler", "virtual-card"]), // its suites use the rest as development dependencies
    ("token", &[]),
    ("virtual-card", &["ifd-handler"]),
];

/// What may not come into a crate, by whatever way.
const FORBIDDEN: [(&str, &[&str]); 5] = [
    ("token", &["tokio", "zbus", "pcsc", "rustls", "hyper", "sqlx", "cryptoki"]),
    ("enrol", &["tokio", "zbus", "pcsc", "rustls", "hyper", "sqlx", "cryptoki"]),
    ("drivers", &["tokio", "zbus", "rustls", "hyper", "sqlx"]),
    ("jitsuin-verify", &["tokio", "zbus", "pcsc", "rustls", "hyper", "sqlx", "cryptoki"]),
    ("pinned", &["zbus", "pcsc", "sqlx", "cryptoki"]),
];

fn metadata() -> Metadata {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    MetadataCommand::new()
        .manifest_path(tree::root().join("Cargo.toml"))
        .other_options(vec!["--locked".to_owned(), "--offline".to_owned(), "--filter-platform".to_owned(), platform])
        .exec()
        .unwrap()
}

/// Everything that is compiled into `start`, as names.
fn closure(metadata: &Metadata, start: &PackageId) -> BTreeSet<String> {
    let resolve = metadata.resolve.as_ref().unwrap();
    let mut seen = BTreeSet::from([start.clone()]);
    let mut open = vec![start.clone()];
    while let Some(id) = open.pop() {
        let node = resolve.nodes.iter().find(|n| n.id == id).unwrap();
        for dep in &node.deps {
            let compiled_in = dep.dep_kinds.iter().any(|k| k.kind == DependencyKind::Normal);
            if compiled_in && seen.insert(dep.pkg.clone()) {
                open.push(dep.pkg.clone());
            }
        }
    }
    metadata.packages.iter().filter(|p| seen.contains(&p.id)).map(|p| p.name.to_string()).collect()
}

#[test]
fn the_crate_graph_is_the_designs() {
    let metadata = metadata();
    let ours: BTreeSet<String> = metadata.workspace_packages().iter().map(|p| p.name.to_string()).collect();
    let mut graph = BTreeMap::new();
    for package in metadata.workspace_packages() {
        let edges: BTreeSet<&str> = package
            .dependencies
            .iter()
            .filter(|d| d.kind != DependencyKind::Development && ours.contains(&d.name))
            .map(|d| d.name.as_str())
            .collect();
        graph.insert(package.name.to_string(), edges.into_iter().collect::<Vec<_>>());
    }
    let wanted: BTreeMap<String, Vec<&str>> =
        EDGES.iter().map(|(name, edges)| ((*name).to_owned(), edges.to_vec())).collect();
    assert_eq!(graph, wanted);
}

#[test]
fn only_the_tests_stand_on_the_programs() {
    for package in metadata().workspace_packages().iter().filter(|p| p.name.as_str() != "tests") {
        for dependency in &package.dependencies {
            let program = ["daemon", "client", "authority", "tests"].contains(&dependency.name.as_str());
            assert!(!program, "{} depends on {}", package.name, dependency.name);
        }
    }
}

#[test]
fn what_decides_does_no_io() {
    let metadata = metadata();
    for (name, forbidden) in FORBIDDEN {
        let package = metadata.workspace_packages().into_iter().find(|p| p.name.as_str() == name).unwrap();
        let compiled_in = closure(&metadata, &package.id);
        assert!(compiled_in.contains("token") || name == "pinned", "{name}: {compiled_in:?}");
        for bad in forbidden {
            assert!(!compiled_in.contains(*bad), "{name} is built from {bad}");
        }
    }
}

#[test]
fn every_crate_has_the_house_licence_and_lints() {
    let workspace: toml::Table = std::fs::read_to_string(tree::root().join("Cargo.toml")).unwrap().parse().unwrap();
    assert!(workspace["workspace"]["lints"]["clippy"]["unwrap_used"].is_str(), "one set of lints for all");
    for package in metadata().workspace_packages() {
        assert_eq!(package.license.as_deref(), Some("MIT OR Apache-2.0"), "{}", package.name);
        let manifest: toml::Table = std::fs::read_to_string(&package.manifest_path).unwrap().parse().unwrap();
        let inherits = manifest.get("lints").and_then(|l| l.get("workspace")).and_then(toml::Value::as_bool);
        assert_eq!(inherits, Some(true), "{} has lints of its own", package.name);
    }
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        assert!(tree::root().join(licence).is_file(), "{licence}");
    }
}

#[test]
fn main_is_a_table_of_contents() {
    for program in ["daemon", "client", "authority"] {
        let main = std::fs::read_to_string(tree::root().join(program).join("src/main.rs")).unwrap();
        assert!(main.lines().count() <= 60, "{program}/src/main.rs has {} lines", main.lines().count());
    }
}

/// The lines of a file that are code, with their numbers.
fn code(file: &TextFile) -> impl Iterator<Item = (usize, &str)> {
    file.text.lines().enumerate().map(|(n, line)| (n + 1, line.trim())).filter(|(_, line)| !line.starts_with("//"))
}

#[test]
fn no_room_below_looks_up_at_the_fronts() {
    let files = tree::below("daemon/src", ".rs");
    assert!(!files.is_empty());
    // main and lib wire the rooms together, so they name them all.
    let wiring = ["daemon/src/lib.rs", "daemon/src/main.rs", "daemon/src/running.rs"];
    for file in files.iter().filter(|f| !f.path.starts_with("daemon/src/front/") && !wiring.contains(&f.path.as_str()))
    {
        for (number, line) in code(file) {
            assert!(!line.contains("crate::front"), "{}:{number} uses a front: {line}", file.path);
        }
    }
}

#[test]
fn no_cyrillic_letter_hides_in_a_japanese_word() {
    for file in tree::text_files() {
        for (number, line) in file.text.lines().enumerate() {
            let cyrillic = line.chars().find(|c| ('\u{400}'..='\u{52f}').contains(c));
            assert_eq!(cyrillic, None, "{}:{}", file.path, number + 1);
        }
    }
}

#[test]
fn nothing_names_a_machine_it_was_written_on() {
    // Put together here, so that this file does not name them either.
    let private = [["/ro", "ot/"], ["/wo", "rk/"], ["/tmp/", "wt"], ["/tmp/", "target"]].map(|p| p.concat());
    for file in tree::text_files() {
        for (number, line) in file.text.lines().enumerate() {
            let named = private.iter().find(|p| line.contains(p.as_str()));
            assert_eq!(named, None, "{}:{}: {line}", file.path, number + 1);
        }
    }
}

/// The lines of a `static TABLE … = &[ … ];`, and the folders beside the file.
fn table_and_folders(file: &str, table: &str) -> (Vec<String>, Vec<String>) {
    let path = tree::root().join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let start = text.lines().position(|l| l.contains(&format!("static {table}:"))).unwrap();
    let lines = text.lines().skip(start + 1).take_while(|l| l.trim() != "];").map(|l| l.trim().to_owned()).collect();
    let mut folders: Vec<String> = std::fs::read_dir(path.parent().unwrap())
        .unwrap()
        .flatten()
        .filter(|e| e.file_type().unwrap().is_dir())
        .map(|e| e.file_name().into_string().unwrap())
        .collect();
    folders.sort();
    (lines, folders)
}

#[test]
fn a_driver_is_a_folder_and_a_line() {
    // `card` is what all drivers of cards stand on, `fuzzing` what they are tried with.
    one_line_each("drivers/src/lib.rs", "DRIVERS", &["card", "fuzzing"]);
}

/// Each target has its program, its line for cargo, its seeds and its place in the description.
#[test]
fn a_fuzz_target_is_a_body_a_program_and_seeds() {
    let mut targets = Vec::new();
    for file in ["drivers/src/fuzzing/mod.rs", "authority/src/fuzzing.rs", "authority/verify/src/fuzzing.rs"] {
        let text = std::fs::read_to_string(tree::root().join(file)).unwrap();
        let named = text.split("Target { name: \"").skip(1).filter_map(|rest| rest.split('"').next());
        targets.extend(named.map(str::to_owned));
    }
    targets.sort();
    let names = |folder: &str| {
        let entries = std::fs::read_dir(tree::root().join(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names("fuzz/fuzz_targets"), targets);
    assert_eq!(names("fuzz/seeds"), targets);
    let [manifest, description] =
        ["fuzz/Cargo.toml", "fuzz/README.md"].map(|file| std::fs::read_to_string(tree::root().join(file)).unwrap());
    for target in &targets {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")), "{target}");
        assert!(description.contains(&format!("| `{target}` |")), "{target}");
    }
}

#[test]
fn a_front_is_a_folder_and_a_line() {
    one_line_each("daemon/src/front/mod.rs", "FRONTS", &[]);
}

#[test]
fn an_enrolment_protocol_is_a_folder_and_a_line() {
    // `machine` is what the protocols drive.
    one_line_each("enrol/src/lib.rs", "PROTOCOLS", &["machine"]);
}

fn one_line_each(file: &str, table: &str, others: &[&str]) {
    let (lines, mut folders) = table_and_folders(file, table);
    folders.retain(|folder| !others.contains(&folder.as_str()));
    assert_eq!(lines.len(), folders.len(), "{table} has the lines {lines:?} for the folders {folders:?}");
    for folder in folders {
        let named = lines.iter().filter(|line| line.contains(&format!("{folder}::"))).count();
        assert_eq!(named, 1, "{table} names {folder} in one line: {lines:?}");
    }
}
