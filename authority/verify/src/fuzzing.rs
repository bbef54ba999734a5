//! The body of the fuzz target `webeid`: what a browser brings, and what is fetched as evidence. It runs under libFuzzer in
//! `fuzz/`, and in `make test` over seeds and changes of seeds.
//!
//! The bytes: one says which of what was recorded is at hand, then come token, certificate, list and answer, each after its
//! length in two bytes. Where a certificate is given it takes the place of that in the recorded token, since a fuzzer does
//! not see through base64.

use token::{AuthToken, Challenge, SignatureAlgorithm};

use crate::{Evidence, Party, RevocationList, Verifier};

/// What was recorded by `authority/tests/authority/recorded.rs`.
const ROOT: &[u8] = include_bytes!("../recorded/root.der");
const ISSUING: &[u8] = include_bytes!("../recorded/issuing.der");
const CHALLENGE: &str = include_str!("../recorded/challenge.txt");
const TOKEN: &str = include_str!("../recorded/token.json");
const TIME: &str = include_str!("../recorded/time.txt");
const LIST: &[u8] = include_bytes!("../recorded/list.crl");
const REVOKED: &[u8] = include_bytes!("../recorded/revoked.crl");
const ANSWER: &[u8] = include_bytes!("../recorded/answer.der");
/// With the nonce that is wanted where the bytes say so.
const NONCE_ANSWER: &[u8] = include_bytes!("../recorded/nonce-answer.der");
const REVOKED_ANSWER: &[u8] = include_bytes!("../recorded/revoked-answer.der");

/// One target.
#[derive(Debug)]
pub struct Target {
    /// Its name, and that of its seeds' folder.
    pub name: &'static str,
    body: fn(&[u8]),
}

/// The targets, one line each.
pub static TARGETS: &[Target] = &[Target { name: "webeid", body: login }];

/// The body of the target of that name.
#[must_use]
pub fn body(name: &str) -> Option<fn(&[u8])> {
    TARGETS.iter().find(|target| target.name == name).map(|target| target.body)
}

fn login(bytes: &[u8]) {
    let (Ok(origin), Ok(institution)) = ("https://shop.example".parse(), "1635".parse()) else { return };
    let party = Party::new(origin, institution).trust(ROOT.to_vec()).know(ISSUING.to_vec());
    let (Ok(verifier), Ok(challenge), Ok(time)) =
        (Verifier::new(party), Challenge::new(CHALLENGE.trim()), TIME.trim().parse::<i64>())
    else {
        return assert!(TOKEN.is_empty(), "what was recorded is not what it was");
    };
    let Some((which, rest)) = bytes.split_first() else { return };
    let mut parts = Parts(rest);
    let [token, certificate, list, answer] = [parts.next(), parts.next(), parts.next(), parts.next()];
    let token = match (token.is_empty(), certificate.is_empty()) {
        (true, true) => TOKEN.to_owned(),
        (false, true) => String::from_utf8_lossy(token).into_owned(),
        (_, false) => with_certificate(certificate),
    };
    let has = |bit: u8| which & (1 << bit) != 0;
    let mut evidence = Evidence::default();
    let lists = [(has(0), LIST), (has(1), REVOKED), (!list.is_empty(), list)];
    let lists: Vec<&[u8]> = lists.into_iter().filter(|(given, _)| *given).map(|(_, list)| list).collect();
    evidence.lists = lists.iter().filter_map(|list| RevocationList::from_der(list).ok()).collect();
    let answers = [(has(2), ANSWER), (has(3), REVOKED_ANSWER), (!answer.is_empty(), answer)];
    evidence.answers = answers.into_iter().filter(|(given, _)| *given).map(|(_, answer)| answer.to_vec()).collect();
    evidence.nonce = has(4).then(|| vec![7; 32]);
    let now = match (has(5), has(6)) {
        (false, _) => time,
        (true, false) => i64::MIN,
        (true, true) => i64::MAX,
    };
    match verifier.verify(&challenge, &token, &evidence, now) {
        Ok(login) => {
            assert_eq!(login.subject.to_string(), "00009876543 riyousya 1635", "somebody who never logged in");
            assert_eq!(now, time, "at no other time");
            let good = [LIST, ANSWER, NONCE_ANSWER];
            let spoken = lists.iter().copied().chain(evidence.answers.iter().map(Vec::as_slice));
            let (mut shown, mut against) = (false, false);
            for piece in spoken {
                shown |= good.contains(&piece);
                // an answer without the nonce that is wanted may be an old one, and says nothing
                against |= piece == REVOKED || piece == REVOKED_ANSWER && !has(4);
            }
            assert!(shown, "nothing speaks for the certificate");
            assert!(!against, "something speaks against the certificate");
        }
        Err(reason) => {
            let text = reason.to_string();
            assert!(text.len() <= 400 && !text.chars().any(char::is_control), "{text:?}");
        }
    }
}

/// The recorded token with another certificate.
fn with_certificate(der: &[u8]) -> String {
    let signature =
        serde_json::from_str::<AuthToken>(TOKEN).ok().and_then(|token| token.parts()).map(|(_, _, bytes)| bytes);
    let token = AuthToken::new(der, SignatureAlgorithm::Es256, &signature.unwrap_or_default());
    serde_json::to_string(&token).unwrap_or_default()
}

/// Parts after their lengths, and empty ones after the last.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn next(&mut self) -> &'a [u8] {
        let Some((length, rest)) = self.0.split_first_chunk() else { return &[] };
        let (part, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
        self.0 = rest;
        part
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_login_holds_its_rules() {
        for target in super::TARGETS {
            seeds::check(target.name, 512, target.body);
        }
    }
}
