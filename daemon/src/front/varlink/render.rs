//! Domain values as the interface description has them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use token::SlotSpace;

use crate::actor::TokenHandle;
use crate::enrolment::EnrolmentStatus;
use crate::service::Listed;
use crate::worker::{ModuleState, ModuleStatus};

pub(super) fn token(handle: &TokenHandle) -> Value {
    let info = handle.info();
    let features: Vec<&str> = info.abilities.iter().map(|a| a.name()).collect();
    let spare = match &info.space {
        SlotSpace::Fixed(slots) => Some(slots.len()),
        SlotSpace::Free => None,
    };
    json!({
        "id": info.id,
        "label": info.label,
        "kind": info.id.driver(),
        "model": info.model,
        "reader": info.reader,
        "generation": handle.generation(),
        "state": "present",
        "pinState": info.pin.name(),
        "pinRetries": info.pin.tries,
        "pinMin": info.pin.min,
        "pinMax": info.pin.max,
        "spareSlots": spare,
        "features": features,
    })
}

pub(super) fn module(state: &ModuleState) -> Value {
    let reason = match &state.status {
        ModuleStatus::Waiting { reason } => Some(reason),
        _ => None,
    };
    json!({
        "name": state.name,
        "path": state.path.display().to_string(),
        "state": state.status.name(),
        "reason": reason,
        "tokens": state.tokens,
        "restarts": state.restarts,
        "gaps": state.gaps,
    })
}

pub(super) fn certificate(listed: &Listed) -> Value {
    let facts = &listed.entry.facts;
    json!({
        "key": listed.entry.key,
        "token": listed.entry.key.token,
        "tokenLabel": listed.token_label,
        "certificate": BASE64_STANDARD.encode(&facts.der),
        "name": facts.common_name,
        "issuer": facts.issuer,
        "serial": facts.serial,
        "notBefore": facts.not_before,
        "notAfter": facts.not_after,
        "usable": listed.why_not.is_none(),
        "whyNot": listed.why_not.map(|w| w.name()),
    })
}

pub(super) fn enrolment(status: &EnrolmentStatus) -> Value {
    let (error, text) = status.last_error.as_ref().map(|(e, t)| (e.as_str(), t.as_str())).unzip();
    json!({
        "id": status.id.to_string(),
        "state": status.state,
        "needsAction": status.needs_action,
        "paused": status.paused,
        "abandonable": status.abandonable,
        "progress": status.progress,
        "ownerUid": status.owner,
        "profile": status.profile,
        "token": status.token,
        "subject": status.subject,
        "createdAt": status.created_at,
        "deadline": status.deadline,
        "lastError": error,
        "lastErrorText": text,
    })
}

/// How a long call stands: `running`, or what the holder is waited for.
pub(super) fn progress(needs_action: Option<&str>) -> Value {
    json!({ "progress": { "state": "running", "needsAction": needs_action } })
}
