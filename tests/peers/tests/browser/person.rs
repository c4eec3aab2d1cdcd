//! Somebody at a browser, with a phone.

use peers::clients::Login;
use peers::stand::{ALICE, ALICE_PASSWORD};
use peers::{Answer, Codes, Door, Generation, Look, Panel, PasswordMode, Stand, Window};

/// A stand with a panel, and nobody enrolled.
pub fn stand(more: &str) -> (Stand, Panel) {
    let mut stand = Stand::start_with_clock(Generation::V23, PasswordMode::Dovecot).unwrap();
    let panel = Panel::open(&mut stand, more).unwrap();
    (stand, panel)
}

/// Alice, or somebody with her password.
pub struct Person<'a> {
    pub stand: &'a Stand,
    pub name: &'static str,
    pub window: Window,
    /// Her phone, once it has a secret.
    pub codes: Option<Codes>,
}

impl<'a> Person<'a> {
    /// At a new browser.
    pub fn new(stand: &'a Stand, panel: &Panel, look: Look) -> Self {
        Self { stand, name: ALICE, window: panel.window(look).unwrap(), codes: None }
    }

    /// At a new browser, logged in.
    pub fn inside(stand: &'a Stand, panel: &Panel, look: Look) -> Self {
        let mut alice = Self::new(stand, panel, look);
        alice.log_in();
        alice
    }

    /// A code of her phone that was not used.
    pub fn code(&mut self) -> String {
        self.stand.next_code().unwrap();
        self.codes.as_mut().unwrap().present().unwrap()
    }

    /// A code that her phone does not show.
    pub fn wrong_code(&self) -> String {
        self.codes.as_ref().unwrap().wrong().unwrap()
    }

    /// To the login page and in, with a code if that is asked for.
    pub fn log_in(&mut self) {
        self.window.open_page("login").unwrap();
        self.type_password(ALICE_PASSWORD);
        if self.codes.is_some() {
            self.window.must_say("Code from your authenticator app");
            let code = self.code();
            self.fill("Code from your authenticator app", &code);
            self.press("Log in");
        }
        self.says("2-factor authentication is");
    }

    /// The first step of it.
    pub fn type_password(&self, password: &str) {
        self.fill("E-mail address", self.name);
        self.fill("Password", password);
        self.press("Log in");
    }

    /// From the first page to the secret, which goes to the phone.
    pub fn scan(&mut self) -> String {
        self.open("");
        self.window.choose("Status", "Enabled").unwrap();
        self.press("Save");
        self.press("Next");
        let secret = self.window.read("#secret").unwrap().replace(' ', "");
        self.codes = Some(Codes::new(secret.clone()).with_clock(self.stand.clock.clone()));
        secret
    }

    /// Switches 2-factor authentication on and keeps the recovery codes.
    pub fn switch_on(&mut self) -> Vec<String> {
        self.scan();
        let code = self.code();
        self.fill("Challenge", &code);
        self.press("Save");
        let codes = self.recovery_codes();
        self.window.tick("I have kept these codes in a safe place").unwrap();
        self.press("Continue");
        self.says("From now on your mailbox asks for a code");
        codes
    }

    /// Those on the screen.
    pub fn recovery_codes(&self) -> Vec<String> {
        let codes = self.window.read_all(".codes code").unwrap();
        assert_eq!(codes.len(), 10, "{codes:?}");
        codes
    }

    #[track_caller]
    pub fn open(&self, path: &str) {
        self.window.open_page(path).unwrap();
    }

    #[track_caller]
    pub fn press(&self, label: &str) {
        self.window.press(label).unwrap();
    }

    #[track_caller]
    pub fn fill(&self, label: &str, text: &str) {
        self.window.type_in(label, text).unwrap();
    }

    #[track_caller]
    pub fn says(&self, words: &str) {
        self.window.must_say(words);
    }

    /// A mail program that logs in by IMAP with this.
    pub fn imap(&self, password: &str) -> Answer {
        self.stand.knock(Door::ImapPlain, Login::new(self.name, password)).unwrap()
    }

    /// The same with the password and this behind it.
    pub fn imap_with(&self, factor: &str) -> Answer {
        self.imap(&format!("{ALICE_PASSWORD}{factor}"))
    }
}
