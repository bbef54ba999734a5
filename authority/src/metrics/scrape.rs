//! `/metrics` itself: what was counted, and what is asked when it is read.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::Mutex;

use super::{Labels, PREFIX, process};
use crate::house::House;
use crate::readiness::Readiness;
use crate::store::figures::{Figures, figures};

/// What Prometheus asks for first.
const OPEN_METRICS: &str = "application/openmetrics-text";
/// And what it is given then (OpenMetrics 1.0).
const OPEN_METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// How long the tables may take. Prometheus itself gives up after ten seconds.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Clone)]
struct Scraped {
    house: House,
    /// One scrape at a time: whoever reads often takes one of the readers' connections, not all.
    turn: Arc<Mutex<()>>,
}

/// What is served at `[metrics] listen`.
pub fn router(house: House) -> Router {
    let state = Scraped { house: house.in_background(), turn: Arc::default() };
    Router::new().route("/metrics", get(scrape)).with_state(state)
}

async fn scrape(State(state): State<Scraped>, headers: HeaderMap) -> Response {
    let _turn = state.turn.lock().await;
    let open = headers.get_all(ACCEPT).iter().any(|value| value.to_str().is_ok_and(|text| text.contains(OPEN_METRICS)));
    let Ok(body) = written(&state.house, open).await else {
        tracing::error!("the metrics could not be written");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let media = if open { OPEN_METRICS_TYPE } else { prometheus_text::CONTENT_TYPE };
    ([(CONTENT_TYPE, media), (CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")], body).into_response()
}

async fn written(house: &House, open: bool) -> Result<String, std::fmt::Error> {
    let mut asked = Registry::with_prefix(PREFIX);
    let ready = Readiness::of(house).await;
    let read = tokio::time::timeout(PATIENCE, figures(house.store.readers(), house.clock.now())).await;
    let read = read.ok().and_then(|read| read.inspect_err(|error| tracing::warn!(%error, "no figures")).ok());
    standing(&mut asked, house, ready);
    // Nothing is better than what was so some time ago.
    if let Some(figures) = &read {
        tables(&mut asked, figures);
    }
    let mut own = Registry::default();
    process::register(&mut own);
    let mut body = String::new();
    for registry in [house.metrics.registry(), &asked, &own] {
        if open {
            text::encode_registry(&mut body, registry)?;
        } else {
            prometheus_text::encode(&mut body, registry)?;
        }
    }
    if open {
        body.write_str("# EOF\n")?;
    }
    Ok(body)
}

/// What this process has at hand.
fn standing(registry: &mut Registry, house: &House, ready: Readiness) {
    registry.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    let parts: Family<Labels<1>, Gauge> = Family::default();
    for (part, good) in [("database", ready.database), ("clock", ready.clock), ("ca", ready.ca), ("vault", ready.vault)]
    {
        parts.get_or_create(&[("part", part)]).set(good.into());
    }
    registry.register("ready", "1 for each part of /health/ready that is as it should be", parts);
    let connections: Family<Labels<2>, Gauge> = Family::default();
    for (pool, all, idle) in house.store.connections() {
        let idle = i64::try_from(idle).unwrap_or(i64::MAX);
        connections.get_or_create(&[("pool", pool), ("state", "idle")]).set(idle);
        connections.get_or_create(&[("pool", pool), ("state", "used")]).set((i64::from(all) - idle).max(0));
    }
    registry.register("database_connections", "Connections to the database", connections);
    let slots = i64::try_from(house.pins.free_slots()).unwrap_or(i64::MAX);
    let help = "PIN hashes and MACs that could begin at once; at 0 the next ones wait";
    registry.register("pin_hash_slots_free", help, ConstGauge::new(slots));
    let ends: Family<Labels<1>, Gauge> = Family::default();
    ends.get_or_create(&[("certificate", "issuing")]).set(house.ca.current().not_after());
    if let Some(end) = house.ca.root_not_after() {
        ends.get_or_create(&[("certificate", "root")]).set(end);
    }
    if let Some(end) = house.metrics.doors().server_certificate_ends() {
        ends.get_or_create(&[("certificate", "server")]).set(end);
    }
    let help = "When a certificate of the authority's own ends; of the server's, the one in use";
    registry.register_with_unit("certificate_end_timestamp", help, Unit::Seconds, ends);
}

/// What the tables say.
fn tables(registry: &mut Registry, figures: &Figures) {
    let ending: Family<[(&str, String); 1], Gauge> = Family::default();
    for (days, count) in &figures.ending {
        ending.get_or_create(&[("within_days", days.to_string())]).set(*count);
    }
    registry.register("certificates_ending", "Holders' certificates, in use or on hold, that end soon", ending);
    let mut number = |name: &str, help: &str, value| registry.register(name, help, ConstGauge::new(value));
    number("record_events", "Events in the record", figures.events);
    number("notices_waiting", "Notices that wait to be sent", figures.notices_waiting);
    number("notices_dead", "Notices that were given up: jitsuin-authority notice list", figures.notices_dead);
    number("notices_events_behind", "Events that were not looked at for notices yet", figures.notices_behind);
    if let Some(oldest) = figures.notices_oldest {
        let help = "When the oldest notice was written that still waits";
        let gauge = ConstGauge::new(oldest);
        registry.register_with_unit("notices_oldest_waiting_timestamp", help, Unit::Seconds, gauge);
    }
    // Of an issuing CA there are a few in the life of an authority; the identifier is that of its key.
    let [this, next]: [Family<[(&str, String); 1], Gauge>; 2] = Default::default();
    for (issuer, this_update, next_update) in &figures.lists {
        let label = [("issuer", issuer.clone())];
        this.get_or_create(&label).set(*this_update);
        next.get_or_create(&label).set(*next_update);
    }
    let help = "thisUpdate of the newest whole list of an issuing CA";
    registry.register_with_unit("crl_this_update_timestamp", help, Unit::Seconds, this);
    let help = "nextUpdate of the newest whole list of an issuing CA";
    registry.register_with_unit("crl_next_update_timestamp", help, Unit::Seconds, next);
}
