//! 操作履歴 (D-409, D-706): whole, filtered, paged, taken away, and never another contract's.

use serde_json::Value;
use token::{ContractId, UserId};

use crate::bench::{Bench, CONFIRM_PIN, CONTRACT, CONTRACT_PIN, Client, USER, USER_PIN, secret};

const OTHER: &str = "00001234567";

async fn another_contract(bench: &Bench) {
    let (bank, other) = (bench.bank(), ContractId::new(OTHER).unwrap());
    bank.open_contract(&other, &secret(CONTRACT_PIN), &secret(CONFIRM_PIN), None).await.unwrap();
    // The same user ID, which is another user.
    bank.add_user(&other, &UserId::new(USER).unwrap(), &secret(USER_PIN)).await.unwrap();
    bank.add_administrator(&other, "F-2", authority::bank::Person::default()).await.unwrap();
}

async fn entries(office: &Client, query: &str) -> Vec<Value> {
    office.get(query).await.ok()["entries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_administrator_reads_its_own_contract_whatever_is_asked() {
    let bench = Bench::new().await;
    another_contract(&bench).await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    office.choose(USER, "reissue", None).await.ok();
    office.choose(USER, "revoke", None).await.ok();
    let all: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM events WHERE contract_id = $1")
        .bind(CONTRACT)
        .fetch_one(bench.house.store.readers())
        .await
        .unwrap();
    assert_eq!(entries(&office, "/admin/v1/history?limit=500").await.len() as i64, all);
    // Every combination of filters, pages and doors; injection included.
    let users = ["", "&user=riyousya", "&user=nobody"];
    let actions = ["", "&action=user.", "&action=certificate.", "&action=%25", "&action='%20OR%201=1"];
    let outcomes = ["", "&outcome=done", "&outcome=refused"];
    let edges = ["", "&before=4", "&after=2", "&since=0", "&until=9999999999"];
    for (user, action) in users.iter().flat_map(|u| actions.iter().map(move |a| (u, a))) {
        for (outcome, edge) in outcomes.iter().flat_map(|o| edges.iter().map(move |e| (o, e))) {
            for door in ["history", "history.csv", "history.jsonl", "users/riyousya/history"] {
                let answer = office.get(&format!("/admin/v1/{door}?limit=500{user}{action}{outcome}{edge}")).await;
                let body = String::from_utf8(answer.body.clone()).unwrap();
                assert!(!body.contains(OTHER), "{door} {user}{action}{outcome}{edge}");
                if action.contains('%') {
                    assert_eq!(answer.code(), "E-BAD-REQUEST");
                } else {
                    assert!(answer.status.is_success(), "{body}");
                }
            }
        }
    }
    for bad in ["colour=1", "limit=x", "outcome=maybe", "user=a%20b"] {
        assert!(office.get(&format!("/admin/v1/history?{bad}")).await.status.is_client_error(), "{bad}");
    }
    let stranger = bench.client().await;
    for door in
        ["history", "history.csv", "history.jsonl", "users/riyousya/history", "overview", "notices", "otp-tokens"]
    {
        assert_eq!(stranger.get(&format!("/admin/v1/{door}")).await.code(), "E-SESSION");
    }
}

#[tokio::test]
async fn history_is_filtered_and_paged_and_says_what_happened() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let mut office = bench.office(&administrator).await;
    let version = office.version(USER).await;
    let wrong = [("choice", "revoke"), ("confirm_pin", "wrong1"), ("version", version.as_str())];
    office.post(&format!("/admin/v1/users/{USER}/certificate"), &wrong).await.code();
    bench.wait(60);
    office.choose(USER, "reissue", None).await.ok();

    let refused = entries(&office, &format!("/admin/v1/users/{USER}/history?outcome=refused")).await;
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["outcome"], "E-CONFIRM-PIN");
    assert!(refused[0]["outcome_text"].as_str().unwrap().contains("Nothing was changed"));
    assert_eq!(refused[0]["at_jst"], "2022-10-01T12:00:00+09:00");
    let late = entries(&office, "/admin/v1/history?since=1664593201&action=certificate.").await;
    assert_eq!(
        late.iter().map(|entry| entry["action"].as_str().unwrap()).collect::<Vec<_>>(),
        ["certificate.reissue", "certificate.open"]
    );
    assert_eq!(entries(&office, "/admin/v1/history?until=1664593199").await, Vec::<Value>::new());
    office.language = "ja";
    let bank = entries(&office, "/admin/v1/history?action=user.add").await;
    assert_eq!(
        (&bank[0]["role_text"], &bank[0]["actor"], &bank[0]["action_text"]),
        (&"金融機関".into(), &"".into(), &"利用者の登録".into())
    );

    let whole = entries(&office, "/admin/v1/history?limit=500").await;
    let (mut pages, mut before) = (Vec::new(), String::new());
    loop {
        let page = office.get(&format!("/admin/v1/history?limit=3{before}")).await.ok();
        pages.extend(page["entries"].as_array().unwrap().clone());
        match page["next_before"].as_i64() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    assert_eq!(pages, whole);
}

#[tokio::test]
async fn an_export_of_many_pages_is_whole() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    for _ in 0..1800 {
        bench.acquisition().wrong_code(&crate::bench::applicant(Some(USER))).await.unwrap();
    }
    let expected: Vec<i64> = sqlx::query_scalar("SELECT seq FROM events WHERE contract_id = $1 ORDER BY seq")
        .bind(CONTRACT)
        .fetch_all(bench.house.store.readers())
        .await
        .unwrap();
    for (door, heads) in [("history.csv", true), ("history.jsonl", false)] {
        let (mut seen, mut after, mut pages) = (Vec::new(), 0, 0);
        loop {
            let answer = office.get(&format!("/admin/v1/{door}?after={after}")).await;
            assert!(answer.status.is_success() && answer.body.len() <= 200 * 1024);
            pages += 1;
            let new: Vec<i64> = if heads {
                assert_eq!(answer.body.starts_with("\u{feff}seq,".as_bytes()), after == 0);
                let body = answer.body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&answer.body);
                let mut reader = csv::ReaderBuilder::new().has_headers(after == 0).from_reader(body);
                reader.records().map(|record| record.unwrap()[0].parse().unwrap()).collect()
            } else {
                let lines = answer.body.split(|b| *b == b'\n').filter(|line| !line.is_empty());
                lines.map(|line| serde_json::from_slice::<Value>(line).unwrap()["seq"].as_i64().unwrap()).collect()
            };
            let Some(last) = new.last() else { break };
            after = *last;
            seen.extend(new);
        }
        assert_eq!(seen, expected, "{door}");
        assert!(pages > 2, "{door} in {pages} pages");
    }
}

#[tokio::test]
async fn the_overview_shows_users_and_what_was_changed_lately() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    bench.user_card(&office).await;
    let shown = office.get("/admin/v1/overview").await.ok();
    let user = &shown["users"][0];
    assert_eq!(
        (&user["user_id"], &user["days_left"], &user["token_status"]),
        (&USER.into(), &365.into(), &"registered".into())
    );
    assert!(shown["recent_changes"].as_array().unwrap().iter().any(|entry| entry["action"] == "user.add"));
    assert_eq!(
        office.get("/admin/v1/users").await.ok()["users"][0],
        office.get(&format!("/admin/v1/users/{USER}")).await.ok()
    );
}
