//! The main way through the panel with the keyboard alone.

use peers::chromium::keys::{ENTER, SPACE, TAB};
use peers::stand::{ALICE, ALICE_PASSWORD};
use peers::{Look, Window, wait};

use crate::person::{Person, stand};

/// Steps with the tab key to a field or button, and looks that each stop can be seen and that the order is that of
/// the page.
fn tab_to(window: &Window, label: &str) {
    const LOOK: &str = "const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect(); \
        const seen = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 \
            && r.width > 0 && r.bottom > 0 && r.top < innerHeight; \
        const before = window.stop; window.stop = e; \
        const later = !before || !before.isConnected || before === e \
            || Boolean(before.compareDocumentPosition(e) & 4); \
        return [seen, later];";
    for _ in 0..40 {
        window.keys(TAB).unwrap();
        let focused = window.focused().unwrap();
        let found = window.execute(LOOK, vec![]).unwrap();
        assert_eq!(found[0], true, "{focused:?} has the focus and cannot be seen to have it");
        assert_eq!(found[1], true, "{focused:?} comes too early");
        if focused == label {
            return;
        }
    }
    panic!("no way to {label:?} on {:?}", window.path());
}

/// Presses the key that leads to another page.
fn enter(window: &Window) {
    window.leave(|| window.keys(ENTER)).unwrap();
}

#[test]
fn switching_on_without_a_mouse() {
    let (stand, panel) = stand("");
    let mut alice = Person::new(&stand, &panel, Look::DESKTOP);
    let window = &alice.window;
    window.open_page("").unwrap();
    window.must_focus("E-mail address");
    window.keys(ALICE).unwrap();
    tab_to(window, "Password");
    window.keys(ALICE_PASSWORD).unwrap();
    enter(window);
    // The first stop leads past the menu.
    tab_to(window, "Skip to the content");
    window.keys(ENTER).unwrap();
    tab_to(window, "Status");
    window.keys("E").unwrap();
    tab_to(window, "Save");
    enter(window);
    tab_to(window, "Next");
    enter(window);
    let secret = window.read("#secret").unwrap().replace(' ', "");
    tab_to(window, "Copy");
    window.keys(SPACE).unwrap();
    wait::until("the copy", || window.button("Copied").ok()).unwrap();
    tab_to(window, "Challenge");
    alice.codes = Some(peers::Codes::new(secret).with_clock(stand.clock.clone()));
    alice.window.keys(&alice.wrong_code()).unwrap();
    enter(&alice.window);
    // What is wrong is said with the field, which has the focus.
    alice.window.must_focus("Challenge");
    let told = "const e = document.activeElement; \
        return e.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id).textContent)[0]";
    let told = alice.window.execute(told, vec![]).unwrap();
    assert!(told.as_str().unwrap().starts_with("This code is not right."), "{told}");
    assert!(alice.window.find("[role=alert]").is_ok());
    let code = alice.code();
    alice.window.keys(&code).unwrap();
    enter(&alice.window);
    alice.says("Keep your recovery codes");
    tab_to(&alice.window, "I have kept these codes in a safe place");
    alice.window.keys(SPACE).unwrap();
    tab_to(&alice.window, "Continue");
    enter(&alice.window);
    alice.says("From now on your mailbox asks for a code");
    // Every stop of the other pages can be seen, and each page can be left again by its menu.
    for entry in ["App passwords", "Sign-ins", "Recovery codes", "Recent activity", "2-Factor Auth"]
    {
        tab_to(&alice.window, entry);
        enter(&alice.window);
        tab_to(&alice.window, "Nederlands");
        alice.window.reload().unwrap();
    }
    tab_to(&alice.window, "Log out");
    enter(&alice.window);
    alice.says("You are logged out.");
}
