//! Requests a minute from one address (`server.requests-per-minute`): refused with the time to wait, for that address
//! alone, whatever address a client claims to have.

use std::net::{IpAddr, Ipv4Addr};

use authority::server::Peer;
use axum::body::Body;
use hyper::Request;
use tower::ServiceExt;

use crate::bench::{Bench, USER};

const LIMIT: u32 = 20;

/// A request as it reaches the doors from an address.
async fn ask(router: &axum::Router, from: u8, method: &str, path: &str, claims: Option<(&str, &str)>) -> (u16, String) {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    if let Some((header, value)) = claims {
        request = request.header(header, value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(Peer(IpAddr::V4(Ipv4Addr::new(192, 0, 2, from))));
    let answer = router.clone().oneshot(request).await.unwrap();
    let header = |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    if answer.status() == 429 {
        assert_eq!(header("content-type"), "application/problem+json");
        assert_eq!(header("cache-control"), "no-store");
    }
    (answer.status().as_u16(), header("retry-after"))
}

async fn limited() -> (Bench, axum::Router) {
    let bench = Bench::with(|settings| settings.server.requests_per_minute = LIMIT).await;
    let router = authority::doors::router(bench.house.clone());
    (bench, router)
}

#[tokio::test]
async fn each_door_is_shut_at_the_number_that_is_set_and_for_nobody_else() {
    for path in [
        "/login/challenge",
        "/login/verify",
        "/login/pin",
        "/admin/v1/login",
        "/admin/v1/emergency-stop",
        &format!("/admin/v1/users/{USER}/certificate"),
        "/user/v1/suspend",
        "/stop",
        "/verify/challenge",
        "/console/enter",
        "/user/enter",
        "/.well-known/cmp",
        "/nowhere",
    ] {
        let (bench, router) = limited().await;
        for n in 0..LIMIT {
            let (status, _) = ask(&router, 1, "POST", path, None).await;
            assert_ne!(status, 429, "{path}: request {n}");
        }
        let events = bench.events().await;
        // 20 a minute are one in three seconds.
        assert_eq!(ask(&router, 1, "POST", path, None).await, (429, "3".to_owned()), "{path}");
        assert_eq!(bench.events().await, events, "{path}: nothing is looked at, nothing is written");
        assert_ne!(ask(&router, 2, "POST", path, None).await.0, 429, "{path}: another address");
        bench.wait(2);
        assert_eq!(ask(&router, 1, "POST", path, None).await.0, 429, "{path}: before its time");
        bench.wait(1);
        assert_ne!(ask(&router, 1, "POST", path, None).await.0, 429, "{path}: after the time it was told");
        assert_eq!(ask(&router, 1, "POST", path, None).await.0, 429, "{path}: once");
    }
}

#[tokio::test]
async fn an_address_is_where_the_connection_comes_from_and_not_what_is_claimed() {
    let (_bench, router) = limited().await;
    for header in ["x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip"] {
        for n in 0..LIMIT {
            let claimed = if header == "forwarded" { format!("for=198.51.100.{n}") } else { format!("198.51.100.{n}") };
            ask(&router, 9, "POST", "/login/challenge", Some((header, &claimed))).await;
        }
        let refused = ask(&router, 9, "POST", "/login/challenge", Some((header, "198.51.100.250"))).await;
        assert_eq!(refused.0, 429, "{header} opens no door");
        // Nor does anybody use up another's by naming them.
        assert_ne!(ask(&router, 250, "POST", "/login/challenge", None).await.0, 429, "{header}");
    }
}

/// What relying parties ask at every login, and what is only looked at, is not counted.
#[tokio::test]
async fn reading_and_the_status_of_certificates_are_not_counted() {
    let (_bench, router) = limited().await;
    for _ in 0..LIMIT * 2 {
        assert_ne!(ask(&router, 1, "POST", "/ocsp", None).await.0, 429);
        assert_eq!(ask(&router, 1, "GET", "/.well-known/jitsuin", None).await.0, 200);
    }
    assert_eq!(ask(&router, 1, "POST", "/login/challenge", None).await.0, 200);
}
