//! What walks do again and again: logging in, confirming, and being refused in the catalogue's words.

use tests::person::Person;
use tests::scratch::output;
use tests::world::World;
use token::{Audience, Language, Refusal};

use crate::desk::Desk;

/// A world whose user has a certificate.
pub(crate) fn enrolled() -> World {
    let world = World::new();
    world.reissue();
    let _ = world.enrol().ok();
    world
}

/// A statement on the authority's database: nobody waits for time to go by.
pub(crate) fn database(world: &World, statement: &str) -> String {
    output(world.scratch.command("sqlite3").arg(world.authority.folder.join("authority.db")).arg(statement))
}

impl Desk {
    pub(crate) fn language(&self) -> Language {
        if self.japanese { Language::Ja } else { Language::En }
    }

    /// 管理者ログイン of this person; `more` goes to `jitsuin console`.
    pub(crate) fn administrator(&self, person: &Person, more: &[&str]) {
        self.browser.go(&self.link(person, &[&["console", "--print"], more].concat()));
        self.browser.fill("#contract_pin", self.world.secrets.contract_pin);
        self.browser.follow("main button[type=submit]");
        assert_eq!(
            self.browser.text("h1"),
            self.say("管理者メニュー", "Administrator menu"),
            "{}",
            self.browser.page()
        );
    }

    /// 利用者ログイン, up to ログイン情報.
    pub(crate) fn user(&self, pin: &str) {
        self.browser.go(&self.link(&self.world.user, &["login", "--print"]));
        self.browser.fill("#user_pin", pin);
        self.browser.follow("main button[type=submit]");
        assert_eq!(self.browser.text("h1"), self.say("ログイン情報", "Login information"), "{}", self.browser.page());
    }

    /// ご契約先確認暗証番号の入力, and the form's button.
    pub(crate) fn confirm(&self) {
        self.confirm_with(self.world.secrets.confirm_pin, "main button[type=submit]");
    }

    /// The same with another PIN, by another button.
    pub(crate) fn confirm_with(&self, pin: &str, button: &str) {
        self.browser.fill("#confirm_pin", pin);
        self.browser.follow(button);
    }

    /// What was done is said: it begins so.
    #[track_caller]
    pub(crate) fn done(&self, name: &str, ja: &str, en: &str) {
        let said = self.browser.text(".done");
        assert!(said.starts_with(self.say(ja, en)), "{name}: {}", self.browser.page());
        self.look(name);
    }

    /// The page refuses in the catalogue's words, with the code beside them; the field's own words where it has one.
    #[track_caller]
    pub(crate) fn refused(&self, name: &str, refusal: Refusal, field: Option<&str>) {
        let office = self.browser.place().starts_with("/console");
        let audience = if office { Audience::Administrator } else { Audience::User };
        let template = refusal.text_for(audience, self.language(), "{date}");
        let said = self.browser.text("#faults");
        for part in template.split("{date}") {
            assert!(said.contains(part), "{name}: {part} in {said}");
        }
        assert!(said.contains(refusal.code()), "{name}: {} in {said}", refusal.code());
        let title = self.browser.run("return document.title");
        assert!(title.as_str().is_some_and(|title| title.starts_with(self.say("エラー", "Error"))), "{name}: {title}");
        if let Some(field) = field {
            // The summary leads to the field, and the field says it too.
            assert!(self.browser.maybe(&format!("#faults a[href='#{field}']")).is_some(), "{name}: {said}");
            let own =
                self.browser.maybe(&format!("#{field}-fault")).map(|_| self.browser.text(&format!("#{field}-fault")));
            let own = own.unwrap_or_else(|| self.browser.text(&format!("#{field} .fault")));
            assert!(template.split("{date}").all(|part| own.contains(part)), "{name}: {own}");
        }
        self.look(name);
    }
}
