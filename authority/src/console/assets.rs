//! Style, script and mark of the pages. Each stands under the hash of its bytes, so that browsers may keep it.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use crate::house::House;

struct Asset {
    bytes: &'static [u8],
    media: &'static str,
    end: &'static str,
}

static STYLE: Asset =
    Asset { bytes: include_bytes!("../../assets/console.css"), media: "text/css; charset=utf-8", end: "css" };
/// htmx 2.0.11, from npm's `htmx.org`, as it is; its licence (0BSD) stands beside it.
static SCRIPT: Asset =
    Asset { bytes: include_bytes!("../../assets/htmx.min.js"), media: "text/javascript; charset=utf-8", end: "js" };
static MARK: Asset = Asset { bytes: include_bytes!("../../assets/mark.svg"), media: "image/svg+xml", end: "svg" };

/// Where the page finds the style.
pub(super) static STYLE_PATH: LazyLock<String> = LazyLock::new(|| STYLE.path());
/// Where the page finds the script.
pub(super) static SCRIPT_PATH: LazyLock<String> = LazyLock::new(|| SCRIPT.path());
/// Where the page finds the mark.
pub(super) static MARK_PATH: LazyLock<String> = LazyLock::new(|| MARK.path());

impl Asset {
    fn path(&self) -> String {
        let hash = hex::encode(Sha256::digest(self.bytes));
        format!("/assets/{}.{}", hash.get(..16).unwrap_or_default(), self.end)
    }

    fn response(&self) -> Response {
        let headers = [(CONTENT_TYPE, self.media), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
        (headers, self.bytes).into_response()
    }
}

pub(super) fn routes() -> Router<House> {
    Router::new().route("/assets/{name}", get(asset))
}

async fn asset(Path(name): Path<String>) -> Response {
    let asked = format!("/assets/{name}");
    let all = [(&STYLE, &*STYLE_PATH), (&SCRIPT, &*SCRIPT_PATH), (&MARK, &*MARK_PATH)];
    let found = all.into_iter().find(|(_, path)| **path == asked);
    found.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |(asset, _)| asset.response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_htmx_as_it_was_published() {
        let hash = hex::encode(Sha256::digest(SCRIPT.bytes));
        assert_eq!(hash, "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717");
    }
}
