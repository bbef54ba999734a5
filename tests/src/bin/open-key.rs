//! `open-key LABEL HEX`: generates a P-256 key on a SoftHSM token that signs without a PIN (`CKA_PRIVATE` false), as a
//! machine's own key does. No tool of Debian's makes one. The store is that of `SOFTHSM2_CONF`.
#![allow(clippy::expect_used, reason = "a part of the bench")]

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;

/// DER of the object identifier of P-256.
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let label = arguments.next().expect("the token's label");
    let id = Attribute::Id(hex::decode(arguments.next().expect("a CKA_ID")).expect("hexadecimal"));
    let module = Pkcs11::new(tests::soft_token::MODULE).expect("SoftHSM");
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).expect("C_Initialize");
    let slots = module.get_slots_with_token().expect("slots");
    let slot = slots
        .into_iter()
        .find(|slot| module.get_token_info(*slot).is_ok_and(|token| token.label() == label))
        .expect("a token of that label");
    let session = module.open_rw_session(slot).expect("a session");
    let both = [Attribute::Token(true), Attribute::Private(false), id];
    let public = [Attribute::EcParams(P256.to_vec())];
    let private = [Attribute::Sensitive(true), Attribute::Extractable(false), Attribute::Sign(true)];
    session
        .generate_key_pair(&Mechanism::EccKeyPairGen, &[&both[..], &public].concat(), &[&both[..], &private].concat())
        .expect("a key pair");
}
