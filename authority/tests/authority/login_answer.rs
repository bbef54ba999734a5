//! What the login answer tells the bank's own systems: age, assurance, cooling-off and rights (D-507, D-508, D-512).

use crate::bench::{Bench, START, USER_PIN, text};

#[tokio::test]
async fn a_new_certificate_cools_off_until_the_bank_opens() {
    let bench = Bench::with(|settings| {
        settings.risk.holidays = vec!["2022-10-03".parse().unwrap()];
        settings.risk.suspend_rights_on_reissue = true;
    })
    .await;
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    let client = bench.client().await;
    let log_in = async || {
        let login = client.verify(&card).await.ok()["login"].as_str().unwrap().to_owned();
        client.pin(&login, USER_PIN).await.ok()
    };
    // Saturday noon, 1 October 2022; Monday is a holiday here.
    let opens = 1_664_809_200;
    let answer = log_in().await;
    assert_eq!(answer["cooling_off_until"], opens);
    assert_eq!(text(&answer, "cooling_off_until_text"), "2022年10月04日 00:00:00");
    assert_eq!((text(&answer, "assurance"), text(&answer, "rights")), ("unattested", "suspended"));
    assert_eq!((answer["credential_age_seconds"].as_i64(), answer["renewal_due"].as_bool()), (Some(0), Some(false)));
    bench.clock.set(opens);
    let answer = log_in().await;
    assert_eq!(answer["cooling_off_until"], serde_json::Value::Null);
    assert_eq!(answer["credential_age_seconds"], opens - START);
    bench.wait(335 * 86_400);
    assert_eq!(log_in().await["renewal_due"], true);
}
