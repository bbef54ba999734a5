//! A world with a browser in it, which looks at every screen: its picture, its accessibility, its complaints.

use std::cell::Cell;
use std::path::PathBuf;

use serde_json::Value;
use tests::browser::Browser;
use tests::person::Person;
use tests::tree;
use tests::world::World;

/// One walk through the pages.
pub(crate) struct Desk {
    pub(crate) browser: Browser,
    pub(crate) world: World,
    pub(crate) japanese: bool,
    scripts: bool,
    screens: Cell<u32>,
}

impl Desk {
    pub(crate) fn new(language: &'static str, scripts: bool) -> Self {
        Self::in_world(World::new(), language, scripts)
    }

    pub(crate) fn in_world(world: World, language: &'static str, scripts: bool) -> Self {
        let browser = Browser::start(&world.scratch, &world.authority, "one", language, scripts);
        browser.go("/");
        assert_eq!(browser.run("return typeof htmx"), if scripts { "object" } else { "undefined" });
        Self { browser, world, japanese: language == "ja", scripts, screens: Cell::new(0) }
    }

    /// Its pictures are numbered from here.
    pub(crate) fn numbered_from(self, number: u32) -> Self {
        self.screens.set(number);
        self
    }

    /// The text of this walk's language.
    pub(crate) fn say<'a>(&self, ja: &'a str, en: &'a str) -> &'a str {
        if self.japanese { ja } else { en }
    }

    /// A screen is reached: its heading is this, and nothing is wrong with it.
    #[track_caller]
    pub(crate) fn screen(&self, name: &str, ja: &str, en: &str) {
        let heading = self.browser.text("h1");
        assert_eq!(heading, self.say(ja, en), "{name}: {}", self.browser.page());
        assert_eq!(self.browser.attribute("html", "lang").as_deref(), Some(self.say("ja", "en")), "{name}");
        self.look(name);
    }

    /// Takes the picture and listens for complaints.
    #[track_caller]
    pub(crate) fn look(&self, name: &str) {
        let page = self.browser.page();
        assert!(!page.chars().any(|c| ('\u{400}'..='\u{4ff}').contains(&c)), "{name}: Cyrillic in {page}");
        self.screens.set(self.screens.get() + 1);
        if self.scripts {
            let file = folder().join(self.say("ja", "en")).join(format!("{:02}-{name}.png", self.screens.get()));
            self.browser.picture(&file);
            let faults = self.axe();
            assert!(faults.is_empty(), "{name}: {faults:#?}");
        }
        let complaints: Vec<String> = self.browser.complaints().into_iter().filter(|said| !is_expected(said)).collect();
        assert!(complaints.is_empty(), "{name}: {complaints:#?}");
    }

    /// The same on a telephone.
    pub(crate) fn look_narrow(&self, name: &str) {
        self.browser.width(390);
        let (page, window) = (self.browser.run("return document.documentElement.scrollWidth"), 390);
        assert!(page.as_i64().unwrap() <= window, "{name}: wider than a telephone: {page}");
        self.look(name);
        self.browser.width(1200);
    }

    /// Serious and critical faults that axe-core finds.
    fn axe(&self) -> Vec<String> {
        let axe = std::fs::read_to_string(tree::root().join("tests/vendor/axe-core/axe.min.js")).unwrap();
        self.browser.run(&format!("{axe}; return true"));
        let found =
            self.browser.run("return axe.run(document, { resultTypes: ['violations'] }).then(r => r.violations)");
        let bad = |fault: &&Value| matches!(fault["impact"].as_str(), Some("serious" | "critical"));
        let nodes = |fault: &Value| {
            fault["nodes"].as_array().map(|nodes| nodes.iter().map(|n| n["html"].to_string()).collect::<Vec<_>>())
        };
        found
            .as_array()
            .unwrap()
            .iter()
            .filter(bad)
            .map(|f| format!("{}: {} {:?}", f["id"], f["help"], nodes(f)))
            .collect()
    }

    /// The link that `jitsuin …` prints for this person.
    pub(crate) fn link(&self, person: &Person, command: &[&str]) -> String {
        let done = self.world.by(person, command).ok();
        done.out.trim().to_owned()
    }
}

/// A refused form is answered with its status, which the browser notes; and it has advice for whoever writes pages.
fn is_expected(said: &str) -> bool {
    said.starts_with("DEBUG") || said.contains("Failed to load resource: the server responded with a status of 4")
}

/// Where the pictures are kept.
fn folder() -> PathBuf {
    std::env::var_os("JITSUIN_SCREENS").map_or_else(|| tree::root().join("target/screens"), PathBuf::from)
}
