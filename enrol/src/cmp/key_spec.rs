//! The `keySpec` of a certificate request template: which keys and which items are wanted
//! (RFC 9810 §5.3.19.16).

use der::asn1::AnyRef;
use der::{Tag, Tagged};
use spki::AlgorithmIdentifierRef;
use token::KeyAlgorithm;
use zeroize::Zeroizing;

use super::wire::{AttributeTypeAndValue, encode, oid};

/// The value of the control that names a kind of key, in DER, and which control it is.
pub(crate) fn control_value(algorithm: KeyAlgorithm) -> der::Result<(der::asn1::ObjectIdentifier, Zeroizing<Vec<u8>>)> {
    let curve = |oid: &der::asn1::ObjectIdentifier| {
        encode(&AlgorithmIdentifierRef { oid: oid::EC_PUBLIC_KEY, parameters: Some(AnyRef::from(oid)) })
    };
    Ok(match algorithm {
        KeyAlgorithm::P256 => (oid::CTRL_ALG_ID, curve(&oid::P256)?),
        KeyAlgorithm::P384 => (oid::CTRL_ALG_ID, curve(&oid::P384)?),
        KeyAlgorithm::Ed25519 => {
            (oid::CTRL_ALG_ID, encode(&AlgorithmIdentifierRef { oid: oid::ED25519, parameters: None })?)
        }
        KeyAlgorithm::Rsa2048 => (oid::CTRL_RSA_KEY_LEN, encode(&2048u16)?),
        KeyAlgorithm::Rsa3072 => (oid::CTRL_RSA_KEY_LEN, encode(&3072u16)?),
        KeyAlgorithm::Rsa4096 => (oid::CTRL_RSA_KEY_LEN, encode(&4096u16)?),
    })
}

/// The kind of key a control names; `None` for other controls and other keys.
pub(crate) fn algorithm_of(control: &AttributeTypeAndValue<'_>) -> Option<KeyAlgorithm> {
    match control.oid {
        oid::CTRL_ALG_ID => {
            let identifier: AlgorithmIdentifierRef<'_> = control.value.decode_as().ok()?;
            if identifier.oid == oid::ED25519 {
                return identifier.parameters.is_none().then_some(KeyAlgorithm::Ed25519);
            }
            let curve: der::asn1::ObjectIdentifier = identifier.parameters?.decode_as().ok()?;
            match (identifier.oid, curve) {
                (oid::EC_PUBLIC_KEY, oid::P256) => Some(KeyAlgorithm::P256),
                (oid::EC_PUBLIC_KEY, oid::P384) => Some(KeyAlgorithm::P384),
                _ => None,
            }
        }
        oid::CTRL_RSA_KEY_LEN => match control.value.decode_as::<u16>().ok()? {
            2048 => Some(KeyAlgorithm::Rsa2048),
            3072 => Some(KeyAlgorithm::Rsa3072),
            4096 => Some(KeyAlgorithm::Rsa4096),
            _ => None,
        },
        _ => None,
    }
}

/// The control that says that an item is wanted: present, and empty but for what helps to find it.
pub(crate) fn wanted(oid: der::asn1::ObjectIdentifier, where_from: &str) -> der::Result<AttributeTypeAndValue<'_>> {
    Ok(AttributeTypeAndValue { oid, value: AnyRef::new(Tag::Utf8String, where_from.as_bytes())? })
}

/// What such a control says beside being there.
pub(crate) fn where_from(control: &AttributeTypeAndValue<'_>) -> Option<String> {
    let text = std::str::from_utf8(control.value.value()).ok().filter(|_| control.value.tag() == Tag::Utf8String)?;
    (1..=64).contains(&text.len()).then(|| text.to_owned())
}
