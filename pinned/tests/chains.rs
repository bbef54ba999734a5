//! Whose certificate it is, where an authority has had several CAs; the certificates are made by `openssl`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod support;

use pinned::Roots;
use pinned::chain::{MAX_POOL, Purpose, Untrusted, verify};
use support::openssl;
use tempfile::TempDir;

/// Root, issuing CA and a person's certificate, DER. All of them have the same names: only the keys differ.
struct House {
    root: Vec<u8>,
    issuing: Vec<u8>,
    person: Vec<u8>,
}

impl House {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let at = dir.path();
        let ec = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        std::fs::write(at.join("ca"), "basicConstraints=critical,CA:true\nkeyUsage=keyCertSign\n").unwrap();
        std::fs::write(at.join("person"), "extendedKeyUsage=clientAuth\n").unwrap();
        openssl(at, &format!("req -x509 {ec} -keyout root.key -out root.pem -subj /CN=Root -days 30"));
        for (name, above, kind) in [("issuing", "root", "ca"), ("person", "issuing", "person")] {
            openssl(at, &format!("req {ec} -keyout {name}.key -out {name}.csr -subj /CN={name}"));
            let by = format!("-CA {above}.pem -CAkey {above}.key -CAcreateserial -days 20");
            openssl(at, &format!("x509 -req -in {name}.csr {by} -out {name}.pem -extfile {kind}"));
        }
        let [root, issuing, person] = ["root", "issuing", "person"].map(|name| {
            openssl(at, &format!("x509 -in {name}.pem -outform DER -out {name}.der"));
            std::fs::read(at.join(format!("{name}.der"))).unwrap()
        });
        Self { root, issuing, person }
    }
}

fn pinning(houses: &[&House]) -> Roots {
    use sha2::Digest;
    let roots: Vec<String> = houses.iter().map(|house| hex::encode(sha2::Sha256::digest(&house.root))).collect();
    Roots::parse(&roots).unwrap()
}

#[test]
fn any_of_its_cas_will_do_and_no_other() {
    let [former, current, stranger] = [House::new(), House::new(), House::new()];
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let pool = [&current.issuing, &former.issuing, &current.root, &former.root].map(Clone::clone).to_vec();
    let (both, newer) = (pinning(&[&former, &current]), pinning(&[&current]));
    let check = |person: &House, pool: &[Vec<u8>], roots| verify(&person.person, pool, roots, Purpose::Client, now);
    for own in [&former, &current] {
        assert_eq!(check(own, &pool, &both), Ok(()));
    }
    assert_eq!(check(&current, &pool, &newer), Ok(()));
    assert!(check(&former, &pool, &newer).is_err(), "its root is not pinned");
    assert!(check(&stranger, &pool, &both).is_err(), "the names alone say nothing");
    let sent: Vec<_> = [&stranger.issuing, &stranger.root].map(Clone::clone).to_vec();
    assert_eq!(check(&stranger, &sent, &both), Err(Untrusted::NoPinnedRoot));
    let crowd = vec![current.root.clone(); MAX_POOL + 1];
    assert_eq!(check(&current, &crowd, &both), Err(Untrusted::TooLong));
}
