use proptest::prelude::*;

use super::*;
use crate::otp::{Hash, Kind, hotp};

const PLAIN: &str = include_str!("../../tests/pskc/plain.pskc");
const SHARED: &str = include_str!("../../tests/pskc/shared-key.pskc");
const PASSWORD: &str = include_str!("../../tests/pskc/password.pskc");
const STRONG: &str = include_str!("../../tests/pskc/aes256-sha256.pskc");
const FIGURE_6: &str = include_str!("../../tests/pskc/rfc6030-figure6.pskc");
const SEED: &[u8] = b"12345678901234567890";

fn shared(hex: &str) -> Key {
    Key::Shared(Secret::new(hex::decode(hex).unwrap()))
}

fn password(text: &str) -> Key {
    Key::Password(Secret::new(text.as_bytes().to_vec()))
}

/// All tokens, or the first thing that is wrong.
fn open(text: &str, key: Option<&Key>) -> Result<Vec<Imported>, PskcError> {
    let tokens = Container::read(text.as_bytes(), false)?.open(key)?;
    tokens.into_iter().map(|entry| entry.token).collect()
}

fn one(text: &str) -> Result<Imported, PskcError> {
    open(text, None).map(|mut tokens| tokens.remove(0))
}

#[test]
fn files_of_python_pskc_in_plain_and_under_both_kinds_of_key() {
    let right = shared("12345678901234567890123456789012");
    for (text, key) in [(PLAIN, None), (SHARED, Some(&right)), (PASSWORD, Some(&password("qwerty")))] {
        let [totp, hotp]: [Imported; 2] = open(text, key).unwrap().try_into().unwrap();
        assert_eq!((totp.serial.as_str(), hotp.serial.as_str()), ("T-100", "T-101"));
        assert_eq!(
            totp.state,
            TokenState { kind: Kind::Totp { period: 60 }, hash: Hash::Sha1, digits: 6, next: 0, drift: 0 }
        );
        assert_eq!(hotp.state, TokenState { kind: Kind::Hotp, hash: Hash::Sha1, digits: 8, next: 42, drift: 0 });
        assert_eq!((totp.secret.expose(), hotp.secret.expose()), (SEED, SEED));
    }
    let strong: String = (0u8..32).map(|n| format!("{n:02x}")).collect();
    let [token]: [Imported; 1] = open(STRONG, Some(&shared(&strong))).unwrap().try_into().unwrap();
    assert_eq!((token.state.hash, token.state.digits, token.ends_at), (Hash::Sha256, 8, Some(1_893_553_445)));
}

/// RFC 6030 figure 6, and the first password of its token by RFC 4226 appendix D.
#[test]
fn the_rfcs_own_example() {
    let key = shared("12345678901234567890123456789012");
    let [token]: [Imported; 1] = open(FIGURE_6, Some(&key)).unwrap().try_into().unwrap();
    assert_eq!((token.serial.as_str(), token.secret.expose()), ("987654321", SEED));
    assert_eq!(hotp(token.state.hash, token.secret.expose(), token.state.next, 6).as_str(), "755224");
}

#[test]
fn another_key_or_a_changed_file_opens_nothing() {
    let mut wrong = vec![
        (SHARED.to_owned(), Some(shared("12345678901234567890123456789013"))),
        (PASSWORD.to_owned(), Some(password("Qwerty"))),
    ];
    let right = || Some(shared("12345678901234567890123456789012"));
    // One bit of the ciphertext, which CBC alone would hand over as another secret.
    wrong.push((FIGURE_6.replace("AAECAwQFBgcICQoLDA0OD+c", "BAECAwQFBgcICQoLDA0OD+c"), right()));
    wrong.push((FIGURE_6.replace("Su+NvtQ", "Tu+NvtQ"), right()));
    for (text, key) in wrong {
        assert_eq!(open(&text, key.as_ref()).unwrap_err(), PskcError::Mac);
    }
    let without = FIGURE_6.replace("<ValueMAC>Su+NvtQfmvfJzF6bmQiJqoLRExc=</ValueMAC>", "");
    assert_eq!(open(&without, right().as_ref()).unwrap_err(), PskcError::Missing("ValueMAC"));
    for key in [None, Some(password("qwerty")), Some(shared("00"))] {
        assert_eq!(open(SHARED, key.as_ref()).unwrap_err(), PskcError::Key, "{key:?}");
    }
    assert_eq!(Container::read(PLAIN.as_bytes(), false).unwrap().need(), Ok(Need::Nothing));
    assert_eq!(Container::read(PASSWORD.as_bytes(), false).unwrap().need(), Ok(Need::Password));
}

#[test]
fn nothing_of_a_file_is_printed_by_mistake() {
    let printed = format!("{:?}", Container::read(PLAIN.as_bytes(), false).unwrap());
    assert_eq!(printed, "Container(Element(KeyContainer, 2 children))");
}

/// What XML can do to whoever reads it.
#[test]
fn hostile_files_are_refused() {
    let with = |before: &str, serial: &str| PLAIN.replacen("?>", &format!("?>{before}"), 1).replace("T-100", serial);
    for (text, expected) in [
        (with("<!DOCTYPE x SYSTEM \"file:///etc/passwd\">", "T"), PskcError::Doctype),
        (with("<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>", "&b;"), PskcError::Doctype),
        (with("", "&file;"), PskcError::Entity),
        (with("<?php echo ?>", "T"), PskcError::Entity),
        (with("", "&#0;"), PskcError::Xml),
        (with("stray", "T"), PskcError::Xml),
        (PLAIN.replace("keyprov:pskc", "keyprov:other"), PskcError::NotPskc),
        (PLAIN.replace("Version=\"1.0\"", "Version=\"2.0\""), PskcError::NotPskc),
        (PLAIN.replace("</pskc:KeyContainer>", ""), PskcError::Xml),
        (PLAIN.replace("</pskc:KeyContainer>", "</pskc:KeyPackage>"), PskcError::Xml),
        ("<a>".repeat(100_000), PskcError::TooMuch),
        (String::new(), PskcError::Xml),
        (PLAIN.replace("pskc:SerialNo", "other:SerialNo"), PskcError::Xml),
    ] {
        assert_eq!(open(&text, None).unwrap_err(), expected, "{}", text.chars().take(200).collect::<String>());
    }
    assert_eq!(Container::read(b"\xff\xfe<\0", false).unwrap_err(), PskcError::Xml);
    let many = PLAIN.replace(
        " </pskc:KeyPackage>\n <pskc:KeyPackage>",
        &" </pskc:KeyPackage><pskc:KeyPackage></pskc:KeyPackage>".repeat(MAX_TOKENS + 1),
    );
    assert!(matches!(Container::read(many.as_bytes(), false), Err(PskcError::TooMuch | PskcError::Xml)));
    let slow = PASSWORD.replace("100000", "4000000000");
    assert_eq!(open(&slow, Some(&password("qwerty"))).unwrap_err(), PskcError::TooMuch);
}

/// RFC 6030 §5 and §10: a token that would work otherwise than it is taken for is not taken.
#[test]
fn what_is_not_understood_is_refused_in_words() {
    let first = PLAIN.split(" <pskc:KeyPackage>").nth(1).unwrap();
    let only = |change: &dyn Fn(&str) -> String| {
        one(&format!(
            "<pskc:KeyContainer xmlns:pskc=\"{NAMESPACE}\" Version=\"1.0\"><pskc:KeyPackage>{}</pskc:KeyContainer>",
            change(first)
        ))
    };
    assert_eq!(only(&str::to_owned).unwrap().serial, "T-100");
    let policy = |inside: &str| format!("<pskc:Policy>{inside}</pskc:Policy></pskc:Key>");
    for (from, to) in [
        ("\"totp\"", "\"urn:ietf:params:xml:ns:keyprov:pskc:ocra\"".to_owned()),
        ("Length=\"6\"", "Length=\"5\"".to_owned()),
        ("Length=\"6\"", "Length=\"6\" Encoding=\"HEXADECIMAL\"".to_owned()),
        ("Length=\"6\"", "Length=\"6\" CheckDigits=\"true\"".to_owned()),
        (">60<", ">3600<".to_owned()),
        (">60<", ">-1<".to_owned()),
        ("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "c2hvcnQ=".to_owned()),
        ("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "!!!".to_owned()),
        ("T-100", "two words".to_owned()),
        ("T-100", "トークン".to_owned()),
        ("<pskc:AlgorithmParameters>", "<pskc:AlgorithmParameters><pskc:Suite>MD5</pskc:Suite>".to_owned()),
        ("<pskc:AlgorithmParameters>", "<pskc:AlgorithmParameters><pskc:ChallengeFormat/>".to_owned()),
        ("</pskc:Key>", policy("<pskc:KeyUsage>CR</pskc:KeyUsage>")),
        ("</pskc:Key>", policy("<pskc:PINPolicy PINUsageMode=\"Prepend\"/>")),
        ("</pskc:Key>", policy("<pskc:NumberOfTransactions>5</pskc:NumberOfTransactions>")),
        ("</pskc:Key>", policy("<pskc:Unheard/>")),
        ("</pskc:Key>", policy("<pskc:ExpiryDate>tomorrow</pskc:ExpiryDate>")),
    ] {
        let changed = |text: &str| {
            let changed = text.replace(from, &to);
            assert_ne!(changed, text, "{from}");
            changed
        };
        assert!(only(&changed).is_err(), "{from} → {to}");
    }
    let local = policy(
        "<pskc:KeyUsage>OTP</pskc:KeyUsage><pskc:PINPolicy PINUsageMode=\"Local\"/><pskc:ExpiryDate>2030-01-02T03:04:05Z</pskc:ExpiryDate>",
    );
    assert_eq!(only(&|text| text.replace("</pskc:Key>", &local)).unwrap().ends_at, Some(1_893_553_445));
    // The device's battery may end before the key does, and the key be meant for later.
    let battery = "<pskc:StartDate>2022-01-01T00:00:00Z</pskc:StartDate><pskc:ExpiryDate>2028-01-02T03:04:05Z</pskc:ExpiryDate></pskc:DeviceInfo>";
    let later = policy(
        "<pskc:StartDate>2029-01-02T03:04:05Z</pskc:StartDate><pskc:ExpiryDate>2030-01-02T03:04:05Z</pskc:ExpiryDate>",
    );
    let both = only(&|text| text.replace("</pskc:DeviceInfo>", battery).replace("</pskc:Key>", &later)).unwrap();
    assert_eq!((both.counts_from, both.ends_at), (Some(1_862_017_445), Some(1_830_395_045)));
    assert!(matches!(both.counting_at(1_862_017_444), Err(PskcError::Early(from)) if from.contains("2029-01-02")));
    let now = only(&str::to_owned).unwrap();
    assert!(now.counting_at(0).is_ok());
    let signed = PLAIN.replace(
        "</pskc:KeyContainer>",
        "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/></pskc:KeyContainer>",
    );
    assert_eq!(open(&signed, None).unwrap_err(), PskcError::Signed);
    assert!(Container::read(signed.as_bytes(), true).unwrap().open(None).is_ok());
}

proptest! {
    /// Whatever is done to a file, it is read or refused, and what is read keeps to what the store holds.
    #[test]
    fn no_change_of_a_file_does_harm(
        base in proptest::sample::select(vec![PLAIN, SHARED, FIGURE_6, STRONG]),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0u8..3), 1..12),
    ) {
        let mut bytes = base.as_bytes().to_vec();
        for (at, byte, how) in edits {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        let key = shared("12345678901234567890123456789012");
        if let Ok(tokens) = Container::read(&bytes, true).and_then(|container| container.open(Some(&key))) {
            for token in tokens.into_iter().filter_map(|entry| entry.token.ok()) {
                prop_assert!((6..=8).contains(&token.state.digits));
                prop_assert!((16..=64).contains(&token.secret.len()));
                prop_assert!(!token.serial.is_empty() && token.serial.len() <= 64);
            }
        }
    }

    #[test]
    fn no_text_does_harm(text in "\\PC{0,200}") {
        prop_assert!(Container::read(text.as_bytes(), true).is_err());
    }
}
