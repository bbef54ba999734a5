//! What relying parties are told, judged by OpenSSL: lists and OCSP agree with the authority's records.

use std::path::PathBuf;
use std::process::{Command, Output};

use authority::ca::Ca;
use tempfile::TempDir;
use token::CertificateFacts;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bench::{Bench, Card, USER, applicant};

/// A relying party with OpenSSL: the CA's certificates as files, and the authority's plain door.
pub(crate) struct Party<'a> {
    bench: &'a Bench,
    dir: TempDir,
    address: std::net::SocketAddr,
}

impl<'a> Party<'a> {
    async fn of(bench: &'a Bench) -> Self {
        Self::under(bench, bench.house.ca.root(), bench.house.ca.issuing()).await
    }

    /// One that trusts that root and knows that issuing CA.
    pub(crate) async fn under(bench: &'a Bench, root: &[u8], issuing: &[u8]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = tokio_util::sync::CancellationToken::new();
        tokio::spawn(authority::server::run_plain(bench.house.clone(), listener, shutdown));
        let party = Self { bench, dir: tempfile::tempdir().unwrap(), address };
        party.pem("root.pem", "CERTIFICATE", root);
        party.pem("issuing.pem", "CERTIFICATE", issuing);
        party
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn pem(&self, name: &str, label: &str, der: &[u8]) {
        let pem = der::pem::encode_string(label, der::pem::LineEnding::LF, der).unwrap();
        std::fs::write(self.path(name), pem).unwrap();
    }

    fn openssl(&self, arguments: &[&str]) -> Output {
        Command::new("openssl").args(arguments).current_dir(self.dir.path()).output().unwrap()
    }

    /// A GET over the plain door: status line, header, body.
    async fn get(&self, path: &str, more: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{more}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let at = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        (String::from_utf8(answer[..at].to_vec()).unwrap(), answer[at + 4..].to_vec())
    }

    /// The path of the list that a certificate names, as OpenSSL reads it.
    fn list_path(&self, certificate: &str) -> String {
        let text = self.openssl(&["x509", "-in", certificate, "-noout", "-ext", "crlDistributionPoints"]);
        let text = String::from_utf8(text.stdout).unwrap();
        let url = text.split("URI:").nth(1).unwrap().lines().next().unwrap().to_owned();
        url.strip_prefix(crate::bench::ORIGIN).unwrap().to_owned()
    }

    /// `openssl verify -crl_check` with the list that the certificate names.
    pub(crate) async fn by_list(&self, card: &Card, all: bool) -> String {
        self.pem("user.pem", "CERTIFICATE", &card.certificate);
        let (head, list) = self.get(&self.list_path("user.pem"), "").await;
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("application/pkix-crl"), "{head}");
        self.pem("list.pem", "X509 CRL", &list);
        let leaf = list;
        let (head, list) = self.get(&self.list_path("issuing.pem"), "").await;
        // a former root's list lies with its CA, and is asked for where the whole chain is judged
        assert!(head.starts_with("HTTP/1.1 200") || !all, "{head}");
        self.pem("root-list.pem", "X509 CRL", if head.starts_with("HTTP/1.1 200") { &list } else { &leaf });
        let at = self.bench.clock.now().to_string();
        let check = if all { "-crl_check_all" } else { "-crl_check" };
        let files = ["-CAfile", "root.pem", "-untrusted", "issuing.pem", "-CRLfile", "list.pem", "-CRLfile"];
        let verify = ["verify", "-x509_strict", check, "-attime", &at];
        let out = self.openssl(&[&verify[..], &files, &["root-list.pem", "user.pem"]].concat());
        said(&out)
    }

    /// `openssl ocsp` over the network.
    pub(crate) fn by_ocsp(&self, what: &[&str], more: &[&str]) -> String {
        let url = format!("http://{}/ocsp", self.address);
        let at = self.bench.clock.now().to_string();
        let fixed = ["ocsp", "-CAfile", "root.pem", "-issuer", "issuing.pem", "-attime", &at, "-url", &url];
        // the times of answers OpenSSL compares with the machine's clock only
        let slack = ["-verify_other", "issuing.pem", "-validity_period", "300000000"];
        let out = self.openssl(&[&fixed[..], &slack, more, what].concat());
        let text = said(&out);
        assert!(text.contains("Response verify OK"), "{text}");
        text
    }
}

/// The CA was made with the machine's clock: nothing of it is valid on the bench's own day.
pub(crate) fn today(bench: Bench) -> Bench {
    bench.clock.set(authority::clock::Clock::system().now() + 60);
    bench
}

fn said(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

pub(crate) fn set_status(bench: &Bench, status: &'static str) -> impl Future<Output = ()> {
    let store = bench.house.store.clone();
    let clock = bench.clock.clone();
    async move {
        let mut change = store.change(&clock).await.unwrap();
        let now = change.now();
        let row = authority::store::certificates::of_holder(change.db(), &applicant(Some(USER))).await.unwrap();
        let record = row.last().unwrap().record.id.clone();
        sqlx::query("UPDATE certificates SET cert_status = $2, suspended_at = $3 WHERE record_id = $1")
            .bind(&record)
            .bind(status)
            .bind(now)
            .execute(change.db())
            .await
            .unwrap();
        let event = authority::store::Event::new("user", "test", "test", "certificate.suspend").on(&record);
        change.commit(event.changed("valid", status)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_agrees_on_good_held_revoked_and_expired() {
    let bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let party = Party::of(&bench).await;
    let named = ["-cert", "user.pem"];

    for all in [false, true] {
        let judged = party.by_list(&card, all).await;
        assert!(judged.contains("user.pem: OK"), "{judged}");
    }
    for hash in ["-sha1", "-sha256"] {
        let judged = party.by_ocsp(&[hash, "-cert", "user.pem"], &[]);
        assert!(judged.contains("user.pem: good"), "{judged}");
        assert!(!judged.contains("WARNING: no nonce"), "{judged}");
    }

    set_status(&bench, "suspended").await;
    let judged = party.by_list(&card, false).await;
    assert!(judged.contains("error 23") && judged.contains("certificate revoked"), "{judged}");
    let judged = party.by_ocsp(&named, &[]);
    assert!(judged.contains("user.pem: revoked") && judged.contains("certificateHold"), "{judged}");
    set_status(&bench, "valid").await;
    let judged = party.by_list(&card, true).await;
    assert!(judged.contains("user.pem: OK"), "{judged}");
    assert!(party.by_ocsp(&named, &["-no_nonce"]).contains("user.pem: good"));
    let (_, list) = party.get(&party.list_path("user.pem"), "").await;
    party.pem("list.pem", "X509 CRL", &list);
    let text = judged_text(&party);
    assert!(text.contains("No Revoked Certificates"), "{text}");

    bench.wait(60);
    office.choose(USER, "revoke", Some("lost")).await.ok();
    let judged = party.by_list(&card, true).await;
    assert!(judged.contains("error 23"), "{judged}");
    // the answer that was remembered as good is not given again
    let judged = party.by_ocsp(&named, &["-no_nonce"]);
    assert!(judged.contains("user.pem: revoked") && judged.contains("keyCompromise"), "{judged}");
    assert!(judged_text(&party).contains("Key Compromise"));

    // past the end of the certificate OpenSSL says expired, and the entry leaves after one more list
    let facts = CertificateFacts::from_der(&card.certificate).unwrap();
    bench.clock.set(facts.not_after + 3600);
    let judged = party.by_list(&administrator, true).await;
    assert!(judged.contains("error 10") && judged.contains("certificate has expired"), "{judged}");
    assert!(judged_text(&party).contains("Key Compromise"), "one list shows it past its end");
    bench.wait(24 * 3600);
    party.by_list(&administrator, false).await;
    assert!(judged_text(&party).contains("No Revoked Certificates"));
}

/// The list that was fetched last, as OpenSSL prints it.
fn judged_text(party: &Party<'_>) -> String {
    said(&party.openssl(&["crl", "-in", "list.pem", "-noout", "-text"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_issued_is_unknown() {
    let bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let party = Party::of(&bench).await;
    party.pem("user.pem", "CERTIFICATE", &administrator.certificate);
    let judged = party.by_ocsp(&["-serial", "0x4051", "-cert", "user.pem"], &[]);
    assert!(judged.contains("0x4051: unknown") && judged.contains("user.pem: good"), "{judged}");

    // another issuer's: ours answers that it does not know, in its own name
    let other = tempfile::tempdir().unwrap();
    let order = authority::ca::CreateOrder {
        institution: bench.house.settings.institution_code.clone(),
        origin: bench.house.settings.origin.clone(),
        revocation_url: "https://other.example".to_owned(),
        now: bench.clock.now(),
    };
    let stranger = Ca::create(other.path(), &order).unwrap();
    party.pem("stranger.pem", "CERTIFICATE", stranger.issuing());
    let request = ["ocsp", "-issuer", "stranger.pem", "-serial", "0x4051", "-no_nonce", "-reqout", "request.der"];
    assert!(party.openssl(&request).status.success());
    let request = std::fs::read(party.path("request.der")).unwrap();
    let answer = bench.house.revocation.ocsp(&bench.house, &request).await;
    std::fs::write(party.path("answer.der"), &answer.der).unwrap();
    let text = said(&party.openssl(&["ocsp", "-respin", "answer.der", "-noverify", "-resp_text"]));
    assert!(text.contains("Cert Status: unknown") && text.contains("OCSP No Check"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_give_one_list_and_its_number_only_grows() {
    let bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let issuer = bench.house.ca.current().id().to_owned();
    let mut neighbour = bench.house.clone();
    neighbour.revocation = std::sync::Arc::default();
    let number = |list: Option<std::sync::Arc<authority::revocation::List>>| list.unwrap().newest.number;

    let first = bench.house.revocation.list(&bench.house, &issuer, 0).await.unwrap().unwrap();
    let same = neighbour.revocation.list(&neighbour, &issuer, 0).await.unwrap().unwrap();
    assert_eq!((first.newest.number, &first.der), (1, &same.der));
    bench.user_card(&office).await;
    assert_eq!(number(bench.house.revocation.list(&bench.house, &issuer, 0).await.unwrap()), 1, "nothing was revoked");
    office.choose(USER, "revoke", Some("other")).await.ok();
    assert_eq!(number(neighbour.revocation.list(&neighbour, &issuer, 0).await.unwrap()), 2);
    assert_eq!(number(bench.house.revocation.list(&bench.house, &issuer, 0).await.unwrap()), 2);
    // half its time
    bench.wait(12 * 3600);
    let houses: Vec<_> = (0..8).map(|n| if n % 2 == 0 { bench.house.clone() } else { neighbour.clone() }).collect();
    let asked = houses.into_iter().map(|house| {
        let issuer = issuer.clone();
        tokio::spawn(async move { house.revocation.list(&house, &issuer, 0).await.unwrap().unwrap() })
    });
    let mut lists = Vec::new();
    for task in asked.collect::<Vec<_>>() {
        lists.push(task.await.unwrap());
    }
    assert!(lists.iter().all(|list| list.newest.number == 3 && list.der == lists[0].der));
    assert!(bench.house.revocation.list(&bench.house, &issuer, 99).await.unwrap().is_none());
    assert_eq!(bench.events_of("crl.issue").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_out_of_reach_is_tried_once_a_minute() {
    let mut bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    bench.user_card(&office).await;
    let (issuer, folder) = (bench.house.ca.current().id().to_owned(), bench.house.directory.join("ca"));
    let number = async |bench: &Bench| {
        bench.house.revocation.list(&bench.house, &issuer, 0).await.unwrap().unwrap().newest.number
    };
    assert_eq!(number(&bench).await, 1);
    let words = crate::bench::secret("nobody has typed them yet");
    authority::ca::ceremony::encrypt_keys(&folder, &words).unwrap();
    let closed = || std::sync::Arc::new(Ca::open(&folder, &bench.house.settings.ca).unwrap());
    let (closed, again) = (closed(), closed());
    bench.house.ca = closed;
    office.choose(USER, "revoke", Some("other")).await.ok();
    assert_eq!(number(&bench).await, 1, "the newest there is, which is still good");
    bench.house.ca.current().signer().open(&words).unwrap();
    assert_eq!(number(&bench).await, 1, "it is not tried again at once");
    bench.wait(60);
    assert_eq!(number(&bench).await, 2);

    bench.house.ca = again;
    bench.wait(30 * 86_400);
    for passing in ["Ca(", "Waiting"] {
        let none = bench.house.revocation.list(&bench.house, &issuer, 0).await.unwrap_err();
        assert!(format!("{none:?}").starts_with(passing), "{none:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_holds_so_many_certificates_and_no_more() {
    let bench = today(Bench::with(|settings| settings.revocation.partition = 100).await);
    let administrator = bench.administrator().await;
    let party = Party::of(&bench).await;
    party.pem("a.pem", "CERTIFICATE", &administrator.certificate);
    assert!(party.list_path("a.pem").ends_with("/1.crl"));
    let mut change = bench.house.store.change(&bench.clock).await.unwrap();
    sqlx::query("UPDATE crl_partitions SET certificates = 100 WHERE crl_partition = 1")
        .execute(change.db())
        .await
        .unwrap();
    change.commit_unrecorded().await.unwrap();
    let card = bench.user_card(&bench.office(&administrator).await).await;
    let judged = party.by_list(&card, true).await;
    assert!(judged.contains("user.pem: OK"), "{judged}");
    assert!(party.list_path("user.pem").ends_with("/2.crl"));
    // the list of another part says nothing about this certificate
    let (_, other) = party.get(&party.list_path("a.pem"), "").await;
    party.pem("list.pem", "X509 CRL", &other);
    let at = bench.clock.now().to_string();
    let verify = ["verify", "-crl_check", "-attime", &at, "-CAfile", "root.pem", "-untrusted", "issuing.pem"];
    let out = party.openssl(&[&verify[..], &["-CRLfile", "list.pem", "user.pem"]].concat());
    assert!(!out.status.success() && said(&out).contains("error"), "{out:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plain_door_caches_by_the_book_and_withstands_rubbish() {
    let bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let party = Party::of(&bench).await;
    party.pem("user.pem", "CERTIFICATE", &administrator.certificate);
    let request = ["ocsp", "-issuer", "issuing.pem", "-cert", "user.pem", "-no_nonce", "-reqout", "request.der"];
    assert!(party.openssl(&request).status.success());
    let request = std::fs::read(party.path("request.der")).unwrap();
    use base64::Engine;
    let text = base64::prelude::BASE64_STANDARD.encode(&request).replace('+', "%2B").replace('/', "%2F");
    let (head, answer) = party.get(&format!("/ocsp/{}", text.replace('=', "%3D")), "").await;
    assert!(head.contains("cache-control: max-age=5, public, no-transform, must-revalidate"), "{head}");
    for name in ["etag:", "expires:", "last-modified:", "application/ocsp-response"] {
        assert!(head.contains(name), "{name} in {head}");
    }
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let (head, again) = party.get(&format!("/ocsp/{text}"), &format!("if-none-match: {tag}\r\n")).await;
    assert!(head.starts_with("HTTP/1.1 304") && again.is_empty(), "{head}");
    std::fs::write(party.path("answer.der"), &answer).unwrap();

    // an answer is remembered, and a nonce is echoed at any length up to 128
    let house = &bench.house;
    assert_eq!(house.revocation.ocsp(house, &request).await.der, house.revocation.ocsp(house, &request).await.der);
    let malformed = [0x30, 0x03, 0x0a, 0x01, 0x01];
    for bad in [vec![], vec![0; 20], request[..request.len() - 1].to_vec(), vec![0x30; 20_000]] {
        assert_eq!(house.revocation.ocsp(house, &bad).await.der.as_ref(), malformed, "{} bytes", bad.len());
    }
    let (head, body) = party.get("/ocsp/!!!", "").await;
    assert!(head.starts_with("HTTP/1.1 200") && body == malformed, "{head}");
    for missing in ["/crl/nobody.crl", "/crl/x/0.crl", "/ca/nobody.crt", "/login/challenge", "/admin/v1/users"] {
        assert!(party.get(missing, "").await.0.starts_with("HTTP/1.1 404"), "{missing}");
    }
    let (head, der) = party.get(&format!("/ca/{}.crt", house.ca.current().id()), "").await;
    assert!(head.contains("application/pkix-cert") && der == house.ca.issuing(), "{head}");
}

/// The responder is renewed by itself, and while the store stands still an answer is not older than it says.
#[tokio::test(flavor = "multi_thread")]
async fn the_responder_is_renewed_in_time() {
    let bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let party = Party::of(&bench).await;
    party.pem("user.pem", "CERTIFICATE", &administrator.certificate);
    for days in [0, 1, 3, 5, 10, 30] {
        bench.wait(days * 24 * 3600);
        assert!(party.by_ocsp(&["-cert", "user.pem"], &[]).contains("user.pem: good"));
    }
    assert_eq!(bench.events_of("ocsp.responder").await, 4);
}

/// What OpenSSL asks about those serial numbers, without a nonce.
async fn question(party: &Party<'_>, serials: &[&str]) -> Vec<u8> {
    let mut request = vec!["ocsp", "-issuer", "issuing.pem", "-no_nonce", "-reqout", "request.der"];
    request.extend(serials.iter().flat_map(|serial| ["-serial", serial]));
    assert!(party.openssl(&request).status.success());
    std::fs::read(party.path("request.der")).unwrap()
}

async fn ask(bench: &Bench, request: &[u8]) -> Vec<u8> {
    bench.house.revocation.ocsp(&bench.house, request).await.der.to_vec()
}

/// An answer that only says why there is none.
fn only(status: u8) -> Vec<u8> {
    vec![0x30, 0x03, 0x0a, 0x01, status]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_questions_leaves_readers_for_logins() {
    let bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let party = Party::of(&bench).await;
    let serial = format!("0x{}", CertificateFacts::from_der(&administrator.certificate).unwrap().serial);
    let four = question(&party, &[&serial, "2", "3", "4"]).await;
    assert!(ask(&bench, &four).await.len() > 100);
    let five = question(&party, &[&serial, "2", "3", "4", "5"]).await;
    assert_eq!(ask(&bench, &five).await, only(1));

    // with no reader free two wait for one, and whoever comes after them is sent away
    let mut readers = Vec::new();
    for _ in 0..bench.house.store.readers().size().max(4) {
        readers.push(bench.house.store.readers().acquire().await.unwrap());
    }
    let (sender, mut answers) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..3 {
        let (house, four, sender) = (bench.house.clone(), four.clone(), sender.clone());
        tokio::spawn(async move { sender.send(house.revocation.ocsp(&house, &four).await.der.to_vec()) });
    }
    assert_eq!(answers.recv().await.unwrap(), only(3));
    let issuer = bench.house.ca.current().id();
    let list = bench.house.revocation.list(&bench.house, issuer, 0).await;
    assert!(matches!(list, Err(authority::revocation::RevocationError::Busy)));
    drop(readers);
    for _ in 0..2 {
        assert!(answers.recv().await.unwrap().len() > 100);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_remembered_has_one_form() {
    use der::asn1::OctetString;
    use der::{Decode, Encode};
    let bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let party = Party::of(&bench).await;
    let serial = format!("0x{}", CertificateFacts::from_der(&administrator.certificate).unwrap().serial);
    let plain = question(&party, &[&serial]).await;
    // signatures are never twice the same: what is, was remembered
    assert_eq!(ask(&bench, &plain).await, ask(&bench, &plain).await);
    let asked = token::ocsp::OcspRequest::from_der(&plain).unwrap();
    let extension = x509_cert::ext::Extension {
        extn_id: "1.3.6.1.4.1.99999.1".parse().unwrap(),
        critical: false,
        extn_value: OctetString::new(vec![7; 9000]).unwrap(),
    };
    let (mut one, mut whole, mut odd) = (asked.clone(), asked.clone(), asked);
    one.tbs_request.request_list[0].extensions = Some(vec![extension.clone()]);
    whole.tbs_request.extensions = Some(vec![extension]);
    let parameters = der::Any::new(der::Tag::OctetString, vec![7; 9000]).unwrap();
    odd.tbs_request.request_list[0].cert_id.hash_algorithm.parameters = Some(parameters);
    for padded in [one, whole, odd] {
        let padded = padded.to_der().unwrap();
        let (first, second) = (ask(&bench, &padded).await, ask(&bench, &padded).await);
        assert!(first.len() > 100 && first != second);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuing_ca_at_its_end_makes_no_responder_a_question() {
    let bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let party = Party::of(&bench).await;
    let serial = format!("0x{}", CertificateFacts::from_der(&administrator.certificate).unwrap().serial);
    let request = question(&party, &[&serial]).await;
    let end = bench.house.ca.current().not_after();
    for left in [100, 50, 1] {
        bench.clock.set(end - left);
        assert!(ask(&bench, &request).await.len() > 100, "{left} s before the end");
    }
    assert_eq!(bench.events_of("ocsp.responder").await, 1);
    for after in [0, 1, 1000] {
        bench.clock.set(end + after);
        assert_eq!(ask(&bench, &request).await, only(6), "{after} s after the end");
    }
    assert_eq!(bench.events_of("ocsp.responder").await, 1);
}
