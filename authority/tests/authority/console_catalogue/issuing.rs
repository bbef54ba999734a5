//! The administrator's word for a key, and a CA whose key is out of reach just then.

use std::sync::Arc;

use authority::ca::Ca;
use authority::ca::ceremony::Keep;
use authority::settings::CaSettings;
use enrol::cmp::client::Response;
use token::Refusal;
use tokio_util::sync::CancellationToken;

use super::Scene;
use super::office::operate;
use crate::bench::{Bench, Client, USER, secret};
use crate::ca_life::Ceremony;
use crate::cmp_door::{Door, public};

pub(super) async fn the_word_for_a_key(scene: &mut Scene) {
    let bench = Bench::with(|settings| {
        settings.acquisition.code = false;
        settings.device.confirm_key = true;
    })
    .await;
    let card = bench.administrator().await;
    bench.office(&card).await.choose(USER, "reissue", None).await.ok();
    let mut browser = scene.administrator(&bench, &card).await;
    let door = Door::of(bench);
    let right = public(&door.key).spoken_fingerprint();
    let page = operate(&mut browser, "key", &[("fingerprint", right.as_str())]).await;
    scene.tells_administrator(&page, Refusal::NotFound);
    let asked = door.second_page_with(None, &door.key, &door.bench.otp(), None).await;
    assert!(matches!(asked, Response::Waiting { .. }), "{asked:?}");
    let page = operate(&mut browser, "key", &[("fingerprint", "00000-00000-00000-00000")]).await;
    scene.tells_administrator(&page, Refusal::Fingerprint);

    // Another server, in which nobody has opened the new CA's key.
    let bench = &door.bench;
    Ceremony::new(bench).install(bench, &Keep::Sealed(&secret("the issuing key's own words")));
    let mut house = bench.house.clone();
    house.ca = Arc::new(Ca::open(&house.directory.join("ca"), &CaSettings::default()).unwrap());
    authority::revocation::register(&house.store, &house.ca, &bench.clock).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    tokio::spawn(authority::server::run(house, listener, shutdown.clone()));
    browser.client = Client::connect(address, bench.house.ca.root()).await;
    let page = operate(&mut browser, "key", &[("fingerprint", right.as_str())]).await;
    scene.tells_administrator(&page, Refusal::Issuing);
    assert_eq!(bench.states().await, ["awaiting"], "nothing was changed");
    shutdown.cancel();
}
