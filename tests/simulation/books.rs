//! The second set of books: what is true of each mailbox, kept from what people were given and what
//! was written when. Nothing in here comes from the code under test.
//!
//! Every effect has a number; something holds from the number of the write that made it so until
//! the number of the write that ended it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    desk::{Link, Opened},
    enforced::{By, Level},
    minted::Token,
    places::{Place, bare_app_password, steps_of},
    world::{Login, Rules},
};

/// How long a login may take, seconds: `LOGIN_SECONDS` of the daemon.
const LOGIN_SECONDS: u64 = 90;
/// For what is not over.
pub const OPEN: u64 = u64::MAX;

/// What a mailbox's record must say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// There is one.
    pub record: bool,
    pub locked: bool,
    /// The authenticator's secret, if 2-factor authentication is on.
    pub secret: Option<Vec<u8>>,
    /// The password, where passwords are the store's.
    pub password: Option<String>,
    /// Its own level of enforcement.
    pub level: Option<Level>,
}

impl Standing {
    /// Whether it asks for the same as another one.
    fn lets_in_like(&self, other: &Self) -> bool {
        let Self { record: _, level: _, locked, secret, password } = self;
        (locked, secret, password) == (&other.locked, &other.secret, &other.password)
    }
}

/// An app password.
#[derive(Clone, Debug)]
pub struct App {
    pub id: String,
    /// What was shown, if the answer arrived.
    pub text: Option<String>,
    /// As numbers of `places::service`; none means the first four.
    pub services: Vec<usize>,
    /// It is for this address only.
    pub only: Option<Place>,
    /// Milliseconds.
    pub expires: Option<u64>,
    pub from: u64,
    pub until: u64,
    /// The errand that made it.
    pub errand: u64,
}

/// A set of recovery codes.
#[derive(Clone, Debug)]
pub struct Set {
    /// What was shown, if the answer arrived.
    pub codes: Vec<String>,
    pub used: BTreeSet<String>,
    pub until: u64,
    pub errand: u64,
}

impl Set {
    /// Not seen by anybody yet.
    pub fn made_by(errand: u64) -> Self {
        Self { codes: Vec::new(), used: BTreeSet::new(), until: OPEN, errand }
    }
}

/// What makes two logins one sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInKey {
    pub opened: String,
    pub typed: String,
    pub place: String,
    pub group: String,
}

/// A sign-in: a code was used up for it.
#[derive(Clone, Debug)]
pub struct SignIn {
    pub id: u64,
    pub key: SignInKey,
    /// Milliseconds of the server's clock, as all that follow.
    pub opened: u64,
    pub last_use: u64,
    /// Seconds.
    pub absolute: u64,
    pub idle: u64,
    /// For a login of another moment or under other rules it was over, and that one may have swept
    /// it away.
    pub doubtful: bool,
    pub from: u64,
    pub until: u64,
}

impl SignIn {
    /// Whether it lives for a login under these rules, by the clock.
    pub fn lives(&self, arrival: u64, rules: &Rules) -> bool {
        let (absolute, idle) = rules.limits();
        arrival + LOGIN_SECONDS * 1_000 >= self.opened
            && arrival < self.opened + self.absolute.min(absolute) * 1_000
            && arrival < self.last_use + self.idle.min(idle) * 1_000
    }

    /// The same with something to spare: uses are noted now and then only.
    pub fn surely_lives(&self, arrival: u64, rules: &Rules) -> bool {
        let (_, idle) = rules.limits();
        let spare = self.idle.min(idle) * 1_000 / 8 + 1_000;
        !self.doubtful
            && arrival >= self.opened
            && self.lives(arrival + spare, rules)
            && self.lives(arrival, rules)
    }
}

/// One mailbox.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// From which number on it stood like this.
    pub past: Vec<(u64, Standing)>,
    /// The numbers of the writes that ended for good what was open at the panel.
    pub ended: Vec<u64>,
    pub apps: Vec<App>,
    pub sets: Vec<Set>,
    pub sign_ins: Vec<SignIn>,
    /// Webmails' tokens.
    pub tokens: Vec<Token>,
    /// One-time links to the panel, and what they opened.
    pub links: Vec<Link>,
    pub panels: Vec<Opened>,
    /// Used steps of each secret.
    pub burned: BTreeMap<Vec<u8>, BTreeSet<u64>>,
    /// Secrets that were shown.
    pub shown: Vec<Vec<u8>>,
    /// Passwords it had.
    pub passwords: Vec<String>,
    /// Whole strings that were typed for it.
    pub tried: BTreeSet<String>,
    /// Failures that may have been counted: wrong passwords, wrong codes.
    pub failed: (u64, u64),
    /// The same at one place.
    pub failed_at: BTreeMap<&'static str, (u64, u64)>,
    /// Places that it was opened from, with the clock's time.
    pub known: BTreeMap<&'static str, u64>,
}

impl Book {
    pub fn now(&self) -> Standing {
        self.past.last().map(|(_, standing)| standing.clone()).unwrap_or_default()
    }

    pub fn stand(&mut self, at: u64, change: impl FnOnce(&mut Standing)) {
        let before = self.now();
        let mut standing = before.clone();
        change(&mut standing);
        if !standing.lets_in_like(&before) {
            self.ended.push(at);
        }
        self.past.push((at, standing));
    }

    /// Whether password, factor and lock were left alone between two numbers, and sign-ins were not ended. That
    /// they are again what they were is not enough.
    pub fn is_unchanged(&self, from: u64, until: u64) -> bool {
        !self.ended.iter().any(|at| from < *at && *at <= until)
    }

    /// Whether password, factor and lock are again what they were.
    pub fn stands_again(&self, from: u64, until: u64) -> bool {
        let all = self.between(from, until);
        all[0].2.lets_in_like(&all[all.len() - 1].2)
    }

    /// When there was no record the last time.
    pub fn gone(&self) -> u64 {
        self.past.iter().rfind(|(_, standing)| !standing.record).map_or(0, |(at, _)| *at)
    }

    /// All standings between two numbers, with the part of that time in which they held.
    pub fn between(&self, from: u64, until: u64) -> Vec<(u64, u64, Standing)> {
        let mut found = Vec::new();
        let mut begin = 0;
        let mut standing = Standing::default();
        for (at, next) in self.past.iter().cloned().chain([(OPEN, Standing::default())]) {
            if begin <= until && at > from {
                found.push((begin.max(from), at.min(until), standing));
            }
            (begin, standing) = (at, next);
        }
        found
    }

    /// Nothing that stood for a code does any more.
    pub fn end_sign_ins(&mut self, at: u64) {
        self.sign_ins.iter_mut().filter(|s| s.until == OPEN).for_each(|s| s.until = at);
        self.tokens.iter_mut().filter(|t| t.until == OPEN).for_each(|t| t.until = at);
    }

    pub fn end_sets(&mut self, at: u64) {
        self.sets.iter_mut().filter(|s| s.until == OPEN).for_each(|s| s.until = at);
    }

    pub fn end_apps(&mut self, at: u64) {
        self.apps.iter_mut().filter(|s| s.until == OPEN).for_each(|s| s.until = at);
    }

    pub fn latest_step(&self, secret: &[u8]) -> u64 {
        self.burned.get(secret).and_then(|steps| steps.last().copied()).unwrap_or(0)
    }

    pub fn recovery_left(&self) -> usize {
        self.sets.iter().filter(|set| set.until == OPEN).map(|set| 10 - set.used.len()).sum()
    }

    /// The app password that was typed, open or not.
    pub fn app(&self, typed: &str) -> Option<&App> {
        let bare = bare_app_password(typed);
        self.apps
            .iter()
            .find(|app| app.text.as_ref().is_some_and(|text| bare_app_password(text) == bare))
    }

    /// Whether what was typed begins like one of the app passwords.
    pub fn names_app(&self, typed: &str) -> bool {
        let bare = bare_app_password(typed);
        bare.len() == 29 && self.apps.iter().any(|app| bare.starts_with(&app.id))
    }
}

impl App {
    /// Whether it opens this door, by what was said when it was made.
    pub fn opens(&self, login: &Login) -> bool {
        let service = if self.services.is_empty() {
            login.service % 5 < 4
        } else {
            self.services.contains(&(login.service % 5))
        };
        service
            && self.only.is_none_or(|place| place == login.place)
            && self.expires.is_none_or(|end| login.arrival < end)
    }
}

/// What a login has everything for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Good {
    Password,
    Code,
    Recovery,
    Session,
    App,
    Token,
    Webmail,
}

impl Book {
    /// What a login to this mailbox has right when it arrives, and what is enforced lets in; `None` if
    /// something is missing, or if it is not sure. `password` is the one that is right.
    pub fn good(&self, login: &Login, password: &str, stored: bool) -> Option<Good> {
        let good = self.right(login, password, stored)?;
        let enforced = &login.rules.enforced;
        let by = match good {
            Good::Password if enforced.is_exempt(login) => By::Exempt,
            Good::Password => By::Password,
            Good::Code | Good::Recovery | Good::Session => By::Full,
            Good::App => By::App,
            Good::Webmail => {
                By::Token { full: self.token(&login.typed).is_some_and(|token| token.full) }
            }
            Good::Token => return None,
        };
        enforced.opens(&self.now(), login, by).then_some(good)
    }

    fn right(&self, login: &Login, password: &str, stored: bool) -> Option<Good> {
        let standing = self.now();
        if standing.locked || (stored && !standing.record) {
            return None;
        }
        if login.looks_like_a_token() {
            let token = self.token(&login.typed).filter(|token| token.until == OPEN)?;
            return (token.surely_lives(login) && token.opens(login)).then_some(Good::Webmail);
        }
        let apart = login.apart.is_some();
        if let Some(app) = self.app(&login.typed).filter(|_| !apart) {
            return (app.until == OPEN && app.opens(login)).then_some(Good::App);
        }
        if self.names_app(&login.typed) && !apart {
            return None;
        }
        let Some(secret) = &standing.secret else {
            return (login.password() == password).then_some(Good::Password);
        };
        if login.password().trim().is_empty() {
            return None;
        }
        let key = login.key();
        let open = |s: &&SignIn| s.until == OPEN && s.key == key;
        if self.sign_ins.iter().filter(open).any(|s| s.doubtful) {
            return None;
        }
        let live = |s: &SignIn| open(&s) && s.surely_lives(login.arrival, &login.rules);
        let newest = self.sign_ins.iter().rposition(live);
        if let Some(newest) = newest {
            let since = self.sign_ins.len() - newest;
            let prefix = match &login.apart {
                Some((typed, _)) => typed == password,
                None => login.typed.starts_with(password),
            };
            return (prefix && since < login.rules.per_mailbox).then_some(Good::Session);
        }
        let exempt = login.rules.enforced.is_exempt(login);
        if self.tried.contains(&login.typed) && !exempt {
            return None;
        }
        if let Some((head, code)) = login.cut_recovery() {
            let current = self.sets.iter().find(|set| set.until == OPEN)?;
            let unused = current.codes.contains(&code) && !current.used.contains(&code);
            return (head == password && unused).then_some(Good::Recovery);
        }
        if exempt {
            return (login.typed == password).then_some(Good::Password);
        }
        let (head, code) = login.cut_code()?;
        let step = steps_of(secret, &code, login.arrival).into_iter().max()?;
        (head == password && step > self.latest_step(secret)).then_some(Good::Code)
    }

    /// Whether failures that were counted may stand in the way of a login; `nets` has the failures
    /// of its networks, narrow first; those of the logins that run may be counted already.
    pub fn may_wait(
        &self,
        login: &Login,
        nets: &[(u64, u64)],
        (latest, running): (u64, u64),
    ) -> bool {
        const DAYS_29: u64 = 29 * 86_400_000;
        let over = |(passwords, codes): (u64, u64), most: (u64, u64)| {
            passwords + running >= most.0 || codes + running >= most.1
        };
        let here = self.failed_at.get(login.place.narrow).copied().unwrap_or_default();
        let known = self.known.get(login.place.narrow).is_some_and(|at| latest < at + DAYS_29);
        if login.place.narrow.is_empty() || !known {
            let bounds = [(20, 10), (60, 20), (120, 40)];
            return over(here, (10, 10))
                || over(self.failed, (30, 6))
                || nets.iter().zip(bounds).any(|(net, most)| over(*net, most));
        }
        over(here, (10, 10)) || self.failed.1 + running >= 15
    }
}
