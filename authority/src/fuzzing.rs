//! The bodies of the fuzz targets: what must hold whatever a stranger sends, a maker's file has in it, or a device says.
//! As in `drivers::fuzzing` each stands beside what it tries, returns or has found a rule broken, and runs in two ways:
//! under libFuzzer in `fuzz/`, and in `make test` over seeds and changes of seeds.

use std::fmt::Debug;

use crate::{attestation, cmp, pskc, revocation};

/// One target.
#[derive(Debug)]
pub struct Target {
    /// Its name, and that of its seeds' folder.
    pub name: &'static str,
    body: fn(&[u8]),
}

/// The targets, one line each.
pub static TARGETS: &[Target] = &[
    Target { name: "attestation", body: attestation::fuzzing::proof },
    Target { name: "cmp", body: cmp::fuzzing::request },
    Target { name: "ocsp", body: revocation::ocsp::fuzzing::request },
    Target { name: "pskc", body: pskc::fuzzing::file },
];

/// The body of the target of that name.
#[must_use]
pub fn body(name: &str) -> Option<fn(&[u8])> {
    TARGETS.iter().find(|target| target.name == name).map(|target| target.body)
}

/// What cannot fail; where it does a rule is broken.
#[expect(clippy::panic, reason = "that is how a fuzzer learns of it")]
pub(crate) fn must<T, E: Debug>(result: Result<T, E>, what: &str) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {error:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsers_hold_their_rules() {
        for target in TARGETS {
            seeds::check(target.name, 512, target.body);
        }
    }
}
