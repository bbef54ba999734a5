//! Whether the authority lives, and whether it can serve: for supervisors and load balancers. No personal data, no
//! secrets, and no more than that about the inside.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::Doors;
use crate::endings;
use crate::readiness::Readiness;

pub(super) fn routes() -> Router<Doors> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).route("/healthz", get(health))
}

async fn health(State(doors): State<Doors>) -> Json<Value> {
    Json(json!({ "status": "ok", "time": doors.house.clock.now() }))
}

/// The process answers. Whoever restarts it when it does not gains something.
async fn live() -> Json<Value> {
    Json(json!({ "live": true }))
}

/// Requests can be served. A restart does not help where this fails; sending nothing until it is mended does.
async fn ready(State(doors): State<Doors>) -> (StatusCode, Json<Value>) {
    let Readiness { database, clock, ca, vault } = Readiness::of(&doors.house).await;
    let ready = database && clock && ca && vault;
    let say = |good: bool, bad: &'static str| if good { "ok" } else { bad };
    // the ends stand in certificates and lists, which anybody may have
    let body = json!({
        "ready": ready,
        "database": say(database, "unavailable"),
        "clock": say(clock, "before the last event"),
        "ca": say(ca, "cannot sign"),
        "vault": say(vault, "a key is missing"),
        "ends": endings::all(&doors.house),
    });
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}
