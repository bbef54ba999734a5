//! How an enrolment begins: by an order, or from its journal.

use std::sync::Arc;

use enrol::cmp::Applicant;
use enrol::machine::{EnrolmentId, Machine, Order as Recorded, Replaced, TransactionId};
use token::{Ability, CertificateFacts, SlotId, SlotSpace, TokenInfo};
use tokio::sync::mpsc;

use super::api::{Order, Refused};
use super::authority::{Authority, Talk};
use super::memory::Memory;
use super::run::Run;
use super::shared::{Entry, Shared};
use super::status::{self, Shown};
use super::store::{Found, JournalFile, file_name};
use crate::actor::TokenHandle;
use crate::holder::Holder;

/// Commands that may wait for one enrolment.
const COMMANDS: usize = 8;

/// Checks an order, records it, and begins.
pub(super) async fn start(shared: &Arc<Shared>, order: Order) -> Result<EnrolmentId, Refused> {
    let authority = shared.authorities.get(&order.profile).cloned();
    let authority = authority.ok_or_else(|| Refused::UnknownProfile(order.profile.clone()))?;
    let token = find_token(shared, &order)?;
    let info = token.info();
    check_token(&info, &order)?;
    let old = replaced(&info, &order.contract, order.user.as_ref(), order.renews.as_ref().map(|renewed| &renewed.slot));
    if let Some(renewed) = &order.renews {
        let Some((facts, _)) = &old else {
            return Err(Refused::TokenUnfit("renew a certificate whose key is not on it".to_owned()));
        };
        if renewed.issuer.profile != order.profile {
            return Err(Refused::OtherIssuer(order.profile));
        }
        renewed.issuer.must_have_issued(facts)?;
    }
    let replaced = old.map(|(facts, slot)| Replaced {
        slot,
        public_key: facts.public_key,
        name: facts.common_name,
        issuer: facts.issuer,
    });
    let _one_at_a_time = shared.starting.lock().await;
    if let Some(other) = conflict(shared, token.id(), &order) {
        return Err(Refused::Conflict(other));
    }
    if shared.is_full(order.owner) {
        return Err(Refused::TooMany);
    }
    let forgotten = shared.forget_oldest(order.owner);
    let begun = jiff::Timestamp::now();
    let recorded = Recorded {
        id: EnrolmentId::new(*uuid::Uuid::new_v4().as_bytes()),
        transaction: TransactionId::new(*uuid::Uuid::new_v4().as_bytes()),
        owner: order.owner,
        profile: order.profile,
        token: token.id().clone(),
        replaces: replaced,
        renews: order.renews.is_some(),
        contract: order.contract,
        user: order.user,
        algorithm: order.algorithm,
        created_at: begun.as_second(),
        created_nanos: begun.subsec_nanosecond().unsigned_abs(),
        grace: i64::try_from(shared.settings.grace.as_secs()).unwrap_or(i64::MAX),
    };
    let id = recorded.id;
    let machine = Machine::begin(recorded);
    let (store, first) = (shared.store.clone(), machine.record().clone());
    let created = tokio::task::spawn_blocking(move || {
        forgotten.iter().for_each(|id| store.forget(id));
        store.create(&first)
    })
    .await;
    let journal = match created {
        Ok(Ok(journal)) => journal,
        Ok(Err(error)) => {
            tracing::error!(%error, "no journal for a new enrolment");
            return Err(Refused::Storage);
        }
        Err(_) => return Err(Refused::Storage),
    };
    tracing::info!(%id, journal = file_name(&id), "an enrolment begins");
    begin(shared, authority, machine, journal, Some(order.holder), None, false);
    Ok(id)
}

/// Goes on with what a journal tells.
pub(super) fn restored(shared: &Arc<Shared>, found: Found) {
    let Found { file, record, damage } = found;
    let mut error: Option<Shown> = damage.map(|damage| ("StorageFailed".to_owned(), damage.to_string()));
    let mut halted = error.is_some();
    let authority = match shared.authorities.get(&record.order().profile) {
        Some(authority) => authority.clone(),
        None => {
            let text = format!("{}", Refused::UnknownProfile(record.order().profile.clone()));
            error = Some(("InvalidArgument".to_owned(), text));
            halted = true;
            Arc::new(super::authority::Gone)
        }
    };
    begin(shared, authority, Machine::restore(record), file, None, error, halted);
}

fn begin(
    shared: &Arc<Shared>,
    authority: Arc<dyn Authority>,
    machine: Machine,
    journal: JournalFile,
    holder: Option<Arc<dyn Holder>>,
    error: Option<Shown>,
    halted: bool,
) {
    let (control, commands) = mpsc::channel(COMMANDS);
    let order = machine.record().order().clone();
    let status = status::status(machine.record(), None, error.clone());
    let entry = Entry { status, record: machine.record().clone(), control, retirable: None };
    shared.entries().insert(order.id, entry);
    let run = Run {
        shared: shared.clone(),
        authority,
        journal: Some(journal),
        holder,
        talk: Talk {
            transaction: *order.transaction.bytes(),
            applicant: Applicant { contract: order.contract, user: order.user },
            reply_nonce: None,
        },
        memory: Memory::default(),
        happenings: shared.tokens.subscribe(),
        arrivals: shared.holders.arrivals(),
        error,
        halted,
        retire_now: false,
        failures: 0,
        waiting_told: false,
        wrong_entries: 0,
        stumbles: 0,
        not_before: None,
        machine,
    };
    // A finished one needs no task; its status stays listed.
    tokio::spawn(run.run(commands));
}

fn find_token(shared: &Shared, order: &Order) -> Result<TokenHandle, Refused> {
    match &order.token {
        Some(id) => shared.tokens.find(id).ok_or(Refused::TokenAbsent),
        None => match shared.tokens.list().as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(Refused::TokenAbsent),
        },
    }
}

fn check_token(info: &TokenInfo, order: &Order) -> Result<(), Refused> {
    let unfit = |what: &str| Err(Refused::TokenUnfit(what.to_owned()));
    for ability in [Ability::InstallCertificate, Ability::Sign] {
        if !info.abilities.contains(&ability) {
            return unfit(&ability.name().replace('-', " "));
        }
    }
    let able = |a| Ability::generate(a).is_some_and(|ability| info.abilities.contains(&ability));
    match order.algorithm {
        Some(algorithm) if !able(algorithm) => return unfit(&format!("make {algorithm} keys")),
        None if !token::KeyAlgorithm::ALL.into_iter().any(able) => return unfit("make keys"),
        _ => {}
    }
    match &info.space {
        SlotSpace::Fixed(spare) if spare.is_empty() => unfit("hold another key: it has no spare slot"),
        _ if !info.pin.initialized => unfit("be used before its PIN is set"),
        _ => Ok(()),
    }
}

fn conflict(shared: &Shared, token: &token::TokenId, order: &Order) -> Option<EnrolmentId> {
    let entries = shared.entries();
    let same = entries.values().find(|entry| {
        let other = entry.record.order();
        let settled = matches!(entry.status.state, "Active" | "Retiring");
        other.token == *token
            && other.contract == order.contract
            && other.user == order.user
            && !entry.record.state().is_over()
            && !settled
    });
    same.map(|entry| entry.record.order().id)
}

/// The key that the new one will replace: the one in the slot that is renewed, or, of those with this contract and user,
/// the one whose certificate is valid the longest.
fn replaced(
    info: &TokenInfo,
    contract: &token::ContractId,
    user: Option<&token::UserId>,
    renews: Option<&SlotId>,
) -> Option<(CertificateFacts, SlotId)> {
    let candidates = info.slots.iter().filter_map(|slot| {
        let facts = CertificateFacts::from_der(slot.certificate.as_deref()?).ok()?;
        let name = facts.name.as_ref()?;
        let there = renews.is_none_or(|renewed| *renewed == slot.slot);
        let same = there && name.contract == *contract && name.user.as_ref() == user;
        let whole = slot.public_key.as_ref() == Some(&facts.public_key);
        (same && whole).then_some((facts, &slot.slot))
    });
    candidates.max_by_key(|(facts, _)| facts.not_after).map(|(facts, slot)| (facts, slot.clone()))
}
