//! A PKCS#11 module called in this process: directly, or through p11-kit's remoting client.

use std::process::{Child, Command, Stdio};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use sha2::{Digest, Sha256};
use token::{PublicKey, SignatureAlgorithm};

use crate::measure::Signer;

/// The `CKA_ID` of the benchmark's key.
pub(crate) const KEY_ID: &str = "bebebebe";

/// What is signed.
const MESSAGE: [u8; 64] = [7; 64];

/// p11-kit's remoting client.
const CLIENT: &str = "pkcs11/p11-kit-client.so";

/// A module in use.
pub(crate) struct Module(Pkcs11);

impl Module {
    pub(crate) fn load(path: &str) -> Self {
        let module = Pkcs11::new(path).unwrap_or_else(|e| panic!("{path}: {e}"));
        module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).expect("C_Initialize");
        Self(module)
    }

    /// A session on the one token there is.
    fn session(&self) -> Session {
        let slot = self
            .0
            .get_slots_with_token()
            .expect("slots")
            .into_iter()
            .find(|s| self.0.get_token_info(*s).is_ok_and(|t| t.token_initialized()))
            .expect("a token");
        self.0.open_ro_session(slot).expect("a session")
    }

    /// Signs the digest of a login, as the daemon does.
    pub(crate) fn signer(&self) -> Signer {
        let session = self.session();
        let key = object(&session, ObjectClass::PRIVATE_KEY);
        Box::new(move || {
            sign(&session, key);
        })
    }

    /// The same, and verifies the signature: the least work behind a login that the daemon releases.
    pub(crate) fn verifying_signer(&self) -> Signer {
        let session = self.session();
        let key = object(&session, ObjectClass::PRIVATE_KEY);
        let public = object(&session, ObjectClass::PUBLIC_KEY);
        let point = match session.get_attributes(public, &[AttributeType::EcPoint]).expect("CKA_EC_POINT").remove(0) {
            // An OCTET STRING around the point (PKCS #11 v3.1 §6.3.3).
            Attribute::EcPoint(point) => PublicKey::from_point(&point[2..]).expect("a point on P-256"),
            other => panic!("{other:?}"),
        };
        Box::new(move || {
            let signature = sign(&session, key);
            point.verify(SignatureAlgorithm::Es256, &MESSAGE, &signature).expect("it verifies");
        })
    }
}

fn object(session: &Session, class: ObjectClass) -> ObjectHandle {
    let template = [Attribute::Id(hex::decode(KEY_ID).expect("hexadecimal")), Attribute::Class(class)];
    *session.find_objects(&template).expect("objects").first().expect("the key")
}

fn sign(session: &Session, key: ObjectHandle) -> Vec<u8> {
    let signature = session.sign(&Mechanism::Ecdsa, key, &Sha256::digest(MESSAGE)).expect("C_Sign");
    assert_eq!(signature.len(), 64);
    signature
}

/// `p11-kit server` in front of a module.
pub(crate) struct Remoting {
    server: Child,
    pub(crate) address: String,
    pub(crate) client: String,
}

impl Remoting {
    pub(crate) fn start(conf: &std::path::Path, socket: &std::path::Path) -> Self {
        let server = Command::new("p11-kit")
            .args(["server", "--foreground", "--provider", tests::soft_token::MODULE, "--name"])
            .arg(socket)
            .arg("pkcs11:")
            .env("SOFTHSM2_CONF", conf)
            .stdout(Stdio::null())
            .spawn()
            .expect("p11-kit server");
        tests::running::wait_for("p11-kit server", || socket.exists().then_some(()));
        let client = ["x86_64", "aarch64"]
            .map(|arch| format!("/usr/lib/{arch}-linux-gnu/{CLIENT}"))
            .into_iter()
            .find(|path| std::path::Path::new(path).exists())
            .expect("p11-kit-client.so (Debian: p11-kit-modules)");
        Self { server, address: format!("unix:path={}", socket.display()), client }
    }
}

impl Drop for Remoting {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
