//! The key of secrets at rest: changed while servers serve, cut off anywhere, and which database it goes with.

use std::path::Path;
use std::process::{Command, Output};

use authority::clock::Clock;
use authority::house::House;
use authority::otp::Kind;
use authority::store::sealed::{self, SEALED};
use authority::store::{event, vault_state};
use authority::vault::rekey;

use crate::bench::{Bench, ON_POSTGRES, USER, applicant};
use crate::postgres::Database;
use crate::served::{PROCESSES, PROGRAM, Served, write_settings};

fn command(bench: &Bench, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("--dir").arg(&*bench.house.directory).args(arguments);
    command
}

#[track_caller]
fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// An authority with something sealed in every table: more tokens than one batch has.
async fn full_of_secrets() -> Bench {
    let bench = Bench::at(Clock::system(), |settings| settings.certificate.users_per_contract = 99).await;
    write_settings(&bench, |_| {});
    let administrator = bench.administrator().await;
    bench.office(&administrator).await.choose(USER, "reissue", Some("pc_change")).await.ok();
    let (code, db) = (bench.code().await.unwrap(), bench.intruder().await);
    assert!(!code.expose().is_empty());
    // As an earlier program wrote them, and more than one batch of them.
    let secret = bench.house.vault.seal("token N-0", b"12345678901234567890").unwrap();
    let old = secret[12..].to_vec();
    for n in 0..450 {
        let serial = format!("N-{n}");
        let value = if n == 0 {
            old.clone()
        } else {
            bench.house.vault.seal(&format!("token {serial}"), b"12345678901234567890").unwrap()
        };
        sqlx::query(
            "INSERT INTO tokens (token_serial, token_status, otp_kind, otp_hash, otp_digits, otp_period, otp_secret, \
             added_at, token_ends_at) VALUES ($1, 'stock', 'totp', 'sha1', 6, 30, $2, 0, 4000000000)",
        )
        .bind(serial)
        .bind(value)
        .execute(&db)
        .await
        .unwrap();
    }
    bench
}

/// How many secrets there are; all of them open.
async fn all_open(house: &House) -> usize {
    let mut count = 0;
    for place in &SEALED {
        for (name, value) in sealed::page(house.store.readers(), place, "", 10_000).await.unwrap() {
            house.vault.open(&(place.row)(&name), &value).unwrap();
            count += 1;
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_key_comes_while_servers_serve() {
    let bench = full_of_secrets().await;
    let servers: Vec<_> = (0..PROCESSES).map(|_| Served::start(&bench.house.directory, &[])).collect();
    let secrets = all_open(&bench.house).await;
    let old = bench.house.vault.sealing();
    let status = good(&command(&bench, &["vault", "status"]).output().unwrap());
    assert!(status.contains(&format!("key {old} seals, here")), "{status}");
    assert!(status.contains("1 secrets under a key that they do not name"), "{status}");

    let prepared = good(&command(&bench, &["vault", "rekey", "--prepare"]).output().unwrap());
    let again = good(&command(&bench, &["vault", "rekey", "--prepare"]).output().unwrap());
    assert_eq!(prepared, again, "there is one next key");
    let rekeying = command(&bench, &["vault", "rekey"]).spawn().unwrap();
    let mut tokens = 0;
    for server in &servers {
        let client = server.client(&bench).await;
        assert!(client.get("/health/ready").await.status.is_success());
    }
    // Others' work goes on, and what they seal meanwhile is sealed again as well.
    let rekeying = std::thread::spawn(move || rekeying.wait_with_output().unwrap());
    while !rekeying.is_finished() {
        bench.add_token(&format!("M-{tokens}"), Kind::Totp { period: 30 }).await;
        tokens += 1;
    }
    assert!(rekeying.join().unwrap().status.success());
    let state = vault_state::read(bench.house.store.readers()).await.unwrap();
    let new = state.key.unwrap();
    assert!(new != old && state.next.is_none() && prepared.contains(&new.to_string()));
    assert_eq!(bench.house.vault.sealing(), new, "a process that runs takes it up");
    assert_eq!(all_open(&bench.house).await, secrets + tokens);
    bench.add_token("after", Kind::Totp { period: 30 }).await;
    for (key, count) in rekey::census(&bench.house).await.unwrap() {
        // A token that was sealed before the last change and written after it names the old key, which is kept.
        assert!(key == Some(new.to_string()) || count <= 1, "{key:?} {count}");
    }
    for server in &servers {
        let client = server.client(&bench).await;
        assert!(client.get("/health/ready").await.status.is_success());
    }
    assert_eq!((bench.events_of("vault.begin").await, bench.events_of("vault.rekey").await), (1, 1));
    bench.acquire().await.unwrap();
    let fresh = House::open(&bench.house.directory, Clock::system()).await.unwrap();
    assert_eq!(all_open(&fresh).await, secrets + tokens + 1);
    event::verify(fresh.store.readers()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cut_off_anywhere_nothing_is_lost_and_it_goes_on() {
    let bench = full_of_secrets().await;
    let secrets = all_open(&bench.house).await;
    let old = bench.house.vault.sealing();
    let mut kills = 0;
    'cut: loop {
        for moment in ["before:1", "after:1"] {
            let output = command(&bench, &["vault", "rekey"]).env("JITSUIN_AUTHORITY_CRASH", moment).output().unwrap();
            if output.status.success() {
                break 'cut;
            }
            assert_eq!(output.status.code(), None, "killed: {}", String::from_utf8_lossy(&output.stderr));
            kills += 1;
            assert!(kills < 50);
            assert_eq!(all_open(&bench.house).await, secrets, "a process that runs");
            let fresh = House::open(&bench.house.directory, Clock::system()).await.unwrap();
            assert_eq!(all_open(&fresh).await, secrets, "one that starts");
            fresh.store.close().await;
        }
    }
    assert!(kills >= 10, "begun, five batches and the end, each before and after its commit: {kills}");
    let state = vault_state::read(bench.house.store.readers()).await.unwrap();
    assert!(state.key != Some(old) && state.next.is_none());
    let counts = rekey::census(&bench.house).await.unwrap();
    assert_eq!(counts.keys().cloned().collect::<Vec<_>>(), [state.key.map(|key| key.to_string())]);
    assert_eq!((bench.events_of("vault.begin").await, bench.events_of("vault.rekey").await), (1, 1));
    let names: Vec<_> =
        bench.house.directory.read_dir().unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.contains(&format!("secrets.key.{old}")) && !names.contains(&"secrets.key.next".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_has_not_got_the_key_says_so_until_it_comes() {
    let bench = full_of_secrets().await;
    let old = bench.house.vault.sealing();
    let served = Served::start(&bench.house.directory, &[]);
    let client = served.client(&bench).await;
    let scratch = tempfile::tempdir().unwrap();
    let backups = ["bare", "whole"].map(|name| scratch.path().join(name));
    good(&command(&bench, &["backup", backups[0].to_str().unwrap()]).output().unwrap());
    good(&command(&bench, &["backup", "--with-keys", backups[1].to_str().unwrap()]).output().unwrap());
    good(&command(&bench, &["vault", "rekey"]).output().unwrap());
    let new = bench.house.vault.sealing();

    // As on a machine to which the new key was never copied.
    let at = |name: &str| bench.house.directory.join(name);
    std::fs::rename(at("secrets.key"), scratch.path().join("new")).unwrap();
    std::fs::rename(at(&format!("secrets.key.{old}")), at("secrets.key")).unwrap();
    let ready = client.get("/health/ready").await;
    assert_eq!((ready.status.as_u16(), ready.problem()["vault"].as_str()), (503, Some("a key is missing")));
    assert_eq!(bench.acquire().await.err().unwrap().code(), "E-UNAVAILABLE", "a secret under a key that is not here");
    let said = refused(&command(&bench, &["serve", "--listen", "127.0.0.1:0"]).output().unwrap());
    assert!(said.contains(&format!("under the key {new}")) && said.contains("Copy secrets.key"), "{said}");
    // It comes, and no restart is needed.
    std::fs::rename(at("secrets.key"), at(&format!("secrets.key.{old}"))).unwrap();
    std::fs::rename(scratch.path().join("new"), at("secrets.key")).unwrap();
    assert!(client.get("/health/ready").await.status.is_success());
    bench.acquire().await.unwrap();

    // Backups from before open with the keys from before, in them or kept beside the new one.
    for (n, backup) in backups.iter().enumerate() {
        let (to, database) = (scratch.path().join(format!("restored{n}")), empty().await);
        let mut restore = Command::new(PROGRAM);
        restore.arg("--dir").arg(&to).arg("restore").arg(backup);
        if n == 0 {
            restore.arg("--keys").arg(&*bench.house.directory);
        }
        if let Some(database) = &database {
            restore.arg("--postgres").arg(database.url());
        }
        good(&restore.output().unwrap());
        let house = House::open(&to, Clock::system()).await.unwrap();
        assert_eq!(house.vault.sealing(), old);
        assert!(all_open(&house).await > 450);
        house.store.close().await;
    }
}

async fn empty() -> Option<Database> {
    if ON_POSTGRES { Some(Database::empty().await) } else { None }
}

/// Has the authority of `bench` use the database of `other`.
async fn point(bench: &Bench, other: &Bench) {
    if ON_POSTGRES {
        write_settings(bench, |settings| settings.database.clone_from(&other.house.settings.database));
    } else {
        write_settings(bench, |_| {});
        let to = bench.house.directory.join("authority.db");
        std::fs::remove_file(&to).unwrap();
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", to.display()));
        }
        let to = to.to_str().unwrap().to_owned();
        sqlx::query("VACUUM INTO $1").bind(to).execute(other.house.store.readers()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_directory_serves_no_other_authoritys_database() {
    let [bench, other] = [Bench::new().await, Bench::new().await];
    bench.house.store.close().await;
    let events = event::head(other.house.store.readers()).await.unwrap();
    point(&bench, &other).await;
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["tick"], &["contract", "list"], &["verify-audit"]] {
        let said = refused(&command(&bench, arguments).output().unwrap());
        assert!(said.contains("another authority's") && said.contains("authority.toml"), "{said}");
    }
    // With the CA of that authority, but not with its key.
    let ca = |bench: &Bench| bench.house.directory.join("ca");
    std::fs::remove_dir_all(ca(&bench)).unwrap();
    copy(&ca(&other), &ca(&bench));
    let said = refused(&command(&bench, &["serve", "--listen", "127.0.0.1:0"]).output().unwrap());
    assert!(said.contains(&format!("under the key {}", other.house.vault.sealing())), "{said}");
    assert_eq!(event::head(other.house.store.readers()).await.unwrap(), events, "nothing was changed");
    // With both it is a further machine of it.
    let key = |bench: &Bench| bench.house.directory.join("secrets.key");
    std::fs::copy(key(&other), key(&bench)).unwrap();
    good(&command(&bench, &["contract", "list"]).output().unwrap());
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_empty_database_is_not_served() {
    let bench = Bench::new().await;
    bench.house.store.close().await;
    let database = empty().await;
    write_settings(&bench, |settings| settings.database.postgres = database.as_ref().map(Database::url));
    if !ON_POSTGRES {
        std::fs::write(bench.house.directory.join("authority.db"), b"").unwrap();
    }
    let said = refused(&command(&bench, &["serve", "--listen", "127.0.0.1:0"]).output().unwrap());
    assert!(said.contains("holds no authority"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_from_before_learns_its_key_once() {
    let bench = Bench::new().await;
    write_settings(&bench, |_| {});
    sqlx::query("UPDATE vault_state SET vault_key = ''").execute(&bench.intruder().await).await.unwrap();
    // By the wrong key it learns nothing.
    let own = bench.house.directory.join("secrets.key");
    let aside = own.with_extension("aside");
    std::fs::rename(&own, &aside).unwrap();
    authority::vault::Vault::create(&own).unwrap();
    let said = refused(&command(&bench, &["contract", "list"]).output().unwrap());
    assert!(said.contains("is sealed under the key"), "{said}");
    std::fs::rename(&aside, &own).unwrap();
    for _ in 0..2 {
        good(&command(&bench, &["contract", "list"]).output().unwrap());
    }
    assert_eq!(bench.events_of("vault.adopt").await, 1);
    let state = vault_state::read(bench.house.store.readers()).await.unwrap();
    assert_eq!(state.key, Some(bench.house.vault.sealing()));
    assert!(bench.acquisition().codes(&applicant(Some(USER))).await.is_ok());
}

/// As systemd gives credentials: a folder that the service reads and does not write.
fn credentials(scratch: &Path, keys: &[(&str, &[u8])]) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let folder = scratch.join("credentials");
    if folder.exists() {
        mode(&folder, 0o700);
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir(&folder).unwrap();
    for (name, key) in keys {
        std::fs::write(folder.join(name), key).unwrap();
        mode(&folder.join(name), 0o400);
    }
    mode(&folder, 0o500);
    folder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_that_is_a_credential_is_changed_by_the_operator() {
    let bench = full_of_secrets().await;
    let secrets = all_open(&bench.house).await;
    let old = bench.house.vault.sealing();
    bench.house.store.close().await;
    let scratch = tempfile::tempdir().unwrap();
    let own = bench.house.directory.join("secrets.key");
    let (first, second) = (std::fs::read(&own).unwrap(), [0xA5; 32]);
    std::fs::remove_file(&own).unwrap();
    let run = |keys: &[(&str, &[u8])], arguments: &[&str]| {
        let folder = credentials(scratch.path(), keys);
        let output = command(&bench, arguments).env("CREDENTIALS_DIRECTORY", &folder).output().unwrap();
        // Nothing was written, there or beside the database.
        let names = |folder: &Path| {
            let mut names: Vec<_> =
                folder.read_dir().unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
            names.retain(|name| name.starts_with("secrets.key"));
            names.sort();
            names
        };
        let mut given: Vec<_> = keys.iter().map(|(name, _)| (*name).to_owned()).collect();
        given.sort();
        assert_eq!((names(&folder), names(&bench.house.directory)), (given, Vec::new()));
        output
    };
    let alone: [(&str, &[u8]); 1] = [("secrets.key", &first)];
    for arguments in [&["vault", "rekey"][..], &["vault", "rekey", "--prepare"]] {
        let said = refused(&run(&alone, arguments));
        for wanted in ["is a systemd credential", "32 random bytes", "secrets.key.next", "systemd-creds encrypt"] {
            assert!(said.contains(wanted), "{said}");
        }
    }
    let said = refused(&run(&alone, &["backup", "--with-keys", scratch.path().join("whole").to_str().unwrap()]));
    assert!(said.contains("credential"), "{said}");
    let same: [(&str, &[u8]); 2] = [("secrets.key", &first), ("secrets.key.next", &first)];
    let said = refused(&run(&same, &["vault", "rekey"]));
    assert!(said.contains("are the same key"), "{said}");

    // With both it is done, and said what is to be done then; also when it is asked for once more.
    let both: [(&str, &[u8]); 2] = [("secrets.key", &first), ("secrets.key.next", &second)];
    let said = good(&run(&both, &["vault", "rekey", "--prepare"]));
    assert!(said.contains("from the credential secrets.key.next") && !said.contains("copy"), "{said}");
    for count in [format!("{secrets} secrets sealed again"), "0 secrets sealed again".to_owned()] {
        let said = good(&run(&both, &["vault", "rekey"]));
        for wanted in
            [count.as_str(), "give the credential secrets.key.next as secrets.key", &format!("secrets.key.{old}")]
        {
            assert!(said.contains(wanted), "{said} has no {wanted}");
        }
        assert!(!said.contains("is kept for backups"), "nothing was kept: {said}");
    }
    // Until the operator has done that, everything goes on with both.
    let said = good(&run(&both, &["vault", "status"]));
    assert!(said.contains("seals, here") && said.contains(&format!("{secrets} secrets under")), "{said}");

    // The credentials as they shall be, and those of somebody who forgot it.
    let retired = format!("secrets.key.{old}");
    let after: [(&str, &[u8]); 2] = [("secrets.key", &second), (&retired, &first)];
    good(&run(&after, &["contract", "list"]));
    assert!(good(&run(&after, &["vault", "status"])).contains("seals, here"));
    let said = refused(&run(&after, &["vault", "rekey"]));
    assert!(said.contains("32 random bytes"), "another one: {said}");
    let said = refused(&run(&alone, &["contract", "list"]));
    assert!(said.contains("which this directory has not got"), "{said}");
    std::fs::write(&own, second).unwrap();
    std::fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(all_open(&House::open(&bench.house.directory, Clock::system()).await.unwrap()).await, secrets);
}

/// As root, who runs the command while the service is somebody else; others make what is theirs in any case.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_key_belongs_to_whoever_has_the_directory() {
    use std::os::unix::fs::{MetadataExt, chown};
    let bench = Bench::new().await;
    write_settings(&bench, |_| {});
    let directory = bench.house.directory.clone();
    if rustix::process::geteuid().is_root() {
        for path in [directory.to_path_buf(), directory.join("secrets.key")] {
            chown(path, Some(4711), Some(4712)).unwrap();
        }
    }
    let old = bench.house.vault.sealing();
    let owner = std::fs::metadata(&**directory).unwrap();
    let check = |names: &[&str]| {
        for name in names {
            let file = std::fs::metadata(directory.join(name)).unwrap();
            assert_eq!((file.uid(), file.gid(), file.mode() & 0o777), (owner.uid(), owner.gid(), 0o600), "{name}");
        }
    };
    good(&command(&bench, &["vault", "rekey", "--prepare"]).output().unwrap());
    check(&["secrets.key", "secrets.key.next"]);
    good(&command(&bench, &["vault", "rekey"]).output().unwrap());
    check(&["secrets.key", &format!("secrets.key.{old}")]);
}
