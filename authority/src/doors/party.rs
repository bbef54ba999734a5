//! Relying parties that have logins checked here: `/verify/…`, with their bearer token (RFC 6750 §2.1).

use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use token::Refusal;

use super::form::Form;
use super::problem::Problem;
use super::{Caller, Doors, bearer};
use crate::jst;
use crate::store::parties::RelyingParty;

pub(super) fn routes() -> Router<Doors> {
    Router::new().route("/verify/challenge", post(challenge)).route("/verify/token", post(token))
}

async fn challenge(caller: Caller, headers: HeaderMap, form: Form) -> Result<Json<Value>, Problem> {
    let party = party(&caller, &headers, &form).await?;
    let new = caller.login.party_challenge(&party).await.map_err(|denial| caller.problem.of(denial))?;
    Ok(Json(json!({
        "challenge": new.challenge.as_str(),
        "origin": party.origin,
        "expires_at": new.expires_at,
    })))
}

/// What is told of a login is what our own says of one, in the same words. The key's own PIN stood before it; the user PIN,
/// which parties never see, did not.
async fn token(caller: Caller, headers: HeaderMap, form: Form) -> Result<Json<Value>, Problem> {
    let party = party(&caller, &headers, &form).await?;
    let challenge = form.wanted("challenge").map_err(|refusal| caller.problem.of(refusal))?;
    let token = form.wanted("token").map_err(|refusal| caller.problem.of(refusal))?;
    let login = caller.login.verify_for_party(&party, challenge, token).await;
    let login = login.map_err(|denial| caller.problem.of(denial))?;
    Ok(Json(json!({
        "status": "valid",
        "subject": login.subject.to_string(),
        "contract_id": login.subject.contract,
        "user_id": login.subject.user,
        "institution_code": login.subject.institution,
        "certificate_sha256": hex::encode(login.certificate_sha256),
        "serial": login.serial,
        "issue_no": format!("{:03}", login.issue_no),
        "valid_until": login.valid_until,
        "valid_until_text": jst::date_time(login.valid_until),
        "credential_age_seconds": login.worth.credential_age,
        "cooling_off_until": login.worth.cooling_off_until,
        "cooling_off_until_text": login.worth.cooling_off_until.map(jst::date_time),
        "assurance": login.worth.assurance.key(),
        "rights": login.worth.rights(),
        "time": caller.house.clock.now(),
    })))
}

/// Who asks. A party that says for which origin it asks must be registered for that one.
async fn party(caller: &Caller, headers: &HeaderMap, form: &Form) -> Result<RelyingParty, Problem> {
    let bearer = bearer(headers).ok_or_else(|| caller.problem.of(Refusal::Party))?;
    let party = caller.login.party(bearer).await.map_err(|denial| caller.problem.of(denial))?;
    match form.text("origin") {
        Some(origin) if origin != party.origin.as_str() => Err(caller.problem.of(Refusal::Origin)),
        _ => Ok(party),
    }
}
