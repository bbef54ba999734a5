//! Where two administrators are needed.

use authority::bank::Person;
use token::Refusal;

use super::Scene;
use super::office::operate;
use crate::bench::{Bench, CONFIRM_PIN};
use crate::two_administrators::another;

pub(super) async fn another_administrators_word(scene: &mut Scene) {
    let bench = Bench::with(|settings| settings.administrator.dual_control = true).await;
    let first = bench.administrator().await;
    another(&bench, Person::default()).await;
    let mut browser = scene.administrator(&bench, &first).await;
    let asked = operate(&mut browser, "deregister", &[]).await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    let told = browser.get(asked.headers["location"].to_str().unwrap()).await;
    scene.mention(&told, Refusal::Dual);

    let form = browser.get("/console/approvals").await;
    let id = form.body.split("id=\"approval-").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let confirm = ("confirm_pin", CONFIRM_PIN);
    for (id, decision, refusal) in [
        ("", "approve", Refusal::Required),
        (id.as_str(), "", Refusal::Required),
        (&id, "approve", Refusal::OwnMatter),
        ("00", "approve", Refusal::Stale),
    ] {
        let fields = [("approval", id), ("decision", decision), confirm];
        scene.tells_administrator(&browser.submit(&form, "/console/approvals", &fields).await, refusal);
    }
}

pub(super) async fn coming_back_too_often(scene: &mut Scene) {
    let bench = Bench::with(|settings| settings.suspend.max_count = 0).await;
    let first = bench.administrator().await;
    let (_, second) = another(&bench, Person::default()).await;
    bench.user_card(&bench.office(&first).await).await;
    let mut one = scene.administrator(&bench, &first).await;
    let mut two = scene.administrator(&bench, &second).await;
    assert_eq!(operate(&mut one, "suspend", &[("reason", "lost")]).await.status, 303);
    scene.tells_administrator(&operate(&mut two, "reinstate", &[]).await, Refusal::SuspendMax);
}
