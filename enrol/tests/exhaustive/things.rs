//! The fixed things of the small world: keys, certificates, the order, the tokens.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use enrol::machine::{Confirmation, EnrolmentId, Issued, Order, Replaced, Terms, TransactionId};
use token::{ContractId, KeyAlgorithm, PinState, PublicKey, SlotId, SlotInfo, SlotSpace, TokenId, TokenInfo, UserId};

/// Keys are small numbers: [`OLD`], those made by the enrolment (1, 2, …), [`FOREIGN`].
pub(crate) type Key = u8;
/// The key in use so far.
pub(crate) const OLD: Key = 8;
/// A key made by another program.
pub(crate) const FOREIGN: Key = 9;
/// Instead of a certificate: what a torn write leaves.
pub(crate) const TORN: u8 = 99;

/// One place on our token. 0: nothing; a certificate has the number of the key it is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) key: Key,
    pub(crate) certificate: u8,
}

pub(crate) struct Things {
    pub(crate) order: Order,
    pub(crate) other_order: Order,
    pub(crate) slots: [SlotId; 3],
    other_token: TokenId,
    keys: Vec<PublicKey>,
}

pub(crate) static THINGS: LazyLock<Things> = LazyLock::new(|| {
    let id = EnrolmentId::new([7; 16]);
    let mut second = [7; 16];
    second[15] += 1;
    let slots =
        [SlotId::new("0a").unwrap(), SlotId::from_bytes(&[7; 16]).unwrap(), SlotId::from_bytes(&second).unwrap()];
    let keys: Vec<PublicKey> = (0..10)
        .map(|n| {
            let mut point = [n; 65];
            point[0] = 4;
            PublicKey::from_point(&point).unwrap()
        })
        .collect();
    let order = Order {
        id,
        transaction: TransactionId::new([1; 16]),
        owner: 1000,
        profile: "bank".to_owned(),
        token: TokenId::new("pkcs11", "ours").unwrap(),
        contract: ContractId::new("00009876543").unwrap(),
        user: Some(UserId::new("riyousya").unwrap()),
        algorithm: None,
        replaces: Some(Replaced {
            slot: slots[0].clone(),
            public_key: keys[usize::from(OLD)].clone(),
            name: "00009876543 riyousya 1635".to_owned(),
            issuer: "CN=Issuing".to_owned(),
        }),
        renews: crate::RENEWS,
        created_at: 0,
        created_nanos: 0,
        grace: 100,
    };
    let other_order = Order { transaction: TransactionId::new([2; 16]), ..order.clone() };
    Things { order, other_order, slots, other_token: TokenId::new("pkcs11", "other").unwrap(), keys }
});

impl Things {
    pub(crate) fn key(&self, key: Key) -> &PublicKey {
        &self.keys[usize::from(key)]
    }

    pub(crate) fn number(&self, key: &PublicKey) -> Key {
        u8::try_from(self.keys.iter().position(|k| k == key).unwrap()).unwrap()
    }

    pub(crate) fn place(&self, slot: &SlotId) -> usize {
        self.slots.iter().position(|s| s == slot).expect("a slot of the small world")
    }

    pub(crate) fn issued(&self, key: Key) -> Issued {
        Issued {
            der: vec![key],
            public_key: self.key(key).clone(),
            name: "00009876543 riyousya 1635".to_owned(),
            issuer: "CN=Issuing".to_owned(),
        }
    }

    pub(crate) fn confirmation(&self, key: Key) -> Confirmation {
        Confirmation { nonce: vec![1], message: vec![key] }
    }

    pub(crate) fn terms(&self) -> Terms {
        Terms {
            subject: "00009876543 riyousya 1635".to_owned(),
            algorithm: KeyAlgorithm::P256,
            policy: token::KeyPolicy::default(),
            pin_wanted: true,
            otp_wanted: true,
            otp_token: None,
            deadline: None,
        }
    }

    /// What a token shows. `ours`: it says that it is the one ordered.
    pub(crate) fn token(&self, ours: bool, places: &[Place; 3]) -> TokenInfo {
        let mark = self.order.id.mark();
        let slots = places.iter().zip(&self.slots).filter(|(place, _)| place.key != 0).map(|(place, slot)| SlotInfo {
            slot: slot.clone(),
            label: if matches!(place.key, OLD | FOREIGN) { String::new() } else { mark.clone() },
            public_key: Some(self.key(place.key).clone()),
            certificate: (place.certificate != 0).then(|| vec![place.certificate]),
            born_on_token: true,
            needs_pin: true,
            pin_always: false,
            needs_touch: false,
        });
        TokenInfo {
            id: if ours { self.order.token.clone() } else { self.other_token.clone() },
            label: String::new(),
            model: String::new(),
            reader: String::new(),
            pin: PinState {
                initialized: true,
                tries: None,
                count_low: false,
                final_try: false,
                blocked: false,
                min: 4,
                max: 8,
            },
            abilities: BTreeSet::new(),
            slots: slots.collect(),
            space: SlotSpace::Free,
        }
    }
}
