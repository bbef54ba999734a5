//! What anybody may know.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::Doors;

pub(super) fn routes() -> Router<Doors> {
    Router::new().route("/.well-known/jitsuin", get(about))
}

async fn about(State(doors): State<Doors>) -> Json<Value> {
    let house = &doors.house;
    Json(json!({
        "institution_code": house.settings.institution_code,
        "origin": house.settings.origin,
        "roots": [hex::encode(house.ca.root_sha256())],
        "time": house.clock.now(),
    }))
}
