//! Backup and restore with the real program, while it serves.

use std::path::Path;
use std::process::{Command, Output};

use authority::bank::Reissue;
use authority::clock::Clock;
use authority::house::House;
use authority::store::event;

use crate::bench::{Bench, ON_POSTGRES, USER, applicant};
use crate::postgres::Database;
use crate::served::{PROGRAM, Served, write_settings};

fn run(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(PROGRAM).arg("--dir").arg(directory).args(arguments).output().unwrap()
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_restored_is_what_was_there() {
    let bench = Bench::at(Clock::system(), |_| {}).await;
    write_settings(&bench, |_| {});
    let served = Served::start(&bench.house.directory, &[]);
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    let scratch = tempfile::tempdir().unwrap();
    let place = |name: &str| scratch.path().join(name);
    let (bare, whole) = (place("bare"), place("whole"));
    let dump = bench.dump().await;

    // While it serves: logins go on.
    let client = served.client(&bench).await;
    let logins = tokio::spawn(async move {
        for _ in 0..30 {
            client.post("/login/challenge", &[]).await.ok();
        }
    });
    let said = good(&run(&bench.house.directory, &["backup", bare.to_str().unwrap()]));
    assert!(said.contains("without keys"), "{said}");
    logins.await.unwrap();
    for key in ["secrets.key", "ca/issuing.key", "ca/root.key", "ca/server.key"] {
        assert!(bench.house.directory.join(key).exists() && !bare.join(key).exists(), "{key} is in it");
    }
    assert!(refused(&run(&bench.house.directory, &["backup", bare.to_str().unwrap()])).contains("cannot be made"));
    for inside in [bench.house.directory.join("today"), bench.house.directory.join("ca/../today")] {
        let told = refused(&run(&bench.house.directory, &["backup", inside.to_str().unwrap()]));
        assert!(told.contains("is inside the authority's directory") && !inside.exists(), "{told}");
    }
    good(&run(&bench.house.directory, &["backup", "--with-keys", whole.to_str().unwrap()]));
    assert!(whole.join("ca/issuing.key").exists());

    // The way back.
    let restore = |from: &Path, to: &Path, keys: Option<&Path>, database: Option<&Database>| {
        let url = database.map(Database::url);
        let mut arguments = vec!["restore", from.to_str().unwrap()];
        arguments.extend(keys.iter().flat_map(|keys| ["--keys", keys.to_str().unwrap()]));
        arguments.extend(url.iter().flat_map(|url| ["--postgres", url]));
        run(to, &arguments)
    };
    let empty = async || if ON_POSTGRES { Some(Database::empty().await) } else { None };
    let to = place("restored");
    assert!(refused(&restore(&bare, &to, None, None)).contains("has no keys"));
    let databases = [empty().await, empty().await];
    let said = good(&restore(&bare, &to, Some(&bench.house.directory), databases[0].as_ref()));
    assert!(said.contains("chain whole"), "{said}");
    let again = place("again");
    if ON_POSTGRES {
        let full = refused(&restore(&whole, &again, None, databases[0].as_ref()));
        assert!(full.contains("is not empty"), "{full}");
    }
    good(&restore(&whole, &again, None, databases[1].as_ref()));
    for directory in [&to, &again] {
        assert!(good(&run(directory, &["verify-audit"])).contains("chain whole"));
        let house = House::open(directory, Clock::system()).await.unwrap();
        // but for the issue numbers that are left out (decision 20)
        let restored = crate::bench::dump_of(&house).await.replace("issue_nos_taken=21", "issue_nos_taken=0");
        assert_eq!(restored, dump);
        let rows = authority::store::certificates::of_holder(house.store.readers(), &applicant(Some(USER))).await;
        assert_eq!(rows.unwrap()[0].certificate.as_deref(), Some(card.certificate.as_slice()));
        house.store.close().await;
        let served = Served::start(directory, &[]);
        served.client(&bench).await.verify(&card).await.ok();
    }

    // A backup that somebody shortened, or with other keys, is no authority.
    let other = Bench::new().await;
    let third = empty().await;
    let foreign = refused(&restore(&bare, &place("foreign"), Some(&other.house.directory), third.as_ref()));
    assert!(foreign.contains("key") && !place("foreign").exists(), "{foreign}");
    let manifest = std::fs::read_to_string(whole.join("backup.toml")).unwrap();
    let head = event::verify(bench.house.store.readers()).await.unwrap();
    let longer = manifest.replace("events = ", &format!("events = {}", head.events));
    std::fs::write(whole.join("backup.toml"), longer).unwrap();
    let fourth = empty().await;
    let short = refused(&restore(&whole, &place("short"), None, fourth.as_ref()));
    assert!(short.contains("is not where it should be") && !place("short").exists(), "{short}");
}

/// The newest list of a part, as relying parties have it: its number and whether the list says that one.
async fn list_number(house: &House, partition: i64) -> i64 {
    use der::Decode;
    let list = house.revocation.list(house, house.ca.current().id(), partition).await.unwrap().unwrap();
    let parsed = x509_cert::crl::CertificateList::<x509_cert::certificate::Rfc5280>::from_der(&list.der).unwrap();
    let extensions = parsed.tbs_cert_list.crl_extensions.unwrap();
    let number = extensions.iter().find(|e| e.extn_id.to_string() == "2.5.29.20").unwrap();
    let number = der::asn1::Uint::from_der(number.extn_value.as_bytes()).unwrap();
    let number = number.as_bytes().iter().fold(0, |number, byte| number << 8 | i64::from(*byte));
    assert_eq!(number, list.newest.number, "the list says the number under which it is kept");
    number
}

/// The serial numbers and issue numbers that the user's certificates have.
async fn numbers(house: &House) -> Vec<(u16, Option<String>)> {
    let rows = authority::store::certificates::of_holder(house.store.readers(), &applicant(Some(USER))).await.unwrap();
    rows.into_iter().map(|row| (row.record.issue_no, row.serial)).collect()
}

/// What was given out between a backup and its restoration is not given out again: certificates' issue numbers and serial
/// numbers, and the numbers of revocation lists, those of parts among them that the backup has no list of.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_number_is_given_twice_after_an_older_backup() {
    let mut bench = crate::revocation::today(Bench::new().await);
    write_settings(&bench, |_| {});
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    bench.user_card(&office).await;
    let scratch = tempfile::tempdir().unwrap();
    let backup = scratch.path().join("backup");
    let before = list_number(&bench.house, 0).await;
    good(&run(&bench.house.directory, &["backup", "--with-keys", backup.to_str().unwrap()]));

    // Two more certificates, and lists that show one revocation after another.
    let mut published = vec![before];
    for _ in 0..2 {
        bench.wait(60); // a one-time password serves once
        bench.user_card(&office).await;
        published.push(list_number(&bench.house, 0).await);
    }
    let mut part = vec![list_number(&bench.house, 1).await];
    office.choose(USER, "revoke", Some("stolen")).await.ok();
    part.push(list_number(&bench.house, 1).await);
    assert!(published.is_sorted() && part.is_sorted());
    let lost = numbers(&bench.house).await;
    assert_eq!(lost.iter().map(|(no, _)| *no).collect::<Vec<_>>(), [1, 2, 3]);

    // Restored twice, the second time from a backup of the restored one.
    let mut from = backup;
    let mut given: Vec<_> = lost;
    for round in 0..2 {
        let to = scratch.path().join(format!("restored{round}"));
        let database = if ON_POSTGRES { Some(Database::empty().await) } else { None };
        let url = database.as_ref().map(Database::url);
        let mut arguments = vec!["restore", from.to_str().unwrap()];
        arguments.extend(url.iter().flat_map(|url| ["--postgres", url]));
        good(&run(&to, &arguments));
        bench.house = House::open(&to, bench.clock.clone()).await.unwrap();
        let known = numbers(&bench.house).await;
        for (partition, published) in [(0, &mut published), (1, &mut part)] {
            let number = list_number(&bench.house, partition).await;
            assert!(number > *published.iter().max().unwrap(), "list {number} of part {partition} after {published:?}");
            published.push(number);
        }
        from = scratch.path().join(format!("backup{round}"));
        good(&run(&to, &["backup", "--with-keys", from.to_str().unwrap()]));
        let form_reference = format!("F-{round}");
        let reissue = Reissue {
            holder: &applicant(Some(USER)),
            reason: authority::rules::choice::Reason::PcChange,
            device: None,
            form_reference: &form_reference,
        };
        bench.bank().reissue_user(reissue).await.unwrap();
        bench.wait(60);
        let card = bench.acquire().await.unwrap();
        bench.confirm(&card).await.unwrap();
        let now = numbers(&bench.house).await;
        let new: Vec<_> = now.iter().filter(|row| !known.contains(row)).cloned().collect();
        assert_eq!(new.len(), 1);
        for (no, serial) in &given {
            assert!(*no < new[0].0 && *serial != new[0].1, "{new:?} after {given:?}");
        }
        given.extend(new);
        for (partition, published) in [(0, &mut published), (1, &mut part)] {
            published.push(list_number(&bench.house, partition).await);
            assert!(published.is_sorted(), "{published:?}");
        }
        event::verify(bench.house.store.readers()).await.unwrap();
        bench.house.store.close().await;
        drop(database);
    }
}

/// A backup that is called whole has the key of the CA that the database goes on with.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_whole_backup_has_the_key_of_the_databases_ca() {
    let bench = Bench::at(Clock::system(), |_| {}).await;
    write_settings(&bench, |_| {});
    let scratch = tempfile::tempdir().unwrap();
    let directory = bench.house.directory.clone();
    let (key, place) = (directory.join("ca/issuing.key"), directory.join("ca/issuing.pkcs11.toml"));
    let to = scratch.path().join("whole");
    let whole = |secrets: Option<&str>| {
        crate::commands::run(&directory, &["backup", "--with-keys", to.to_str().unwrap()], secrets)
    };
    let plain = std::fs::read(&key).unwrap();

    // Another CA's key under a passphrase: nothing of the file shows whose it is.
    let other = Bench::new().await;
    let encrypt = |pem: &Path| {
        let mut openssl = Command::new("openssl");
        openssl.args(["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-iter", "1000", "-passout", "pass:words of it", "-in"]);
        let output = openssl.arg(pem).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    let own = encrypt(&key);
    let write = |content: &[u8]| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(&key, content).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    write(&encrypt(&other.house.directory.join("ca/issuing.key")));
    assert!(refused(&whole(None)).contains("is closed"));
    let said = refused(&whole(Some("ca_passphrase=words of it\n")));
    assert!(said.contains("does not open the key of the issuing CA"), "{said}");
    // Its own opens.
    write(&own);
    assert!(refused(&whole(None)).contains("is closed"));
    good(&whole(Some("ca_passphrase=words of it\n")));
    std::fs::remove_dir_all(&to).unwrap();

    // A token that has no such key.
    std::fs::remove_file(&key).unwrap();
    let conf = scratch.path().join("softhsm.conf");
    let store = scratch.path().join("tokens");
    std::fs::create_dir(&store).unwrap();
    std::fs::write(&conf, format!("directories.tokendir = {}\nobjectstore.backend = file\n", store.display())).unwrap();
    let mut softhsm = Command::new("softhsm2-util");
    softhsm.env("SOFTHSM2_CONF", &conf).args(["--init-token", "--free", "--label", "ca", "--pin", "12345678"]);
    assert!(softhsm.args(["--so-pin", "12345678"]).output().unwrap().status.success());
    let pin = scratch.path().join("pin");
    std::fs::write(&pin, "ca_pin=12345678\n").unwrap();
    let module = "/usr/lib/softhsm/libsofthsm2.so";
    std::fs::write(&place, format!("module = {module:?}\ntoken = \"ca\"\n")).unwrap();
    let said = refused(&whole(None));
    assert!(said.contains("is closed") && said.contains("--secrets-stdin"), "{said}");
    let mut command = Command::new(PROGRAM);
    command.arg("--dir").arg(&**directory).args(["--secrets-stdin", "backup", "--with-keys"]).arg(&to);
    command.env("SOFTHSM2_CONF", &conf).stdin(std::fs::File::open(&pin).unwrap());
    let said = refused(&command.output().unwrap());
    assert!(said.contains("is not that of the CA"), "{said}");
    std::fs::remove_file(&place).unwrap();

    // A machine to which the CA of the day was never brought.
    write(&plain);
    good(&whole(None));
    std::fs::remove_dir_all(&to).unwrap();
    let newer =
        "INSERT INTO issuers (issuer, certificate, added_at) SELECT 'newer', certificate, added_at + 1 FROM issuers";
    sqlx::query(newer).execute(&bench.intruder().await).await.unwrap();
    let said = refused(&whole(None));
    assert!(said.contains("newest issuing CA is newer") && !to.exists(), "{said}");
    good(&run(&directory, &["backup", to.to_str().unwrap()]));
}
