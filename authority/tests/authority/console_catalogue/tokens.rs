//! What an administrator does with a user's token.

use authority::denial::Denial;
use authority::otp::{Hash, Kind, hotp};
use token::Refusal;

use super::Scene;
use super::office::operate;
use crate::bench::{Bench, SEED, contract, user};

pub(super) async fn a_users_token(scene: &mut Scene) {
    let bench = Bench::with(|settings| settings.lock.otp = 3).await;
    let card = bench.administrator().await;
    bench.add_token("T-2", Kind::Hotp).await;
    let bank = bench.bank();
    bank.assign_token("T-2", &contract(), None).await.unwrap();
    let mut browser = scene.administrator(&bench, &card).await;
    let [zeroth, first] = [0, 1].map(|count| hotp(Hash::Sha1, SEED, count, 6).to_string());
    let two = [("serial", "T-2"), ("otp", zeroth.as_str())];
    let old = ("old_otp", "000000");

    scene.tells_administrator(&operate(&mut browser, "token-register", &two).await, Refusal::TokenHeld);
    for (serial, refusal) in [("T-9", Refusal::NotFound), ("T-1", Refusal::Exists)] {
        let fields = [("serial", serial), old, two[1]];
        scene.tells_administrator(&operate(&mut browser, "token-exchange", &fields).await, refusal);
    }
    let exchange = [two[0], two[1], old];
    for refusal in [Refusal::Otp, Refusal::Otp, Refusal::LockUser] {
        scene.tells_administrator(&operate(&mut browser, "token-exchange", &exchange).await, refusal);
    }
    bank.unlock_user(&contract(), &user(), "F-2").await.unwrap();
    let apart = [("first", zeroth.as_str()), ("second", first.as_str())];
    scene.tells_administrator(&operate(&mut browser, "token-resynchronise", &apart).await, Refusal::Otp);

    bank.lock_token("T-1", true, "F-3").await.unwrap();
    scene.tells_administrator(&operate(&mut browser, "token-unlock", &[]).await, Refusal::TokenBank);
    scene.tells_administrator(&operate(&mut browser, "token-resynchronise", &apart).await, Refusal::TokenLocked);
    bank.lock_token("T-1", false, "F-4").await.unwrap();
    let ended = "UPDATE tokens SET token_ends_at = 1 WHERE token_serial = 'T-1'";
    sqlx::query(ended).execute(&bench.intruder().await).await.unwrap();
    scene.tells_administrator(&operate(&mut browser, "token-resynchronise", &apart).await, Refusal::TokenExpired);

    assert_eq!(operate(&mut browser, "token-revoke", &[]).await.status, 303);
    scene.tells_administrator(&operate(&mut browser, "token-revoke", &[]).await, Refusal::NoToken);
    let later = Denial::dated(Refusal::TokenDelay, bench.clock.now() + 30 * 60);
    scene.tells_administrator(&operate(&mut browser, "token-register", &two).await, later);
}
