//! 利用者ログイン.

use axum::Router;

use super::Doors;

pub(super) fn routes() -> Router<Doors> {
    Router::new()
}
