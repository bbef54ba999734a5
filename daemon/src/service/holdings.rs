//! The certificates on the tokens that are present, each read once per snapshot.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use token::{CertificateFacts, KeyRef, TokenId, TokenInfo};

use super::select::Entry;
use crate::actor::Tokens;
use crate::enrolment::Enrolments;

/// Parsed certificates by token, for the snapshot they were parsed from.
#[derive(Debug, Default)]
pub struct Holdings {
    parsed: Mutex<HashMap<TokenId, Parsed>>,
}

#[derive(Debug, Clone)]
struct Parsed {
    from: Arc<TokenInfo>,
    entries: Arc<[Entry]>,
}

impl Holdings {
    /// All certificates on all tokens, or on one.
    pub fn entries(&self, tokens: &Tokens, only: Option<&TokenId>, enrolments: &Enrolments) -> Vec<Entry> {
        let present = tokens.list();
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        parsed.retain(|id, _| present.iter().any(|t| t.id() == id));
        let mut all = Vec::new();
        for token in present.iter().filter(|t| only.is_none_or(|id| t.id() == id)) {
            let info = token.info();
            let entries = match parsed.get(token.id()) {
                Some(known) if Arc::ptr_eq(&known.from, &info) => known.entries.clone(),
                _ => {
                    let entries = read(&info, token.generation());
                    parsed.insert(token.id().clone(), Parsed { from: info, entries: entries.clone() });
                    entries
                }
            };
            all.extend(entries.iter().map(|entry| Entry {
                offered: entry.offered && enrolments.is_offered(&entry.key, &entry.facts.public_key),
                ..entry.clone()
            }));
        }
        all
    }
}

/// What one snapshot holds. A certificate that cannot be read is left out, and told to the operator.
fn read(info: &TokenInfo, generation: u64) -> Arc<[Entry]> {
    let certified = info.slots.iter().filter_map(|slot| Some((slot, slot.certificate.as_deref()?)));
    let entries = certified.filter_map(|(slot, der)| {
        let key = KeyRef { token: info.id.clone(), slot: slot.slot.clone() };
        match CertificateFacts::from_der(der) {
            Ok(facts) => Some(Entry {
                has_key: slot.public_key.as_ref() == Some(&facts.public_key),
                needs_pin: slot.needs_pin,
                offered: true,
                generation,
                facts: Arc::new(facts),
                key,
            }),
            Err(fault) => {
                tracing::info!(%key, %fault, "a certificate cannot be read");
                None
            }
        }
    });
    entries.collect()
}
