use peers::{Look, Panel, Generation, PasswordMode, Stand};
use peers::stand::{ALICE, ALICE_PASSWORD};

#[test]
fn smoke() {
    let mut stand = Stand::start_with_clock(Generation::V23, PasswordMode::Dovecot).unwrap();
    let panel = Panel::open(&mut stand, "").unwrap();
    for look in [Look::PHONE, Look::DESKTOP.without_scripts()] {
        let window = panel.window(look).unwrap();
        window.open_page("").unwrap();
        window.type_in("E-mail address", ALICE).unwrap();
        window.type_in("Password", ALICE_PASSWORD).unwrap();
        window.press("Log in").unwrap();
        println!("{}", window.text().unwrap());
        if look.scripts { println!("AXE {}", window.axe().unwrap()); }
        std::fs::write(format!("/tmp/x{}.png", look.scripts), window.picture().unwrap()).unwrap();
    }
}
