//! Without a mouse: an operation from login to its end by Tab, arrows, Space and Enter, the focus always to be seen.

use tests::world::{USER, World};

use crate::desk::Desk;

/// WebDriver's key values (§17.4.2).
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const SPACE: &str = " ";
const DOWN: &str = "\u{e015}";

#[test]
fn a_reissue_by_keyboard_in_japanese() {
    walk("ja");
}

#[test]
fn a_reissue_by_keyboard_in_english() {
    walk("en");
}

/// Tab until the focus is there; each stop on the way can be seen.
#[track_caller]
fn tab_to(desk: &Desk, css: &str) {
    let browser = &desk.browser;
    for _ in 0..40 {
        browser.press(TAB);
        let seen = browser.run(
            "const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect(); \
             return e === document.body || ((s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== 'none') \
             && b.width > 0 && b.height > 0 && b.bottom > 0 && b.top < innerHeight)",
        );
        let here = browser.run("return document.activeElement.outerHTML.slice(0, 200)");
        assert_eq!(seen, true, "the focus cannot be seen on {here}");
        if browser.run(&format!("return document.activeElement.matches(\"{css}\")")) == true {
            return;
        }
    }
    panic!("Tab does not come to {css} at {}", browser.place());
}

/// Presses it where the focus is, and waits for the heading of the page that follows.
#[track_caller]
fn on_to(desk: &Desk, key: &str, name: &str, ja: &str, en: &str) {
    desk.browser.press(key);
    let heading = desk.say(ja, en);
    tests::running::wait_for(heading, || {
        let found =
            desk.browser.run("return document.readyState === 'complete' && document.querySelector('h1').textContent");
        (found == heading).then_some(())
    });
    desk.screen(name, ja, en);
}

fn walk(language: &'static str) {
    let desk = Desk::in_world(World::new(), language, true).numbered_from(260);
    let Desk { browser, world, .. } = &desk;
    browser.go(&desk.link(&world.administrator, &["console", "--print"]));
    // The first stop is the way past the head of the page.
    browser.press(TAB);
    assert_eq!(browser.run("return document.activeElement.className"), "skip");
    browser.press(ENTER);
    browser.focuses("main");
    tab_to(&desk, "#contract_pin");
    browser.press(world.secrets.contract_pin);
    on_to(&desk, ENTER, "keyboard-menu", "管理者メニュー", "Administrator menu");
    tab_to(&desk, ".menu a[href='/console/contract']");
    on_to(&desk, ENTER, "keyboard-contract", "ご契約先管理情報変更", "Change contract management information");
    tab_to(&desk, ".menu a[href='/console/users']");
    on_to(&desk, ENTER, "keyboard-users", "利用者情報選択", "Select user information");
    tab_to(&desk, &format!("#user-{USER}"));
    browser.press(SPACE);
    tab_to(&desk, ".ops summary");
    browser.press(ENTER);
    tab_to(&desk, "button[value=change]");
    on_to(&desk, ENTER, "keyboard-change", "利用者情報変更", "Change user information");
    tab_to(&desk, "#choice-continue");
    browser.press(DOWN);
    assert_eq!(browser.property("#choice-reissue", "checked"), true);
    tab_to(&desk, "#reason");
    browser.press(DOWN);
    tab_to(&desk, "#confirm_pin");
    browser.press("wrong1");
    tab_to(&desk, "main button[type=submit]");
    browser.press(ENTER);
    // A refusal takes the focus to what is wrong, and from there to the field.
    browser.focuses("faults");
    desk.look("keyboard-wrong-pin");
    tab_to(&desk, "#faults a");
    browser.press(ENTER);
    browser.focuses("confirm_pin");
    browser.press(world.secrets.confirm_pin);
    on_to(&desk, ENTER, "keyboard-reissued", "再発行を受け付けました", "Reissue registered");
    assert_eq!(world.issue(), "001 awaiting");
}
