//! The PIN rules, counted where it matters: at the token.

use tests::scratch::any_output;
use zbus::OwnedObjectPath;

use crate::bench::{Agent, Bench, Caller, ORIGIN, PIN, challenge, text, vardict, verify};

const TOKEN: &str = "/org/jitsuin/Jitsuin1/token/t1";

#[tokio::test(flavor = "multi_thread")]
async fn the_same_wrong_pin_costs_one_try() {
    let bench = Bench::new();
    let caller = bench.caller().await;
    let agent = Agent::new(&[("consent", &["allowed"]), ("card-pin", &["111222", "111222", PIN])]);
    caller.register(&agent).await.unwrap();
    let nonce = challenge();
    let token = caller.login(ORIGIN, &nonce, vardict([])).await.unwrap();
    verify(&token, ORIGIN, &nonce);
    let asked = agent.seen("card-pin");
    assert_eq!(asked.len(), 3);
    assert_eq!((text(&asked[1], "reason"), text(&asked[2], "reason")), ("wrong".to_owned(), "same".to_owned()));
    assert_eq!(
        agent.notices("pin-wrong", 1).await.len(),
        1,
        "one VERIFY was wrong, the second was refused from memory"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn three_entries_and_no_more() {
    let bench = Bench::new();
    let caller = bench.caller().await;
    // SoftHSM counts nothing down: each entry is seen at the agent.
    let agent = Agent::new(&[("consent", &["allowed"]), ("card-pin", &["12", "111222", "222111", PIN])]);
    caller.register(&agent).await.unwrap();
    assert_eq!(caller.login(ORIGIN, &challenge(), vardict([])).await, Err("PinIncorrect".to_owned()));
    assert_eq!(agent.seen("card-pin").len(), 3);
    assert_eq!(text(&agent.seen("card-pin")[1], "reason"), "format", "too short to be tried");
    assert_eq!(agent.notices("pin-wrong", 2).await.len(), 2);
    assert_eq!(bench.audit().pop().unwrap()["outcome"], "PinIncorrect");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_pin_keeps_the_rules() {
    let bench = Bench::new();
    let caller = bench.caller().await;
    let agent = Agent::new(&[("card-pin", &[PIN]), ("new-card-pin", &["12345", "123456", "271828"])]);
    caller.register(&agent).await.unwrap();
    assert_eq!(change(&caller).await, Ok(()));
    let asked = agent.seen("new-card-pin");
    assert_eq!((text(&asked[1], "reason"), text(&asked[2], "reason")), ("format".to_owned(), "common".to_owned()));
    let login = |pin| {
        let mut tool = bench.hsm.pkcs11_tool();
        any_output(tool.args(["--token-label", "card", "--login", "--pin", pin, "-O"])).status.success()
    };
    assert!(login("271828") && !login(PIN), "another program sees the new PIN");

    agent.answers("card-pin", &["999999"]);
    agent.answers("new-card-pin", &["314159"]);
    assert_eq!(change(&caller).await, Err("PinIncorrect".to_owned()));
    agent.answers("card-pin", &["271828"]);
    agent.answers("new-card-pin", &["000000"]);
    assert_eq!(change(&caller).await, Err("InvalidArgument".to_owned()));
    assert!(login("271828"));

    let unblock: OwnedObjectPath = caller.call(TOKEN, "Token.UnblockPin", &(vardict([]),)).await.unwrap();
    let (_, result) = caller.wait(unblock.as_str()).await.unwrap();
    assert_eq!(text(&result, "error"), "org.jitsuin.Jitsuin1.Error.NotSupported");
}

async fn change(caller: &Caller) -> Result<(), String> {
    let request: OwnedObjectPath = caller.call(TOKEN, "Token.ChangePin", &(vardict([]),)).await?;
    let (state, result) = caller.wait(request.as_str()).await?;
    if state == "done" {
        return Ok(());
    }
    Err(text(&result, "error").rsplit('.').next().unwrap_or_default().to_owned())
}
