//! The disk is full, and is not any more.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use authority::store::event;

use crate::bench::{Bench, Client, ON_POSTGRES};
use crate::postgres::cluster::Cluster;
use crate::served::{PROGRAM, Served, write_settings};

/// A process that sees its authority on a small disk of its own, as root or in a namespace that says so.
fn on_a_small_disk(bench: &Bench) -> Served {
    let place = bench.house.directory.display();
    let script = format!(
        "cp -a {place} {place}.copy && mount -t tmpfs -o size=1500k,mode=700 tmpfs {place} && \
         cp -a {place}.copy/. {place} && exec {PROGRAM} --dir {place} serve --listen 127.0.0.1:0"
    );
    let mut unshare = Command::new("unshare");
    unshare.args(if rustix::process::getuid().is_root() { &["-m"][..] } else { &["-m", "-r"] });
    Served::of(unshare.args(["sh", "-ec", &script]).stdin(Stdio::null()))
}

/// Fills the disk that `filler` is on, and asks until that is felt: what was acknowledged before.
async fn until_full(client: &Client, filler: &Path) -> Vec<String> {
    let mut file = std::fs::File::create(filler).unwrap();
    while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
    let mut acknowledged = Vec::new();
    let refused = loop {
        // Until the pages that are there already are used up.
        let answer = client.post("/login/challenge", &[]).await;
        if !answer.status.is_success() {
            break answer;
        }
        acknowledged.push(answer.ok()["challenge"].as_str().unwrap().to_owned());
        assert!(acknowledged.len() < 10_000, "the disk is not full");
    };
    assert_eq!((refused.code().as_str(), refused.status.as_u16()), ("E-UNAVAILABLE", 503));
    for _ in 0..5 {
        assert_eq!(client.post("/login/challenge", &[]).await.code(), "E-UNAVAILABLE");
    }
    acknowledged
}

async fn is_kept(db: &sqlx::AnyPool, challenge: &str) -> bool {
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM challenges WHERE challenge = $1");
    count.bind(challenge).fetch_one(db).await.unwrap_or(0) == 1
}

/// The same where PostgreSQL's data lie on the disk that is full: it refuses, or ends and is started again.
async fn postgresqls_disk() {
    let mut cluster = Cluster::new(Some("100m"));
    let bench = Bench::made(Some(&cluster.database().await), authority::clock::Clock::system(), |_| {}).await;
    write_settings(&bench, |_| {});
    let served = Served::start(&bench.house.directory, &[]);
    let client = served.client(&bench).await;
    client.post("/login/challenge", &[]).await.ok();
    let filler = cluster.inside("filler");
    let mut acknowledged = until_full(&client, &filler).await;
    std::fs::remove_file(filler).unwrap();
    // With room again it goes on by itself, or once it is started, where it had to give up; the authority does without.
    let mut answer = client.post("/login/challenge", &[]).await;
    if !answer.status.is_success() {
        cluster.tell("kill");
        cluster.tell("start");
        for _ in 0..100 {
            answer = client.post("/login/challenge", &[]).await;
            if answer.status.is_success() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
    acknowledged.push(answer.ok()["challenge"].as_str().unwrap().to_owned());
    let db = bench.intruder().await;
    event::verify(&db).await.unwrap();
    for challenge in acknowledged {
        assert!(is_kept(&db, &challenge).await, "{challenge} was acknowledged");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_disk_is_refused_and_nothing_is_half_done() {
    if ON_POSTGRES {
        return postgresqls_disk().await;
    }
    let bench = Bench::at(authority::clock::Clock::system(), |_| {}).await;
    write_settings(&bench, |_| {});
    bench.house.store.close().await;
    let served = on_a_small_disk(&bench);
    let inside = PathBuf::from(format!("/proc/{}/root{}", served.id(), bench.house.directory.display()));
    let client = served.client(&bench).await;
    client.post("/login/challenge", &[]).await.ok();
    let filler = inside.join("filler");
    let mut acknowledged = until_full(&client, &filler).await;
    // No balancer sends anybody here meanwhile.
    let ready = client.get("/health/ready").await;
    assert_eq!(ready.status.as_u16(), 503, "{}", String::from_utf8_lossy(&ready.body));
    std::fs::remove_file(filler).unwrap();
    assert_eq!(client.get("/health/ready").await.status.as_u16(), 200);
    acknowledged.push(client.post("/login/challenge", &[]).await.ok()["challenge"].as_str().unwrap().to_owned());

    // SQLite would resolve the way into the namespace to a place outside.
    let aside = bench.house.directory.join("aside.db");
    for end in ["", "-wal"] {
        let from = inside.join(format!("authority.db{end}"));
        std::fs::copy(from, format!("{}{end}", aside.display())).unwrap();
    }
    let copy = sqlx::AnyPool::connect(&format!("sqlite://{}", aside.display())).await.unwrap();
    event::verify(&copy).await.unwrap();
    let sound: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&copy).await.unwrap();
    assert_eq!(sound, "ok");
    for challenge in acknowledged {
        assert!(is_kept(&copy, &challenge).await, "{challenge} was acknowledged");
    }
}
