//! Every page on a phone and at a desk, light and dark: axe-core finds nothing, nothing is wider than the
//! screen, and a picture is kept for people to look at.

use std::path::Path;

use peers::clients::Login;
use peers::stand::{ALICE, ALICE_PASSWORD};
use peers::{Door, Look, Panel, Window, wait};

use serde_json::json;

use crate::person::{Person, stand};

/// What a page is looked at with.
const LOOKS: [(&str, Look); 4] = [
    ("phone-light", Look::PHONE),
    ("phone-dark", Look::PHONE.dark()),
    ("desk-light", Look::DESKTOP),
    ("desk-dark", Look::DESKTOP.dark()),
];

/// A sheet of paper without its margins, in CSS pixels.
const A4: (u32, u32) = (718, 1046);

/// Where the pictures are.
const PICTURES: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/panel");

/// All that Chromium fetched for the page that is open.
const WEIGHT: &str = "return ['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind)) \
    .reduce((sum, entry) => sum + entry.decodedBodySize, 0)";

/// What a page may weigh, with style and script.
const MOST_BYTES: u64 = 50_000;

struct Gallery<'a> {
    alice: Person<'a>,
    wrong: Vec<String>,
    pages: usize,
    heaviest: (u64, String),
}

impl<'a> Gallery<'a> {
    fn open(alice: Person<'a>) -> Self {
        std::fs::create_dir_all(PICTURES).unwrap();
        Self { alice, wrong: Vec::new(), pages: 0, heaviest: (0, String::new()) }
    }

    /// Looks at the page that is open, in every way.
    fn hang(&mut self, name: &str) {
        let window = &self.alice.window;
        self.pages += 1;
        let weight = window.execute(WEIGHT, vec![]).unwrap().as_u64().unwrap();
        if weight > self.heaviest.0 {
            self.heaviest = (weight, name.to_owned());
        }
        if weight >= MOST_BYTES {
            self.wrong.push(format!("{name}: {weight} bytes"));
        }
        for (look, Look { size, phone, dark, .. }) in LOOKS {
            window.set_size(size, phone).unwrap();
            window.set_dark(dark).unwrap();
            let found = window.axe().unwrap();
            if !found.is_empty() {
                self.wrong.push(format!("{name}, {look}\n{found}"));
            }
            self.wrong.extend(too_wide(window, &format!("{name}, {look}")));
            let picture = Path::new(PICTURES).join(format!("{name}-{look}.png"));
            std::fs::write(picture, window.picture().unwrap()).unwrap();
        }
    }

    /// Whether the page fits on a small screen.
    fn fits(&mut self, name: &str, size: (u32, u32)) {
        let window = &self.alice.window;
        window.set_size(size, true).unwrap();
        self.pages += 1;
        self.wrong.extend(too_wide(window, name));
        let picture = Path::new(PICTURES).join(format!("{name}.png"));
        std::fs::write(picture, window.picture().unwrap()).unwrap();
    }

    /// As it comes out of a printer.
    fn print(&self, name: &str) {
        let window = &self.alice.window;
        window.set_size(A4, false).unwrap();
        window.dev_tools("Emulation.setEmulatedMedia", &json!({ "media": "print" })).unwrap();
        let picture = Path::new(PICTURES).join(format!("{name}-print.png"));
        std::fs::write(picture, window.picture().unwrap()).unwrap();
        window.dev_tools("Emulation.setEmulatedMedia", &json!({ "media": "" })).unwrap();
    }

    fn open_and_hang(&mut self, path: &str, name: &str) {
        self.alice.open(path);
        self.hang(name);
    }

    fn must_be_good(&self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        println!("{} pages, pictures in {PICTURES}", self.pages);
        println!("the heaviest is {}: {} bytes", self.heaviest.1, self.heaviest.0);
    }
}

/// Says so when one would have to scroll sideways.
fn too_wide(window: &Window, name: &str) -> Option<String> {
    let more = "return document.documentElement.scrollWidth - window.innerWidth";
    let more = window.execute(more, vec![]).unwrap().as_i64().unwrap();
    (more > 0).then(|| format!("{name}: {more} px wider than the screen"))
}

#[test]
fn every_page_in_every_light() {
    let (stand, panel) = stand("");
    let mut gallery = Gallery::open(Person::new(&stand, &panel, Look::DESKTOP));
    logging_in(&mut gallery);
    switching_on(&mut gallery);
    app_passwords(&mut gallery);
    the_rest(&mut gallery, &panel);
    gallery.must_be_good();
}

/// A field without a label and a pale title are found, so that finding nothing means something.
fn mistakes_are_found(window: &Window) {
    const SPOIL: &str = "document.querySelector('main').append(document.createElement('input')); \
        document.querySelector('h1').style.color = '#bbbbbb';";
    window.open_page("login").unwrap();
    window.execute(SPOIL, vec![]).unwrap();
    let found = window.axe().unwrap();
    assert!(found.contains("label: ") && found.contains("color-contrast: "), "{found}");
}

fn logging_in(gallery: &mut Gallery<'_>) {
    mistakes_are_found(&gallery.alice.window);
    gallery.open_and_hang("login", "login");
    gallery.alice.type_password("wrong");
    gallery.hang("login-refused");
    let stand = gallery.alice.stand;
    let day = stand.day(12, "%F").unwrap();
    stand.mail2fa().cli_text(&["policy", "set", ALICE, "--from", &day], "").unwrap();
    gallery.alice.log_in();
    gallery.hang("factor-off-required-soon");
    stand.mail2fa().cli_text(&["policy", "set", ALICE, "required"], "").unwrap();
    gallery.open_and_hang("", "factor-off-required");
    stand.mail2fa().cli_text(&["policy", "set", ALICE, "inherit"], "").unwrap();
    gallery.open_and_hang("", "factor-off");
    gallery.open_and_hang("nothing-here", "not-found");
    gallery.open_and_hang("activity", "activity-first");
    gallery.open_and_hang("recovery-codes", "recovery-codes-off");
    gallery.open_and_hang("sign-ins", "sign-ins-none");
}

fn switching_on(gallery: &mut Gallery<'_>) {
    gallery.alice.imap(ALICE_PASSWORD).must_be_in("2FA is off");
    let pop3 = Login::new(ALICE, ALICE_PASSWORD);
    gallery.alice.stand.knock(Door::Pop3, pop3).unwrap().must_be_in("2FA is off");
    wait::until("the inventory", || {
        gallery.alice.open("factor/before");
        gallery.alice.window.says("Fetching mail (POP3)").unwrap().then_some(())
    })
    .unwrap();
    gallery.hang("before");
    gallery.alice.scan();
    gallery.hang("scan");
    let wrong = gallery.alice.wrong_code();
    gallery.alice.fill("Challenge", &wrong);
    gallery.alice.press("Save");
    gallery.hang("scan-wrong");
    // Of a phone whose clock is slow.
    gallery.alice.stand.next_code().unwrap();
    let code = gallery.alice.codes.as_ref().unwrap().away(-1).unwrap();
    gallery.alice.fill("Challenge", &code);
    gallery.alice.press("Save");
    gallery.hang("codes-first");
    gallery.print("codes-first");
    let unticked = "document.forms[1].noValidate = true; document.forms[1].requestSubmit();";
    let window = &gallery.alice.window;
    window.leave(|| window.execute(unticked, vec![]).map(drop)).unwrap();
    gallery.hang("codes-not-kept");
    gallery.open_and_hang("", "factor-on-codes-wait");
    gallery.alice.press("Write them down now");
    gallery.alice.window.tick("I have kept these codes in a safe place").unwrap();
    gallery.alice.press("Continue");
    gallery.hang("factor-on");
}

fn app_passwords(gallery: &mut Gallery<'_>) {
    gallery.open_and_hang("app-passwords", "app-passwords-none");
    for (number, name) in
        ["Thunderbird on the laptop", "iPhone", "The scanner in the hall, second floor"]
            .into_iter()
            .enumerate()
    {
        gallery.alice.open("app-passwords/new");
        if number == 0 {
            gallery.hang("app-password-new");
        }
        gallery.alice.fill("Name", name);
        if number == 0 {
            let wrong = gallery.alice.wrong_code();
            gallery.alice.fill("Code from your authenticator app", &wrong);
            gallery.alice.press("Make it");
            gallery.hang("app-password-wrong-code");
        }
        if number == 2 {
            gallery.alice.window.tick("Sending mail (SMTP)").unwrap();
            gallery.alice.window.choose("Expires", "In 30 days").unwrap();
        }
        let code = gallery.alice.code();
        gallery.alice.fill("Code from your authenticator app", &code);
        gallery.alice.press("Make it");
        if number == 0 {
            let password = gallery.alice.window.read("#app-password").unwrap();
            gallery.alice.imap(&password).must_be_in("an app password");
            gallery.hang("app-password-shown");
        }
        gallery.alice.press("Done");
    }
    gallery.hang("app-passwords");
    gallery.alice.press("Revoke");
    gallery.hang("app-password-revoke");
}

fn the_rest(gallery: &mut Gallery<'_>, panel: &Panel) {
    let (first, second) = (gallery.alice.code(), gallery.alice.code());
    for code in [&first, &second] {
        gallery.alice.imap_with(code).must_be_in("a mail program");
    }
    gallery.alice.imap_with(&gallery.alice.wrong_code()).must_be_refused("a wrong code");
    let mut other = Person::new(gallery.alice.stand, panel, Look::PHONE);
    other.codes = gallery.alice.codes.take();
    other.log_in();
    gallery.alice.codes = other.codes.take();
    gallery.open_and_hang("sign-ins", "sign-ins");
    wait::until("what happened", || {
        gallery.alice.open("activity");
        gallery.alice.window.says("wrong code").unwrap().then_some(())
    })
    .unwrap();
    gallery.hang("activity");
    gallery.open_and_hang("", "factor-on-alarm");
    gallery.open_and_hang("recovery-codes", "recovery-codes");
    gallery.open_and_hang("recovery-codes/new", "recovery-codes-new");
    let code = gallery.alice.code();
    gallery.alice.fill("Code from your authenticator app", &code);
    gallery.alice.press("Make new codes");
    gallery.hang("codes");
    gallery.alice.window.tick("I have kept these codes in a safe place").unwrap();
    gallery.alice.press("Continue");
    gallery.open_and_hang("phone", "phone");
    gallery.alice.press("Next");
    gallery.hang("phone-scan");
    gallery.open_and_hang("factor/disable", "disable");
    gallery.open_and_hang("factor/disable?recovery", "disable-recovery");
    gallery.alice.press("Log out");
    gallery.hang("logged-out");
    gallery.alice.type_password(ALICE_PASSWORD);
    gallery.hang("code");
    let wrong = gallery.alice.wrong_code();
    gallery.alice.fill("Code from your authenticator app", &wrong);
    gallery.alice.press("Log in");
    gallery.hang("code-refused");
    gallery.open_and_hang("login?done=ended", "session-ended");
}

/// Long words, a long name, and a screen of 320 px, as WCAG asks for (1.4.10).
#[test]
fn no_language_is_too_long_for_a_small_screen() {
    const LONG: &str =
        "maximiliane-konstantinopel.fuchsberger@verwaltungsgemeinschaft-hinterwald.example.org";
    let (mut stand, panel) = stand("");
    stand.set_passwords(&[(LONG, ALICE_PASSWORD)]).unwrap();
    let mut somebody = Person::new(&stand, &panel, Look::DESKTOP);
    somebody.name = LONG;
    somebody.log_in();
    somebody.scan();
    somebody.open("app-passwords/new");
    somebody.fill("Name", "Donaudampfschifffahrtsgesellschaftskapitaensmuetzenablage");
    somebody.press("Make it");
    let mut gallery = Gallery::open(somebody);
    for language in ["Deutsch", "Espa\u{f1}ol", "Fran\u{e7}ais", "Nederlands", "English"] {
        gallery.alice.open("");
        gallery.alice.press(language);
        for path in [
            "",
            "factor/before",
            "factor/scan",
            "app-passwords",
            "app-passwords/new",
            "app-passwords/shown",
            "sign-ins",
            "recovery-codes",
            "activity",
        ] {
            gallery.alice.open(path);
            let name = format!("narrow-{language}-{}", path.replace('/', "-"));
            gallery.fits(&name, (320, 640));
        }
    }
    gallery.must_be_good();
}
