//! The disk is full, and is not any more.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use authority::store::event;

use crate::bench::{Bench, ON_POSTGRES};
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_disk_is_refused_and_nothing_is_half_done() {
    // Where PostgreSQL's disk is full is PostgreSQL's to handle; outage.rs has what the authority makes of it.
    if ON_POSTGRES {
        return;
    }
    let bench = Bench::at(authority::clock::Clock::system(), |_| {}).await;
    write_settings(&bench, |_| {});
    bench.house.store.close().await;
    let served = on_a_small_disk(&bench);
    let inside = PathBuf::from(format!("/proc/{}/root{}", served.id(), bench.house.directory.display()));
    let client = served.client(&bench).await;
    client.post("/login/challenge", &[]).await.ok();
    let filler = inside.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
    let mut acknowledged = Vec::new();
    let refused = loop {
        // Until the log's pages that are there already are used up.
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
    // No balancer sends anybody here meanwhile.
    let ready = client.get("/health/ready").await;
    assert_eq!(ready.status.as_u16(), 503, "{}", String::from_utf8_lossy(&ready.body));
    std::fs::remove_file(filler).unwrap();
    drop(file);
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
        let kept: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM challenges WHERE challenge = $1")
            .bind(&challenge)
            .fetch_one(&copy)
            .await
            .unwrap();
        assert_eq!(kept, 1, "{challenge} was acknowledged");
    }
}
