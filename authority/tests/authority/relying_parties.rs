//! Others' servers that accept logins: off line with the crate `jitsuin-verify`, or with the authority's word.

use jitsuin_verify::{
    ChallengeStore, Challenges, Demand, Evidence, Holders, Party, Reason, Rejection, RevocationList, Verifier,
};
use token::ocsp::{CertId, NONCE, OcspRequest, Request, TbsRequest};
use token::{Challenge, Origin, SignatureAlgorithm};

use crate::bench::{Answer, Bench, CONTRACT, Card, USER, text};
use crate::revocation::{set_status, today};

pub(crate) const SHOP: &str = "https://shop.example";
const HOUR: i64 = 3600;

fn party(bench: &Bench) -> Party {
    Party::new(SHOP.parse().unwrap(), "1635".parse().unwrap())
        .trust(bench.house.ca.root().to_vec())
        .know(bench.house.ca.issuing().to_vec())
}

/// The part of the list in which the card's certificate would stand, as it is now.
async fn list(bench: &Bench, partition: i64) -> RevocationList {
    RevocationList::from_der(&list_der(bench, partition).await).unwrap()
}

/// The same in DER.
pub(crate) async fn list_der(bench: &Bench, partition: i64) -> Vec<u8> {
    let house = &bench.house;
    house.revocation.list(house, house.ca.current().id(), partition).await.unwrap().unwrap().der.to_vec()
}

fn request(bench: &Bench, card: &Card, nonce: Option<&[u8]>) -> Vec<u8> {
    use der::asn1::{Int, OctetString};
    use der::{Decode, Encode};
    use sha2::{Digest, Sha256};
    let issuer = x509_cert::Certificate::from_der(bench.house.ca.issuing()).unwrap();
    let leaf = x509_cert::Certificate::from_der(&card.certificate).unwrap();
    let key = issuer.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
    let hash = |bytes: &[u8]| OctetString::new(Sha256::digest(bytes).to_vec()).unwrap();
    let cert_id = CertId {
        hash_algorithm: spki::AlgorithmIdentifierOwned {
            oid: "2.16.840.1.101.3.4.2.1".parse().unwrap(),
            parameters: None,
        },
        issuer_name_hash: hash(&issuer.tbs_certificate().subject().to_der().unwrap()),
        issuer_key_hash: hash(key),
        serial_number: Int::new(leaf.tbs_certificate().serial_number().as_bytes()).unwrap(),
    };
    let extensions = nonce.map(|nonce| {
        let value = OctetString::new(OctetString::new(nonce).unwrap().to_der().unwrap()).unwrap();
        vec![x509_cert::ext::Extension { extn_id: NONCE, critical: false, extn_value: value }]
    });
    let request_list = vec![Request { cert_id, extensions: None }];
    let tbs_request = TbsRequest { version: 0, requestor_name: None, request_list, extensions };
    OcspRequest { tbs_request, signature: None }.to_der().unwrap()
}

pub(crate) async fn answer(bench: &Bench, card: &Card, nonce: Option<&[u8]>) -> Vec<u8> {
    bench.house.revocation.ocsp(&bench.house, &request(bench, card, nonce)).await.der.to_vec()
}

/// One login at the shop with that evidence.
fn log_in(bench: &Bench, party: Party, card: &Card, evidence: &Evidence) -> Result<String, Rejection> {
    let challenge = Challenge::from_bytes(&authority::code::random::<32>().unwrap()).unwrap();
    let token = card.answer(challenge.as_str(), SHOP);
    let verifier = Verifier::new(party).unwrap();
    verifier.verify(&challenge, &token, evidence, bench.clock.now()).map(|login| login.subject.to_string())
}

fn lists(lists: Vec<RevocationList>) -> Evidence {
    Evidence { lists, ..Evidence::default() }
}

fn answers(answers: Vec<Vec<u8>>) -> Evidence {
    Evidence { answers, ..Evidence::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_checked_off_line() {
    let bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let good = Ok(format!("{CONTRACT} {USER} 1635"));
    let evidence = lists(vec![list(&bench, 1).await]);
    assert_eq!(log_in(&bench, party(&bench), &card, &evidence), good);
    assert_eq!(log_in(&bench, party(&bench), &card, &answers(vec![answer(&bench, &card, None).await])), good);
    assert_eq!(log_in(&bench, party(&bench), &card, &Evidence::default()), Err(Rejection::NoEvidence));
    let nothing = party(&bench).demand(Demand::Nothing);
    assert_eq!(log_in(&bench, nothing, &card, &Evidence::default()), good);
    // the whole list has no distribution point, and covers every certificate
    assert_eq!(log_in(&bench, party(&bench), &card, &lists(vec![list(&bench, 0).await])), good);

    // who, what and how
    assert_eq!(log_in(&bench, party(&bench), &administrator, &evidence), Err(Rejection::Holder));
    let administrators = party(&bench).admit(Holders::Administrators);
    assert_eq!(log_in(&bench, administrators.clone(), &administrator, &evidence), Ok(format!("{CONTRACT} 1635")));
    assert_eq!(log_in(&bench, administrators, &card, &evidence), Err(Rejection::Holder));
    let elsewhere = Party::new(SHOP.parse().unwrap(), "9999".parse().unwrap());
    let elsewhere = elsewhere.trust(bench.house.ca.root().to_vec()).know(bench.house.ca.issuing().to_vec());
    assert_eq!(log_in(&bench, elsewhere, &card, &evidence), Err(Rejection::Name));
    let strict = party(&bench).sign_with(&[SignatureAlgorithm::Es384]);
    assert_eq!(log_in(&bench, strict, &card, &evidence), Err(Rejection::Algorithm("ES256".to_owned())));
    let origin = Party::new("https://evil.example".parse().unwrap(), "1635".parse().unwrap());
    let origin = origin.trust(bench.house.ca.root().to_vec()).know(bench.house.ca.issuing().to_vec());
    assert_eq!(log_in(&bench, origin, &card, &evidence), Err(Rejection::Signature));
    let alone = Party::new(SHOP.parse().unwrap(), "1635".parse().unwrap()).trust(bench.house.ca.root().to_vec());
    assert!(matches!(log_in(&bench, alone, &card, &evidence), Err(Rejection::Path(_))));
    let other = Bench::new().await;
    assert!(matches!(log_in(&bench, party(&other), &card, &evidence), Err(Rejection::Path(_))));
    // the other authority's list and answers say nothing here
    let foreign =
        Evidence { lists: vec![list(&other, 0).await], answers: vec![answer(&other, &card, None).await], nonce: None };
    assert!(log_in(&bench, party(&bench), &card, &foreign).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_held_old_and_false_evidence() {
    let bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let (old_list, old_answer) = (list(&bench, 1).await, answer(&bench, &card, None).await);

    let nonce = [7; 32];
    let fresh = Evidence {
        answers: vec![answer(&bench, &card, Some(&nonce)).await],
        lists: Vec::new(),
        nonce: Some(nonce.to_vec()),
    };
    assert!(log_in(&bench, party(&bench), &card, &fresh).is_ok());
    let replayed = Evidence { answers: vec![old_answer.clone()], lists: Vec::new(), nonce: Some(nonce.to_vec()) };
    assert!(matches!(log_in(&bench, party(&bench), &card, &replayed), Err(Rejection::BadEvidence(_))));
    for at in [old_answer.len() / 3, old_answer.len() / 2, old_answer.len() - 20] {
        let mut forged = old_answer.clone();
        forged[at] ^= 1;
        assert!(log_in(&bench, party(&bench), &card, &answers(vec![forged])).is_err(), "octet {at}");
    }

    set_status(&bench, "suspended").await;
    for evidence in [lists(vec![list(&bench, 1).await]), answers(vec![answer(&bench, &card, None).await])] {
        assert!(matches!(log_in(&bench, party(&bench), &card, &evidence), Err(Rejection::OnHold { .. })));
    }
    set_status(&bench, "valid").await;
    bench.wait(60);
    office.choose(USER, "revoke", Some("stolen")).await.ok();
    let revoked = Err(Rejection::Revoked { at: bench.clock.now(), reason: Reason::KeyCompromise });
    let (new_list, new_answer) = (list(&bench, 1).await, answer(&bench, &card, None).await);
    assert_eq!(log_in(&bench, party(&bench), &card, &answers(vec![new_answer.clone()])), revoked);
    // an older piece that still speaks for the certificate does not outweigh one that speaks against it
    assert_eq!(log_in(&bench, party(&bench), &card, &answers(vec![old_answer.clone(), new_answer])), revoked);
    assert_eq!(log_in(&bench, party(&bench), &card, &lists(vec![old_list, new_list])), revoked);

    // the old answer lives an hour; after that it is no evidence
    assert!(log_in(&bench, party(&bench), &card, &answers(vec![old_answer.clone()])).is_ok());
    bench.wait(HOUR);
    assert_eq!(log_in(&bench, party(&bench), &card, &answers(vec![old_answer])), Err(Rejection::NoEvidence));
}

#[tokio::test(flavor = "multi_thread")]
async fn time_and_the_chain() {
    let bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    let house = &bench.house;
    let whole = party(&bench).demand(Demand::WholeChain { hours: 1 });
    let leaf_only = lists(vec![list(&bench, 1).await]);
    assert_eq!(log_in(&bench, whole.clone(), &card, &leaf_only), Err(Rejection::NoEvidence));
    let root = house.ca.root_list_of(&root_id(&bench)).unwrap();
    let both = lists(vec![list(&bench, 1).await, RevocationList::from_der(root).unwrap()]);
    assert!(log_in(&bench, whole.clone(), &card, &both).is_ok());
    let mixed = Evidence {
        lists: vec![RevocationList::from_der(root).unwrap()],
        answers: vec![answer(&bench, &card, None).await],
        nonce: None,
    };

    // with two trusted roots, the list of the one says nothing of what the other certified
    let (other, others) = another_root(&bench);
    let trusting = whole.clone().trust(other);
    let wrong = lists(vec![list(&bench, 1).await, RevocationList::from_der(&others).unwrap()]);
    assert_eq!(log_in(&bench, trusting.clone(), &card, &wrong), Err(Rejection::NoEvidence));
    assert!(log_in(&bench, trusting.clone(), &card, &both).is_ok());
    let wrong = Evidence { answers: vec![answer(&bench, &card, None).await], ..wrong };
    assert_eq!(log_in(&bench, trusting, &card, &wrong), Err(Rejection::NoEvidence));
    assert!(log_in(&bench, whole, &card, &mixed).is_ok());

    // a list that is older than the party allows, though its own end is not reached
    let demanding = party(&bench).demand(Demand::Revocation { hours: 1 });
    let list = lists(vec![list(&bench, 1).await]);
    bench.wait(2 * HOUR);
    assert_eq!(log_in(&bench, demanding, &card, &list), Err(Rejection::NoEvidence));
    assert!(log_in(&bench, party(&bench), &card, &list).is_ok());
    bench.wait(400 * 24 * HOUR);
    assert!(matches!(log_in(&bench, party(&bench), &card, &list), Err(Rejection::Expired { .. })));
    bench.wait(-500 * 24 * HOUR);
    assert!(log_in(&bench, party(&bench), &card, &list).is_err());
}

/// Another root's certificate and list, as they come from a ceremony.
fn another_root(bench: &Bench) -> (Vec<u8>, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let (folder, settings) = (dir.path().join("root"), authority::settings::CaSettings::default());
    let passphrase = crate::bench::secret("another root far from any network");
    let keep = authority::ca::ceremony::Keep::Sealed(&passphrase);
    let code = &bench.house.settings.institution_code;
    authority::ca::ceremony::new_root(&folder, code, &keep, &settings, bench.clock.now()).unwrap();
    let root = authority::ca::ceremony::root(&folder, &settings).unwrap().0;
    let list = der::pem::decode_vec(&std::fs::read(folder.join("root.crl")).unwrap()).unwrap().1;
    (root, list)
}

fn root_id(bench: &Bench) -> String {
    use der::Decode;
    let root = x509_cert::Certificate::from_der(bench.house.ca.root()).unwrap();
    let id = root.tbs_certificate().get_extension::<x509_cert::ext::pkix::SubjectKeyIdentifier>().unwrap().unwrap();
    hex::encode(id.1.0.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_serves_one_login() {
    let bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    let verifier = Verifier::new(party(&bench)).unwrap();
    let store = Challenges::new(10, 300);
    let challenge = Challenge::from_bytes(&[9; 32]).unwrap();
    let now = bench.clock.now();
    store.put("browser", &challenge, now).unwrap();
    let token = card.answer(challenge.as_str(), SHOP);
    let evidence = lists(vec![list(&bench, 1).await]);
    assert_eq!(verifier.log_in(&store, "another", &token, &evidence, now).err(), Some(Rejection::Challenge));
    assert!(verifier.log_in(&store, "browser", &token, &evidence, now).is_ok());
    assert_eq!(verifier.log_in(&store, "browser", &token, &evidence, now).err(), Some(Rejection::Challenge));
}

async fn ask(bench: &Bench, path: &str, bearer: &str, fields: &[(&str, &str)]) -> Answer {
    let mut client = bench.client().await;
    client.session = Some(bearer.to_owned());
    client.post(path, fields).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_checks_logins_for_those_who_are_registered() {
    let bench = today(Bench::new().await);
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let shop: Origin = SHOP.parse().unwrap();
    let bank = bench.bank();
    let bearer = bank.add_relying_party(&shop, "F-9").await.unwrap();
    assert!(bank.add_relying_party(&shop, "F-9").await.is_err(), "registered once");
    bench.wait(600);

    let given = ask(&bench, "/verify/challenge", &bearer, &[]).await.ok();
    assert_eq!(given["origin"], SHOP);
    let challenge = text(&given, "challenge");
    let token = card.answer(challenge, SHOP);
    let fields = [("challenge", challenge), ("token", token.as_str())];
    let told = ask(&bench, "/verify/token", &bearer, &fields).await.ok();
    assert_eq!((text(&told, "contract_id"), text(&told, "user_id")), (CONTRACT, USER));
    assert_eq!((text(&told, "status"), text(&told, "assurance")), ("valid", "unattested"));
    assert_eq!((&told["credential_age_seconds"], text(&told, "rights")), (&600.into(), "active"));
    assert!(told.get("cooling_off_until").is_some(), "D-507: {told}");
    assert_eq!(ask(&bench, "/verify/token", &bearer, &fields).await.code(), "E-ORIGIN", "once");

    let again = async |origin: &str, card: &Card| {
        let given = ask(&bench, "/verify/challenge", &bearer, &[]).await.ok();
        let challenge = text(&given, "challenge").to_owned();
        let token = card.answer(&challenge, origin);
        ask(&bench, "/verify/token", &bearer, &[("challenge", &challenge), ("token", &token)]).await
    };
    assert_eq!(again("https://evil.example", &card).await.code(), "E-ORIGIN");
    assert_eq!(again(crate::bench::ORIGIN, &card).await.code(), "E-ORIGIN");
    assert_eq!(again(SHOP, &administrator).await.code(), "E-CERT-NOUSER");
    // a challenge of our own door, or of another party, is none here
    let ours = bench.client().await.post("/login/challenge", &[]).await.ok();
    let token = card.answer(text(&ours, "challenge"), SHOP);
    let fields = [("challenge", text(&ours, "challenge")), ("token", token.as_str())];
    assert_eq!(ask(&bench, "/verify/token", &bearer, &fields).await.code(), "E-ORIGIN");
    let other = bank.add_relying_party(&"https://other.example".parse().unwrap(), "F-10").await.unwrap();
    let given = ask(&bench, "/verify/challenge", &other, &[]).await.ok();
    let token = card.answer(text(&given, "challenge"), SHOP);
    let fields = [("challenge", text(&given, "challenge")), ("token", token.as_str())];
    assert_eq!(ask(&bench, "/verify/token", &bearer, &fields).await.code(), "E-ORIGIN");

    // who is not registered
    for wrong in ["", "0", &"0".repeat(64)] {
        let refused = ask(&bench, "/verify/challenge", wrong, &[]).await;
        assert_eq!((refused.code().as_str(), refused.status.as_u16()), ("E-PARTY", 401));
    }
    let claims = [("origin", "https://other.example")];
    assert_eq!(ask(&bench, "/verify/challenge", &bearer, &claims).await.code(), "E-ORIGIN");
    let kept: Vec<String> = sqlx::query_scalar("SELECT bearer_sha256 FROM relying_parties")
        .fetch_all(bench.house.store.readers())
        .await
        .unwrap();
    assert!(!kept.contains(&*bearer), "the token itself is not kept");

    bench.wait(60);
    office.choose(USER, "revoke", Some("lost")).await.ok();
    assert_eq!(again(SHOP, &card).await.code(), "E-CERT-REVOKED");
    bank.remove_relying_party(&shop, "F-11").await.unwrap();
    assert_eq!(ask(&bench, "/verify/challenge", &bearer, &[]).await.code(), "E-PARTY");
    let anew = bank.add_relying_party(&shop, "F-12").await.unwrap();
    assert!(anew != bearer && ask(&bench, "/verify/challenge", &anew, &[]).await.status.is_success());
    assert_eq!(bench.events_of("party.verify").await, 8);
}
