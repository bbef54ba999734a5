//! Reading a token: [`TokenInfo`] in one pass over its objects, without spending a PIN try.

use std::collections::{BTreeMap, BTreeSet};

use ::token::{Ability, CertificateFacts, Fault, PinState, PublicKey, SlotId, SlotInfo, SlotSpace, TokenInfo};
use cryptoki::mechanism::MechanismType;
use cryptoki::object::{AttributeType, ObjectClass};
use cryptoki::session::Session;
use cryptoki::slot;

use super::fault::fault;
use super::identity::identity;
use super::objects::{self, Said};
use super::slot::OpenSlot;

/// What the objects of one `CKA_ID` say together.
#[derive(Default)]
struct Place {
    label: String,
    public: Option<Said>,
    private: Option<Said>,
    certificates: Vec<Vec<u8>>,
}

/// The token as it is now. `None` in place of an identity that cannot be named.
pub(super) fn info(
    open: &mut OpenSlot,
    mechanisms: &[MechanismType],
    makes: &BTreeSet<Ability>,
    unlocked: bool,
) -> Result<TokenInfo, Fault> {
    let said = open.said()?;
    let reader = open.module.context().get_slot_info(open.slot).map_err(fault)?;
    let slots = places(open.session()?, said.login_required() && !unlocked)?;
    Ok(TokenInfo {
        id: identity(&said).ok_or(Fault::Absent)?,
        label: objects::text(said.label().as_bytes()),
        model: objects::text(format!("{} {}", said.manufacturer_id(), said.model()).trim().as_bytes()),
        reader: objects::text(reader.slot_description().trim().as_bytes()),
        pin: pin_state(&said),
        abilities: abilities(&said, mechanisms, makes),
        slots,
        space: SlotSpace::Free,
    })
}

/// The PIN as the token's flags tell it (§3.2, `CK_TOKEN_INFO`).
pub(super) fn pin_state(said: &slot::TokenInfo) -> PinState {
    let limit = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
    let blocked = said.user_pin_locked();
    let final_try = said.user_pin_final_try() && !blocked;
    PinState {
        initialized: said.user_pin_initialized(),
        tries: match (blocked, final_try) {
            (true, _) => Some(0),
            (false, true) => Some(1),
            (false, false) => None,
        },
        count_low: said.user_pin_count_low(),
        final_try,
        blocked,
        // A token that has no limit takes an empty PIN, and nobody enters one.
        min: limit(said.min_pin_length()).max(1),
        max: limit(said.max_pin_length()),
    }
}

/// What the token can do, by its flags and its mechanisms.
fn abilities(said: &slot::TokenInfo, mechanisms: &[MechanismType], makes: &BTreeSet<Ability>) -> BTreeSet<Ability> {
    let mut can = BTreeSet::new();
    let signs = [
        MechanismType::ECDSA,
        MechanismType::ECDSA_SHA256,
        MechanismType::EDDSA,
        MechanismType::RSA_PKCS,
        MechanismType::SHA256_RSA_PKCS,
        MechanismType::RSA_PKCS_PSS,
        MechanismType::SHA256_RSA_PKCS_PSS,
    ];
    if signs.iter().any(|m| mechanisms.contains(m)) {
        can.insert(Ability::Sign);
    }
    if said.protected_authentication_path() {
        can.insert(Ability::PinPad);
    } else if said.user_pin_initialized() {
        // The operation carries both PINs, so it is not for a token that takes them on its keypad.
        can.insert(Ability::ChangePin);
    }
    if !said.write_protected() && !makes.is_empty() {
        can.extend([Ability::DeleteKey, Ability::InstallCertificate]);
        can.extend(makes);
    }
    can
}

/// Which keys the token makes, by its mechanisms; that does not change while it is there. No flag says that a module
/// writes nothing to a card, as OpenSC's to PIV cards: then there is no mechanism that makes keys, either.
pub(super) fn makes(open: &OpenSlot, mechanisms: &[MechanismType]) -> BTreeSet<Ability> {
    if open.module.maker().writes_for_officer_only() {
        return BTreeSet::new();
    }
    let generates = |mechanism: MechanismType, bits: usize| {
        mechanisms.contains(&mechanism)
            && open.module.context().get_mechanism_info(open.slot, mechanism).is_ok_and(|info| {
                // A token that does not know its limits reports 0 for the greatest.
                info.generate_key_pair()
                    && info.min_key_size() <= bits
                    && (info.max_key_size() >= bits || info.max_key_size() == 0)
            })
    };
    // Curves of 255 bits: some modules count 255, others 256.
    let edwards = mechanisms.contains(&MechanismType::EDDSA)
        && [255, 256].into_iter().any(|bits| generates(MechanismType::ECC_EDWARDS_KEY_PAIR_GEN, bits));
    let mut makes: BTreeSet<Ability> = [
        (Ability::GenerateP256, MechanismType::ECC_KEY_PAIR_GEN, 256),
        (Ability::GenerateP384, MechanismType::ECC_KEY_PAIR_GEN, 384),
        (Ability::GenerateRsa2048, MechanismType::RSA_PKCS_KEY_PAIR_GEN, 2048),
        (Ability::GenerateRsa3072, MechanismType::RSA_PKCS_KEY_PAIR_GEN, 3072),
    ]
    .into_iter()
    .filter_map(|(ability, mechanism, bits)| generates(mechanism, bits).then_some(ability))
    .collect();
    if edwards {
        makes.insert(Ability::GenerateEd25519);
    }
    makes
}

/// Reads every object once and puts together what shares a `CKA_ID`. `hidden`: private keys that
/// need a login are not to be seen now.
fn places(session: &Session, hidden: bool) -> Result<Vec<SlotInfo>, Fault> {
    let mut places: BTreeMap<Vec<u8>, Place> = BTreeMap::new();
    for object in objects::find(session, &[cryptoki::object::Attribute::Token(true)])? {
        let named = objects::said(session, object, objects::NAMING)?;
        let Some(class) = named.class else { continue };
        if ![ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY, ObjectClass::CERTIFICATE].contains(&class) {
            continue; // a data object takes no place of a key
        }
        if SlotId::from_bytes(&named.id).is_err() {
            continue; // without an ID, or with one too long to be a name, it cannot be spoken of
        }
        let place = places.entry(named.id.clone()).or_default();
        match class {
            ObjectClass::PRIVATE_KEY => {
                let said = objects::said(session, object, objects::PRIVATE)?;
                place.label.clone_from(&named.label);
                place.private = Some(said);
            }
            ObjectClass::PUBLIC_KEY => {
                let said = objects::said(session, object, objects::PUBLIC)?;
                if place.private.is_none() {
                    place.label.clone_from(&named.label);
                }
                place.public = Some(said);
            }
            ObjectClass::CERTIFICATE => {
                let der = objects::said(session, object, &[AttributeType::Value])?.certificate();
                if place.label.is_empty() {
                    place.label.clone_from(&named.label);
                }
                place.certificates.extend(der);
            }
            _ => {}
        }
    }
    // A token that keeps no public key objects shows, logged out, nothing but certificates.
    let certificates_only = hidden && places.values().all(|p| p.public.is_none() && p.private.is_none());
    Ok(places
        .into_iter()
        .filter_map(|(id, place)| SlotId::from_bytes(&id).ok().map(|slot| describe(slot, place, certificates_only)))
        .collect())
}

fn describe(slot: SlotId, place: Place, presume_key: bool) -> SlotInfo {
    let Place { label, public, private, certificates } = place;
    let public_key = private.as_ref().and_then(Said::public_key).or_else(|| public.as_ref().and_then(Said::public_key));
    let certificate = choose(certificates, public_key.as_ref());
    let presumed = || {
        let facts = CertificateFacts::from_der(certificate.as_deref()?).ok()?;
        (presume_key && !facts.ca || private.is_some()).then_some(facts.public_key)
    };
    // A key for agreement or attestation, as its `CKA_SIGN` has it, takes its place and is none that could log in.
    let public_key = public_key.or_else(presumed).filter(|_| private.as_ref().is_none_or(|p| p.signs != Some(false)));
    SlotInfo {
        slot,
        label,
        born_on_token: born_on_token(public.as_ref(), private.as_ref()),
        needs_pin: public_key.is_some() && private.as_ref().is_none_or(|p| p.private != Some(false)),
        pin_always: private.as_ref().is_some_and(|p| p.always_authenticate == Some(true)),
        public_key,
        certificate,
        needs_touch: false,
    }
}

/// All that can be seen says so. Logged out, only the public half is seen, which tells that the
/// pair was generated on the token; that the private half is sensitive and not extractable can be
/// seen inside a turn only.
fn born_on_token(public: Option<&Said>, private: Option<&Said>) -> bool {
    let generated = |said: &Said| said.local == Some(true);
    let kept = |said: &Said| said.sensitive == Some(true) && said.extractable == Some(false);
    match (public, private) {
        (_, Some(private)) => generated(private) && kept(private),
        (Some(public), None) => generated(public),
        (None, None) => false,
    }
}

/// Of several certificates under one ID, the youngest that fits the key; else the first.
fn choose(certificates: Vec<Vec<u8>>, key: Option<&PublicKey>) -> Option<Vec<u8>> {
    if certificates.len() < 2 {
        return certificates.into_iter().next();
    }
    let rank = |der: &Vec<u8>| {
        CertificateFacts::from_der(der).ok().map(|facts| (Some(&facts.public_key) == key, facts.not_before))
    };
    certificates.into_iter().max_by_key(rank)
}
