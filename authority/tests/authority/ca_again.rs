//! One issuing CA after another, a second and a third time: installations that were interrupted, keys with a passphrase
//! each, and whose the files are.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use authority::ca::ceremony::{self, Keep};
use authority::ca::{Ca, CaSigner, Opened, ServerIdentity, is_current, signs};
use authority::endings;
use authority::house::House;
use authority::settings::{CaSettings, Pkcs11Place};
use token::Refusal;

use crate::bench::{Bench, USER, secret};
use crate::ca_life::{Ceremony, PASSPHRASE, done, reopened, run};
use crate::revocation::today;

const WORDS: &str = "words for the issuing key";

/// Files and folders of the CA's folder, but for the names that begin with a full stop.
fn names(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(names(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

fn opened(folder: &Path, words: &str) -> Ca {
    let ca = Ca::open(folder, &CaSettings::default()).unwrap();
    assert_eq!(ca.current().signer().open(&secret(words)).unwrap(), Opened::Ready);
    ca
}

/// Every step fails once, by a folder where its new file would come; then it is done again.
#[tokio::test(flavor = "multi_thread")]
async fn an_installation_that_is_interrupted_anywhere_is_taken_up_again() {
    let bench = Bench::new().await;
    let folder = bench.house.directory.join("ca");
    let former = bench.house.ca.current().id().to_owned();
    let (words, settings) = (secret(WORDS), CaSettings::default());
    let ceremony = Ceremony::new(&bench);
    let (certificate, above) = ceremony.signed(&bench, &Keep::Sealed(&words), 3650);
    let install =
        || ceremony::install_issuing(&folder, &certificate, above.as_deref(), Some(&words), bench.clock.now());
    // where the file is not written but put in the place of another, its name has `.new` behind it
    for step in ["next/.before.new", "former", ".issuing.crt.new", ".issuing.key.new", ".root.crt.new"] {
        let obstacle = folder.join(step);
        if step == "former" {
            std::fs::write(&obstacle, b"in the way").unwrap();
            install().unwrap_err();
            std::fs::remove_file(&obstacle).unwrap();
        } else {
            std::fs::create_dir(&obstacle).unwrap();
            install().unwrap_err();
            std::fs::remove_dir(&obstacle).unwrap();
        }
        assert_eq!(ceremony::waiting_key(&folder, &settings).unwrap().wants(), Some("ca_passphrase"), "{step}");
    }
    for _ in 0..2 {
        let installed = install().unwrap();
        assert_eq!(installed.former, former);
        assert!(!installed.other_passphrase, "the former key is closed by the same words");
        let ca = opened(&folder, WORDS);
        assert!(ca.can_sign() && ca.current().id() == installed.issuer && ca.roots().len() == 2);
        let old = ca.by_id(&former).unwrap();
        // A workstation proves by them which certificates are this authority's, those of the former CA as well.
        let above = [ca.issuing(), old.certificate(), ca.root(), old.root()];
        assert_eq!(ca.certificates(), above);
        assert_eq!(old.signer().open(&secret(WORDS)).unwrap(), Opened::Ready, "its key lies open no more");
        assert!(signs(old.signer()));
        assert!(folder.join("former").join(&former).join("root.key").exists() && !folder.join("root.key").exists());
        assert!(ca.root_list_of(&hex::encode([0; 20])).is_none());
    }
    ceremony::finish(&folder).unwrap();
    assert!(install().unwrap_err().to_string().contains("no key waits"));
    assert!(names(&folder).iter().all(|path| !path.ends_with("next") && !path.ends_with(".installed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_rotation_by_commands() {
    let bench = Bench::new().await;
    let (authority, ceremony) = (bench.house.directory.to_path_buf(), Ceremony::new(&bench));
    let folder = authority.join("ca");
    // whoever runs the commands, the files are the server's
    if rustix::process::geteuid().is_root() {
        for path in names(&authority).iter().chain([&authority]) {
            std::os::unix::fs::chown(path, Some(4711), Some(4711)).unwrap();
        }
    }
    let owner = std::fs::metadata(&authority).unwrap().uid();
    let at = |name: &str| ceremony.dir.path().join(name).to_str().unwrap().to_owned();
    let root_words = format!("root_passphrase={PASSPHRASE}\n");
    let line = |text: &str, name: &str| text.lines().find_map(|l| l.strip_prefix(name)).unwrap().to_owned();
    let rotate = |words: &str, certificate: &str, above: &[&str]| {
        let asked = done(&run(&authority, &["ca", "request-issuing"], &format!("ca_passphrase={words}\n")));
        let (request, key) = (line(&asked, "request "), line(&asked, "key "));
        let sign = ["ca", "sign-issuing", "--request", &request, "--fingerprint", &key, "--out", certificate];
        done(&run(&ceremony.root(), &[&sign[..], &["--revocation-url", "https://localhost"]].concat(), &root_words));
        let install = [&["ca", "install-issuing", "--certificate", certificate], above].concat();
        // the key is tried before anything is moved
        let before = std::fs::read(folder.join("issuing.crt")).unwrap();
        let wrong = run(&authority, &install, "ca_passphrase=not the words at all\n");
        assert!(String::from_utf8_lossy(&wrong.stderr).contains("is refused"), "{wrong:?}");
        assert_eq!(std::fs::read(folder.join("issuing.crt")).unwrap(), before);
        done(&run(&authority, &install, &format!("ca_passphrase={words}\n")))
    };
    let root = ceremony.root().join("root.crt").to_str().unwrap().to_owned();
    let first = rotate(WORDS, &at("first.pem"), &["--root", &root, "--root-sha256", ceremony.fingerprint()]);
    assert!(first.contains("new TLS certificate") && !first.contains("passphrase of its own"), "{first}");
    let second = rotate("and words of the second", &at("second.pem"), &[]);
    assert!(second.contains("new TLS certificate"), "{second}");
    let own = line(&second, "the former CA's key has a passphrase of its own: give it as ");
    let ca = opened(&folder, "and words of the second");
    assert!(is_current(&folder).unwrap());
    let identity = ServerIdentity::load(&folder).unwrap();
    assert_eq!(identity.chain[1..], [ca.issuing().to_vec(), ca.root().to_vec()]);

    // a former key that stays closed is said, and nothing more
    let renew = |entries: &str| {
        let output = run(&authority, &["renew-server-certificate"], entries);
        done(&output);
        String::from_utf8(output.stderr).unwrap().matches("stays closed").count()
    };
    assert_eq!(renew("ca_passphrase=and words of the second\n"), 2);
    assert_eq!(renew(&format!("ca_passphrase=and words of the second\n{own}={WORDS}\n")), 1);
    for path in names(&authority) {
        assert_eq!(std::fs::metadata(&path).unwrap().uid(), owner, "{}", path.display());
    }
    // the server's certificate of the CA before, where it was not made anew
    let kept = ServerIdentity::load(&folder).unwrap().chain[0].clone();
    let third = rotate("and words of the third", &at("third.pem"), &[]);
    assert!(third.contains("new TLS certificate"));
    let pem = der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, &kept).unwrap();
    std::fs::write(folder.join("server.crt"), pem).unwrap();
    let identity = ServerIdentity::load(&folder).unwrap();
    assert!(!is_current(&folder).unwrap());
    assert_eq!(identity.chain[1], ca.issuing(), "the CA that signed it, which is a former one");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_roots_lists_the_newest_is_served_and_a_former_roots_goes_on() {
    let bench = Bench::new().await;
    let folder = bench.house.directory.join("ca");
    let (words, settings) = (secret(WORDS), CaSettings::default());
    let install = |ceremony: &Ceremony| ceremony.install(&bench, &Keep::Sealed(&words));
    let list = |ceremony: &Ceremony| {
        let root = ceremony.open();
        ceremony::sign_root_list(&ceremony.root(), &root, None, bench.clock.now()).unwrap().0
    };
    let (first, second) = (Ceremony::new(&bench), Ceremony::new(&bench));
    install(&first);
    let two = list(&first);
    ceremony::install_root_list(&folder, &two).unwrap();
    install(&first);
    let three = list(&first);
    assert_eq!(ceremony::install_root_list(&folder, &three).unwrap(), 3);
    install(&second);
    let id = |ca: &Ca, list: &[u8]| ca.roots().into_iter().any(|_| ca.root_list_of(&issuer_of(list)) == Some(list));
    let ca = Ca::open(&folder, &settings).unwrap();
    assert!(id(&ca, &three) && !id(&ca, &two), "each of the two former CAs has one");
    // the former root goes on to say what became of its CAs
    let four = list(&first);
    assert_eq!(ceremony::install_root_list(&folder, &four).unwrap(), 4);
    assert!(ceremony::install_root_list(&folder, &three).is_err(), "not newer");
    assert!(id(&Ca::open(&folder, &settings).unwrap(), &four));
    let stranger = Ceremony::new(&bench);
    assert!(ceremony::install_root_list(&folder, &list(&stranger)).is_err());
}

/// The key identifier that a list names its issuer by (RFC 5280 §5.2.1).
fn issuer_of(list: &[u8]) -> String {
    use der::Decode;
    use x509_cert::ext::pkix::AuthorityKeyIdentifier;
    let list: x509_cert::crl::CertificateList = Decode::from_der(list).unwrap();
    let extensions = list.tbs_cert_list.crl_extensions.unwrap();
    let found = extensions.iter().find(|e| e.extn_id.to_string() == "2.5.29.35").unwrap();
    let id = AuthorityKeyIdentifier::from_der(found.extn_value.as_bytes()).unwrap().key_identifier.unwrap();
    hex::encode(id.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_key_that_is_nowhere_and_plain_former_keys() {
    let bench = Bench::new().await;
    let folder = bench.house.directory.join("ca");
    let (words, settings) = (secret(WORDS), CaSettings::default());
    let former = Ceremony::new(&bench).install(&bench, &Keep::Sealed(&words)).former;
    // installed without the words for it, as from a token: the trial's key is still open
    let key = folder.join("former").join(&former).join("issuing.key");
    assert!(std::fs::read_to_string(&key).unwrap().contains("BEGIN PRIVATE KEY"));
    let other = ceremony::encrypt_keys(&folder, &secret("not the words that open it")).unwrap_err();
    assert!(other.to_string().contains("not by this passphrase"), "{other}");
    assert_eq!(ceremony::encrypt_keys(&folder, &words).unwrap(), 1);
    assert!(std::fs::read_to_string(&key).unwrap().contains("BEGIN ENCRYPTED PRIVATE KEY"));
    assert!(ceremony::encrypt_keys(&folder, &words).is_err(), "nothing is open");

    std::fs::remove_file(&key).unwrap();
    let ca = opened(&folder, WORDS);
    let lost: &dyn CaSigner = ca.by_id(&former).unwrap().signer();
    assert!(lost.wants().is_none() && !signs(lost) && ca.can_sign());
    // in another token than the one of the settings
    let place = Pkcs11Place { module: "/nowhere.so".into(), token: "old".to_owned() };
    let text = toml::to_string(&place).unwrap();
    std::fs::write(key.with_file_name("issuing.pkcs11.toml"), text).unwrap();
    let ca = opened(&folder, WORDS);
    assert_eq!(ca.by_id(&former).unwrap().signer().wants(), Some("ca_pin"));
    // and one that issues must be somewhere
    std::fs::remove_file(folder.join("issuing.key")).unwrap();
    assert!(Ca::open(&folder, &settings).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outlives_the_ca_that_issued_it() {
    let mut bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    office.choose(USER, "reissue", Some("pc_change")).await.ok();
    let folder = bench.house.directory.join("ca");
    let (words, ceremony) = (secret(WORDS), Ceremony::new(&bench));
    let (certificate, above) = ceremony.signed(&bench, &Keep::Sealed(&words), 40);
    ceremony::install_issuing(&folder, &certificate, above.as_deref(), Some(&words), bench.clock.now()).unwrap();
    ceremony::finish(&folder).unwrap();
    let mut first = bench.house.clone();
    bench.house = reopened(&bench, &CaSettings::default(), WORDS).await;
    let end = bench.house.ca.current().not_after();
    let near = |house: &House| {
        let now = house.clock.now();
        endings::all(house)
            .into_iter()
            .filter(|ending| ending.is_near(now))
            .map(|ending| ending.what)
            .collect::<Vec<_>>()
    };
    assert!(near(&bench.house).contains(&"issuing-ca"));
    bench.wait(60);
    let card = bench.acquire().await.unwrap();
    let facts = token::CertificateFacts::from_der(&card.certificate).unwrap();
    assert_eq!(facts.not_after, end);
    bench.confirm(&card).await.unwrap();

    bench.wait(39 * 86_400);
    // the server that the bench has started is of the CA before
    std::mem::swap(&mut bench.house, &mut first);
    bench.office(&administrator).await.choose(USER, "reissue", Some("pc_change")).await.ok();
    std::mem::swap(&mut bench.house, &mut first);
    bench.wait(86_400);
    assert_eq!(bench.acquire().await.err(), Some(Refusal::Issuing), "it has ended");
    // the trial root's list goes on to be served, and has to be made anew in time
    let lists: Vec<_> = endings::all(&bench.house).into_iter().filter(|ending| ending.what == "root-list").collect();
    let [list] = lists[..] else { panic!("{lists:?}") };
    for (days, said) in [(61, false), (59, true), (-1, true)] {
        bench.clock.set(list.at - days * 86_400);
        assert_eq!(near(&bench.house).contains(&"root-list"), said, "{days} days before");
    }
}
