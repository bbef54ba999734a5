//! 管理者.

use axum::Router;

use super::Doors;

pub(super) fn routes() -> Router<Doors> {
    Router::new()
}
