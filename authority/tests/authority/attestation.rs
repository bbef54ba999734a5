//! Proof of where a key was made, through the CMP door: what a device says, and what is made of it (D-501 to D-503).

use authority::attestation::TouchPolicy;
use authority::settings::DeviceSettings;
use enrol::cmp::Evidence;
use enrol::cmp::client::{Confirmation, Response};
use token::Refusal;
use virtual_card::attestation::{Device, Wrong, chain, root_pem};

use crate::bench::{Bench, CONFIRM_PIN, Client, USER, USER_PIN, text};
use crate::cmp_door::{Door, other_key, public, refusal};

pub(crate) const DEVICE: Device = Device { firmware: [5, 7, 1], form_factor: 1, serial: 12_345_678 };
/// PIN once, touch never.
pub(crate) const POLICIES: [u8; 2] = [2, 1];

/// An authority that believes the makers of the virtual cards, with an open issue for the user.
pub(crate) async fn door(named: Option<&str>, change: impl FnOnce(&mut DeviceSettings)) -> (Door, Client) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    std::fs::write(&root, root_pem().unwrap()).unwrap();
    let bench = Bench::with(|settings| {
        settings.acquisition.code = false;
        settings.device.roots = vec![root.to_str().unwrap().to_owned()];
        change(&mut settings.device);
    })
    .await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let version = office.version(USER).await;
    let mut fields = vec![("choice", "reissue"), ("confirm_pin", CONFIRM_PIN), ("version", version.as_str())];
    fields.extend(named.map(|serial| ("device", serial)));
    office.post(&format!("/admin/v1/users/{USER}/certificate"), &fields).await.ok();
    (Door::of(bench), office)
}

/// What a device says about the door's key.
pub(crate) fn proof(door: &Door, device: Device, policies: [u8; 2], wrong: Wrong) -> Evidence {
    let key = public(&door.key);
    Evidence::new(chain(device, 0x9a, key.as_der(), policies, wrong).unwrap()).unwrap()
}

pub(crate) async fn acquire(door: &Door, evidence: Option<&Evidence>) -> Response {
    door.second_page_with(evidence, &door.key, &door.bench.otp(), None).await
}

/// Refused, and nothing came of it: the OTP can still be used with the right device.
async fn is_refused(door: &Door, evidence: Option<&Evidence>, reason: &str) {
    assert_eq!(refusal(&acquire(door, evidence).await), Some(Refusal::Device), "{reason}");
    assert_eq!(door.bench.states().await, ["awaiting"], "{reason}");
    let recorded: String = sqlx::query_scalar(
        "SELECT reason FROM events WHERE action = 'acquisition.accept' AND outcome = 'E-DEVICE' ORDER BY seq DESC LIMIT 1",
    )
    .fetch_one(door.bench.house.store.readers())
    .await
    .unwrap();
    assert!(recorded.contains(reason), "{recorded} has no {reason}");
}

#[tokio::test]
async fn a_named_device_acquires_and_is_known_from_then_on() {
    let (door, office) = door(Some("12345678"), |_| {}).await;
    assert!(door.first_page(USER_PIN, None).await.unwrap().attestation_wanted);
    let evidence = proof(&door, DEVICE, POLICIES, Wrong::Nothing);
    let Response::Issued(issued) = acquire(&door, Some(&evidence)).await else { panic!("not issued") };
    assert_eq!(door.confirm(&issued.certificate, &door.key).await, Confirmation::Done);

    // The administrator sees it.
    let shown = office.get(&format!("/admin/v1/users/{USER}")).await.ok();
    let device = &shown["certificate"]["device"];
    assert_eq!((text(device, "serial"), text(device, "firmware")), ("12345678", "5.7.1"));
    assert_eq!((text(device, "pin_policy"), text(device, "touch_policy")), ("once", "never"));
    assert_eq!(device["attested"], true);

    // It is on record, and the proof itself is kept with the certificate.
    let readers = door.bench.house.store.readers();
    let (subject, reason): (String, String) =
        sqlx::query_as("SELECT subject, reason FROM events WHERE action = 'device.attest'")
            .fetch_one(readers)
            .await
            .unwrap();
    assert_eq!((subject.as_str(), reason.as_str()), ("12345678", "firmware 5.7.1, PIN once, touch never"));
    let kept: Vec<u8> = sqlx::query_scalar("SELECT device_evidence FROM certificates WHERE user_id = $1")
        .bind(USER)
        .fetch_one(readers)
        .await
        .unwrap();
    assert_eq!(kept, [evidence.leaf(), evidence.others()[0].as_slice()].concat());
    authority::store::event::verify(readers).await.unwrap();
}

#[tokio::test]
async fn what_proves_nothing_is_refused_and_costs_nothing() {
    let (door, _) = door(Some("12345678"), |_| {}).await;
    let proof = |device, policies, wrong| proof(&door, device, policies, wrong);
    let other_serial = Device { serial: 87_654_321, ..DEVICE };
    let old = Device { firmware: [4, 3, 4], ..DEVICE };
    let other_key = public(&other_key());
    let about_another = Evidence::new(chain(DEVICE, 0x9a, other_key.as_der(), POLICIES, Wrong::Nothing).unwrap());
    let garbage = Evidence::new(vec![vec![0x30, 0x03, 0x02, 0x01, 0x05]]);
    let lonely = Evidence::new(vec![proof(DEVICE, POLICIES, Wrong::Nothing).leaf().to_vec()]);
    for (evidence, reason) in [
        (about_another.unwrap(), "about another key"),
        (garbage.unwrap(), "not made of certificates"),
        (lonely.unwrap(), "no configured manufacturer"),
        (proof(DEVICE, POLICIES, Wrong::ForeignRoot), "no configured manufacturer"),
        (proof(DEVICE, POLICIES, Wrong::Forged), "no configured manufacturer"),
        (proof(DEVICE, POLICIES, Wrong::Expired), "not valid now"),
        (proof(DEVICE, POLICIES, Wrong::Missing(3)), "firmware"),
        (proof(DEVICE, POLICIES, Wrong::Missing(7)), "serial number"),
        (proof(DEVICE, POLICIES, Wrong::Missing(8)), "PIN and touch policy"),
        (proof(DEVICE, [0, 1], Wrong::Nothing), "PIN and touch policy"),
        (proof(other_serial, POLICIES, Wrong::Nothing), "device 87654321, which is not the one named"),
        (proof(old, POLICIES, Wrong::Nothing), "firmware too old on device 12345678"),
        (proof(DEVICE, [1, 1], Wrong::Nothing), "PIN policy too weak"),
    ] {
        is_refused(&door, Some(&evidence), reason).await;
    }
    is_refused(&door, None, "no proof").await;
    let good = proof(DEVICE, POLICIES, Wrong::Nothing);
    assert!(matches!(acquire(&door, Some(&good)).await, Response::Issued(_)));
}

#[tokio::test]
async fn where_none_is_named_a_device_without_proof_goes_as_ever() {
    let (door, _) = door(None, |_| {}).await;
    assert!(!door.first_page(USER_PIN, None).await.unwrap().attestation_wanted);
    // But nobody is believed who gives a false one.
    let false_one = proof(&door, DEVICE, POLICIES, Wrong::ForeignRoot);
    is_refused(&door, Some(&false_one), "no configured manufacturer").await;
    assert!(matches!(acquire(&door, None).await, Response::Issued(_)));
    assert_eq!(door.bench.events_of("device.attest").await, 0);
}

#[tokio::test]
async fn a_touch_can_be_required() {
    let (door, _) = door(None, |device| device.touch_policy = TouchPolicy::Cached).await;
    is_refused(&door, Some(&proof(&door, DEVICE, POLICIES, Wrong::Nothing)), "touch policy too weak").await;
    let touched = proof(&door, DEVICE, [3, 2], Wrong::Nothing);
    assert!(matches!(acquire(&door, Some(&touched)).await, Response::Issued(_)));
}

/// An authority that believes nobody looks at no proof: a device that gives one is as good as one that does not.
#[tokio::test]
async fn who_believes_nobody_looks_at_nothing() {
    let (door, _) = door(None, |device| device.roots.clear()).await;
    let evidence = proof(&door, DEVICE, POLICIES, Wrong::ForeignRoot);
    assert!(matches!(acquire(&door, Some(&evidence)).await, Response::Issued(_)));
    assert_eq!(door.bench.events_of("device.attest").await, 0);
}
