//! What anybody may know.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Doors;

pub(super) fn routes() -> Router<Doors> {
    Router::new().route("/.well-known/jitsuin", get(about))
}

async fn about(State(doors): State<Doors>) -> Json<Value> {
    let house = &doors.house;
    Json(json!({
        "institution_code": house.settings.institution_code,
        "origin": house.settings.origin,
        "roots": house.ca.roots().into_iter().map(|root| hex::encode(Sha256::digest(root))).collect::<Vec<_>>(),
        "time": house.clock.now(),
    }))
}
