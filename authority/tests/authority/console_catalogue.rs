//! The catalogue of refusals as the pages tell it: each refusal that a page can show is made to happen, in Japanese and in
//! English, and stands there in the catalogue's own words with its code (requirements §4.5). A refusal that is new to the
//! catalogue, or to a part of the authority that the pages reach, is wanted here.

mod around;
mod door;
mod issuing;
mod office;
mod own;
mod tokens;
mod two;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use authority::denial::Denial;
use authority::jst;
use token::{Audience, Language, Refusal};

use crate::bench::{Bench, CONTRACT_PIN, Card, USER_PIN, text};
use crate::console::{Browser, Page};

/// What browsers say that they take.
const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");

/// A scene is played once in each language, and tells what it says here, no more and no less.
macro_rules! scenes {
    ($($file:ident::$name:ident: $($refusal:ident)+;)+) => {
        const SHOWN: &[(&str, &[Refusal])] = &[$((stringify!($name), &[$(Refusal::$refusal),+])),+];

        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                for language in [Language::Ja, Language::En] {
                    let mut scene = Scene { language, told: BTreeSet::new() };
                    $file::$name(&mut scene).await;
                    assert_eq!(scene.told, BTreeSet::from([$(Refusal::$refusal),+]));
                }
            }
        )+
    };
}

scenes! {
    around::addresses_and_lengths: Client Method NotFound TooLarge;
    around::too_many_requests: RateLimited;
    around::an_answer_that_takes_too_long: TimedOut;
    around::a_store_that_fails: Internal Unavailable;
    door::links_and_forms: Auth BadRequest CertNoUser CertUser Link LockUser LoginAgain OldPage Origin Session;
    door::what_ends_between_card_and_pin: CertRevoked CertSuspended UserStopped;
    door::time_between_card_and_pin: CertExpired;
    door::a_contract_that_is_closed: ConfirmPin LockContract;
    issuing::the_word_for_a_key: Fingerprint Issuing NotFound;
    office::the_choice: AdminReissue ChoiceRequired ConfirmPin IssueNoMax Required Serial Stale;
    office::who_is_selected: BadRequest IdFormat NotFound UserNotSelected;
    office::settings_of_a_user: CertSuspended Email LockBranch Name NoneValid NotSuspended PinAgain PinFormat Required SamePerson;
    office::a_new_user: Email Exists IdFormat Name PinAgain PinFormat UserMax;
    own::ones_own_pin: Auth LockUser NotFound PinAgain PinFormat PinSame UserStopped;
    own::without_a_card: Auth IdFormat NoneValid Required;
    tokens::a_users_token: Exists LockUser NoToken NotFound Otp TokenBank TokenDelay TokenExpired TokenHeld TokenLocked;
    two::another_administrators_word: Dual OwnMatter Required Stale;
    two::coming_back_too_often: SuspendMax;
}

/// What no page shows, and where, in what pages reach, it is named all the same: for programs, the operator's commands or
/// the daemon.
const ELSEWHERE: &[(Refusal, &[&str])] = &[
    // The workstation says these itself.
    (Refusal::CardBlocked, &[]),
    (Refusal::CardPin, &[]),
    (Refusal::CardRemoved, &[]),
    (Refusal::CertNone, &[]),
    // The operator's.
    (Refusal::AdminMax, &[]),
    (Refusal::LastAdmin, &[]),
    // CMP: acquisition, renewal, and what holders ask for with their keys.
    (Refusal::CertUnconfirmed, &["own/key.rs", "rules/login.rs", "rules/renew.rs"]),
    (Refusal::Deadline, &["rules/acquire.rs"]),
    (Refusal::Device, &[]),
    (Refusal::Install, &[]),
    (Refusal::NotIssued, &["rules/acquire.rs"]),
    (Refusal::NotYet, &[]),
    (Refusal::Reissued, &["rules/renew.rs"]),
    (Refusal::RenewEarly, &["rules/renew.rs"]),
    (Refusal::RenewMax, &["rules/renew.rs"]),
    (Refusal::Strength, &[]),
    (Refusal::TransactionInUse, &["own/key.rs"]),
    // The step before a link, which is a program's.
    (Refusal::CertNotYet, &["login/proof.rs"]),
    // Relying parties.
    (Refusal::Party, &["login/party.rs"]),
    // A page leads on to where the PIN is changed.
    (Refusal::PinChange, &[]),
];

/// Files and folders below `authority/src` whose refusals reach a page.
const REACHED: [&str; 16] = [
    "acquisition/issue.rs",
    "console",
    "denial.rs",
    "doors/admin.rs",
    "doors/form.rs",
    "doors/shell.rs",
    "holding.rs",
    "issuing.rs",
    "login",
    "notice/stop.rs",
    "office",
    "otp_tokens.rs",
    "own",
    "people.rs",
    "pins.rs",
    "rules",
];

/// One language's part of a scene.
struct Scene {
    language: Language,
    told: BTreeSet<Refusal>,
}

impl Scene {
    /// A browser that reads the scene's language.
    async fn browser(&self, bench: &Bench) -> Browser {
        let mut browser = Browser::new(bench).await;
        self.speak(&mut browser).await;
        browser
    }

    async fn speak(&self, browser: &mut Browser) {
        assert_eq!(browser.get(&format!("/?lang={}", self.language.tag())).await.status, 200);
    }

    async fn administrator(&self, bench: &Bench, card: &Card) -> Browser {
        let mut browser = Browser::logged_in(bench, card).await;
        self.speak(&mut browser).await;
        browser
    }

    async fn user(&self, bench: &Bench, card: &Card) -> Browser {
        let mut browser = Browser::of_user(bench, card).await;
        self.speak(&mut browser).await;
        browser
    }

    /// The page of a login that the card has begun, with its PIN still to be sent.
    async fn begun_by_user(&self, bench: &Bench, card: &Card) -> Begun {
        let mut browser = self.browser(bench).await;
        let login = text(&browser.client.verify(card).await.ok(), "login").to_owned();
        let form = browser.get(&format!("/user/enter/{login}")).await;
        Begun { browser, form, path: "/user/enter", login, field: "user_pin", pin: USER_PIN }
    }

    /// The same of an administrator's.
    async fn begun_by_administrator(&self, bench: &Bench, card: &Card) -> Begun {
        let mut browser = self.browser(bench).await;
        let login = browser.link(card).await;
        let form = browser.get(&format!("/console/enter/{login}")).await;
        Begun { browser, form, path: "/console/enter", login, field: "contract_pin", pin: CONTRACT_PIN }
    }

    /// A page of a user's, or of whoever is not known yet, says no.
    #[track_caller]
    fn tells_user(&mut self, page: &Page, denial: impl Into<Denial>) {
        self.tell(page, denial.into(), Audience::User);
    }

    /// A page of an administrator's says no.
    #[track_caller]
    fn tells_administrator(&mut self, page: &Page, denial: impl Into<Denial>) {
        self.tell(page, denial.into(), Audience::Administrator);
    }

    #[track_caller]
    fn tell(&mut self, page: &Page, denial: Denial, audience: Audience) {
        let Denial { refusal, tries_left, date } = denial;
        let body = &page.body;
        assert_eq!(page.status, refusal.status(), "{refusal}: {body}");
        self.is_in_one_language(page);
        let date = date.map(|at| if self.language == Language::Ja { jst::date_time(at) } else { jst::english(at) });
        let mut says = refusal.text_for(audience, self.language, &date.unwrap_or_default());
        match (tries_left, self.language) {
            (Some(left), Language::Ja) => says.push_str(&format!("（残り{left}回）")),
            (Some(left), Language::En) => says.push_str(&format!(" {left} tries left.")),
            (None, _) => {}
        }
        let list = between(body, "id=\"faults-title\"", "</ul>").unwrap_or_else(|| panic!("{refusal}: {body}"));
        let list = between(list, "<ul>", "").unwrap();
        assert_eq!(plain(list), format!("{says} {}", refusal.code()), "{body}");
        // Where it is about a field, it stands beside that too.
        if let Some(field) = between(list, "href=\"#", "\"") {
            assert!(body.contains(&format!("id=\"{field}\"")), "{field}: {body}");
            // A list has no place for it, and says where it stands.
            let described = body.contains(&format!("id=\"{field}\" tabindex=\"-1\" aria-describedby=\"faults\""));
            let beside = between(body, &format!("id=\"{field}-fault\">"), "</p>");
            assert!(described || beside.map(plain) == Some(says), "{field}: {body}");
        }
        self.told.insert(refusal);
    }

    /// A page that is no refusal, and has a text of the catalogue on it.
    #[track_caller]
    fn mention(&mut self, page: &Page, refusal: Refusal) {
        assert_eq!(page.status, 200, "{}", page.body);
        self.is_in_one_language(page);
        let says = refusal.template(self.language);
        assert!(page.body.contains(says) && page.says(refusal.code()), "{refusal}: {}", page.body);
        self.told.insert(refusal);
    }

    #[track_caller]
    fn is_in_one_language(&self, page: &Page) {
        let (tag, other) = match self.language {
            Language::Ja => ("ja", Language::En),
            Language::En => ("en", Language::Ja),
        };
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8", "{}", page.body);
        assert_eq!(page.headers["content-language"], tag, "{}", page.body);
        assert!(page.body.contains(&format!("<html lang=\"{tag}\">")), "{}", page.body);
        let body = plain(&page.body);
        for refusal in Refusal::all() {
            let foreign = refusal.template(other).split("{date}").next().unwrap();
            assert!(!body.contains(foreign), "{foreign}: {body}");
        }
    }
}

/// A login between card and PIN, in its browser.
struct Begun {
    browser: Browser,
    form: Page,
    path: &'static str,
    login: String,
    field: &'static str,
    pin: &'static str,
}

impl Begun {
    /// Sends the right PIN.
    async fn enter(mut self) -> Page {
        let fields = [("login", self.login.as_str()), (self.field, self.pin)];
        self.browser.submit(&self.form, self.path, &fields).await
    }
}

/// What stands between two texts; up to the end where the second is empty.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    if to.is_empty() { Some(rest) } else { rest.split_once(to).map(|(found, _)| found) }
}

/// What a person reads of a piece of HTML as askama writes it.
fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    let signs = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    let text = signs.iter().fold(text, |text, (sign, c)| text.replace(sign, c));
    text.trim().to_owned()
}

#[test]
fn every_refusal_is_shown_or_is_no_pages() {
    let shown: BTreeSet<_> = SHOWN.iter().flat_map(|(_, refusals)| refusals.iter().copied()).collect();
    let elsewhere: BTreeSet<_> = ELSEWHERE.iter().map(|(refusal, _)| *refusal).collect();
    assert_eq!(shown.intersection(&elsewhere).collect::<Vec<_>>(), [] as [&Refusal; 0]);
    let all: BTreeSet<_> = Refusal::all().collect();
    let placed: BTreeSet<_> = shown.union(&elsewhere).copied().collect();
    assert_eq!(all.difference(&placed).collect::<Vec<_>>(), [] as [&Refusal; 0], "no scene makes these happen");
}

/// A refusal that only other doors tell may come to stand in what pages reach: then it needs a scene.
#[test]
fn what_pages_reach_names_nothing_else() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files: Vec<PathBuf> = REACHED.iter().flat_map(|part| sources(&source.join(part))).collect();
    assert!(files.len() > 60, "{files:?}");
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let file = file.strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
        for part in code.split("Refusal::").skip(1) {
            let name: String = part.chars().take_while(char::is_ascii_alphanumeric).collect();
            named.entry(name).or_default().insert(file.clone());
        }
    }
    assert!(named["Stale"].contains("office/gate.rs"), "{named:?}");
    for (refusal, files) in ELSEWHERE {
        let allowed: BTreeSet<String> = files.iter().map(|file| (*file).to_owned()).collect();
        let found = named.remove(&format!("{refusal:?}")).unwrap_or_default();
        assert_eq!(found, allowed, "{refusal:?}");
    }
}

/// The Rust files of a folder and below, or the one file.
fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = std::fs::read_dir(path).unwrap_or_else(|bad| panic!("{}: {bad}", path.display()));
    let inside = entries.map(|entry| entry.unwrap().path());
    let inside = inside.filter(|path| path.is_dir() || path.extension().is_some_and(|kind| kind == "rs"));
    inside
        .filter(|path| path.file_name().is_some_and(|name| name != "tests.rs"))
        .flat_map(|path| sources(&path))
        .collect()
}
