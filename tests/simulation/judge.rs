//! How a login ended, held against the books.

use mail2fa::{
    decision::{
        names::Identity,
        outcome::{Accepted, Method, Outcome},
        refusal::Refusal,
    },
    net::translate,
};

use super::{
    books::{Good, Standing},
    enforced::By,
    world::{Login, World},
};

impl World {
    /// A login was answered.
    pub fn answered_login(&mut self, id: u64, outcome: &Outcome) {
        let Some(login) = self.logins.remove(&id) else { return };
        self.seq += 1;
        let word = match outcome {
            Outcome::Accepted(accepted) => accepted.method().as_str(),
            Outcome::Refused(refusal) => refusal.as_str(),
            Outcome::Unavailable(_) => "unavailable",
        };
        self.tallies.add(word);
        let standing = self.book(&login.user).now();
        let required = matches!(outcome, Outcome::Refused(Refusal::FactorRequired));
        if required && login.rules.enforced.is_dated(&standing) {
            self.tallies.add("required from a date, and passed");
        }
        self.tell(&login.user, || format!("login {id} ended: {outcome:?}"));
        // The exchange of a webmail may end before anybody is asked.
        if login.told != 1 && !(login.apart.is_some() && login.told == 0 && word == "unavailable") {
            self.fail(&login.user, format!("login {id} was logged {} times", login.told));
        }
        self.note_failure(&login, outcome);
        if let Err(what) = self.judge(&login, outcome) {
            let (user, typed) = (&login.user, &login.typed);
            self.fail(user, format!("login {id} ({user}, {typed:?}): {what}"));
        }
        self.keep_in_mind(&login, outcome);
    }

    fn judge(&mut self, login: &Login, outcome: &Outcome) -> Result<(), String> {
        Self::one_of_three(outcome)?;
        let unavailable = matches!(outcome, Outcome::Unavailable(_));
        if login.faulted && !unavailable {
            return Err(format!("something was not there, and it ended as {outcome:?}"));
        }
        if unavailable && !(login.faulted || login.disturbed || login.raced) {
            return Err(format!("nothing failed, and it ended as {outcome:?}"));
        }
        if let Outcome::Accepted(accepted) = outcome {
            return self.proved(login, accepted);
        }
        self.livable(login, outcome)
    }

    /// All refusals are one reply, and a thing that is unavailable is another one.
    fn one_of_three(outcome: &Outcome) -> Result<(), String> {
        let reply = translate::reply(outcome, b"typed", None);
        let same = match outcome {
            Outcome::Accepted(_) => matches!(reply, translate::Reply::Ok(_)),
            Outcome::Refused(_) => {
                let other = Outcome::Refused(Refusal::WrongPassword);
                reply == translate::reply(&other, b"typed", None)
            }
            Outcome::Unavailable(_) => {
                let other = Outcome::Unavailable(String::new());
                matches!(reply, translate::Reply::TempFail(_))
                    && reply == translate::reply(&other, b"typed", None)
            }
        };
        if same { Ok(()) } else { Err(format!("another reply: {reply:?}")) }
    }

    /// Whoever had everything right came in.
    fn livable(&mut self, login: &Login, outcome: &Outcome) -> Result<(), String> {
        let Some(good) = login.good else { return Ok(()) };
        if login.faulted || login.disturbed || login.raced {
            return Ok(());
        }
        let waits = matches!(outcome, Outcome::Refused(Refusal::Throttled));
        let guessed = matches!(good, Good::Password | Good::Code | Good::Recovery);
        if waits && guessed && login.rules.throttled {
            let nets: Vec<_> = [login.place.narrow]
                .iter()
                .chain(login.place.wide)
                .map(|net| self.networks.get(net).copied().unwrap_or_default())
                .collect();
            let times = (self.latest, self.logins.len() as u64);
            if self.book(&login.user).may_wait(login, &nets, times) {
                self.tallies.add("had to wait, as it may");
                return Ok(());
            }
        }
        Err(format!("it had everything right ({good:?}) and ended as {outcome:?}"))
    }

    /// An acceptance has its proofs.
    fn proved(&mut self, login: &Login, accepted: &Accepted) -> Result<(), String> {
        if login.good.is_some() {
            self.tallies.add("had everything right and came in");
        }
        let identity = match accepted.identity() {
            Identity::Own(mailbox) => (mailbox.as_str(), mailbox.as_str()),
            Identity::Master { user, target } => (user.as_str(), target.as_str()),
        };
        if login.relayed
            != matches!(accepted.method(), Method::Mechanism | Method::MechanismAndFactorElsewhere)
        {
            return Err(format!("it came in by {:?}", accepted.method()));
        }
        if identity != (login.user.as_str(), login.opened.as_str()) {
            return Err(format!("somebody else was let in: {identity:?}"));
        }
        let own = match accepted.method() {
            Method::Password => self.bare(login, By::Password)?,
            Method::ExemptNetwork if login.rules.enforced.is_exempt(login) => {
                self.bare(login, By::Exempt)?
            }
            Method::PasswordAndCode => self.complete(login, burned(login, Good::Code)?)?,
            Method::PasswordAndRecoveryCode => {
                self.complete(login, burned(login, Good::Recovery)?)?
            }
            Method::PasswordAndSession => self.session(login)?,
            Method::AppPassword => self.app(login)?,
            Method::WebmailToken => self.token_opened(login)?,
            Method::Mechanism => self.mechanism(login, false)?,
            Method::MechanismAndFactorElsewhere => self.mechanism(login, true)?,
            Method::ExemptNetwork => return Err("no network is exempt there".into()),
            Method::PanelAndCode | Method::PanelAndRecoveryCode => {
                return Err("nobody is at the panel here".into());
            }
        };
        let proved = own || !login.rules.masters_need_factor;
        let mut names = vec![(login.opened.clone(), By::Target { proved })];
        if !matches!(accepted.method(), Method::AppPassword | Method::WebmailToken) {
            let returned = login.returned.iter().chain(&login.auth_user);
            let others = returned.filter(|name| **name != login.opened);
            names.extend(others.map(|name| (name.clone(), By::Another)));
        }
        for (name, by) in names {
            if name != login.user {
                self.open_to_others(login, &name, by)?;
            }
        }
        Ok(())
    }

    /// Whether a mailbox stood, at some moment after all that takes time, so that it opens.
    pub fn stood(&mut self, login: &Login, name: &str, fits: impl Fn(&Standing) -> bool) -> bool {
        let until = self.seq;
        self.book(name).between(login.source, until).iter().any(|(_, _, s)| !s.locked && fits(s))
    }

    /// Another mailbox than the one whose password was given: it was neither locked nor, where that
    /// matters, protected.
    fn open_to_others(&mut self, login: &Login, name: &str, by: By) -> Result<(), String> {
        let fits =
            self.stood(login, name, |standing| login.rules.enforced.opens(standing, login, by));
        if fits { Ok(()) } else { Err(format!("it opened {name}, which was protected")) }
    }

    pub fn bare(&mut self, login: &Login, by: By) -> Result<bool, String> {
        right_password(login, &login.password())?;
        let stored = self.stored;
        let fits = self.stood(login, &login.user, |standing| {
            let password = standing.password.as_deref() == Some(&*login.password());
            let own = !stored || standing.record && password;
            own && login.rules.enforced.opens(standing, login, by)
        });
        if fits { Ok(false) } else { Err("more was asked than a password, or it was gone".into()) }
    }

    /// A code or sign-in, where one opens something.
    pub fn complete(&mut self, login: &Login, proved: bool) -> Result<bool, String> {
        let fits = self.stood(login, &login.user, |standing| {
            standing.secret.is_some() && login.rules.enforced.opens(standing, login, By::Full)
        });
        if fits { Ok(proved) } else { Err("its service is off or for app passwords".into()) }
    }

    fn mechanism(&mut self, login: &Login, elsewhere: bool) -> Result<bool, String> {
        let enforced = &login.rules.enforced;
        if !enforced.passes || elsewhere && !enforced.elsewhere {
            return Err("nobody listed this mechanism".into());
        }
        if !matches!(login.asked, Some((_, true))) {
            return Err("the mail server did not say that it is right".into());
        }
        let stored = self.stored;
        let by = By::Mechanism { elsewhere };
        let fits = self.stood(login, &login.user, |standing| {
            (!stored || standing.record) && enforced.opens(standing, login, by)
        });
        // Where a factor was asked elsewhere, that counts for master users too.
        if fits {
            Ok(enforced.elsewhere)
        } else {
            Err("a token opened a mailbox that asks for more".into())
        }
    }

    pub fn session(&mut self, login: &Login) -> Result<bool, String> {
        let key = login.key();
        let heads = [login.cut_code(), login.cut_recovery()];
        let mut heads = heads.iter().flatten();
        let head = heads
            .any(|(head, _)| right_password(login, head).is_ok() || self.remembered(login, head));
        if !head {
            return Err("a sign-in stood for the password".into());
        }
        let until = self.seq;
        let book = self.book(&login.user);
        let standings = book.between(login.source, until);
        let lives = book.sign_ins.iter().any(|sign_in| {
            sign_in.key == key
                && sign_in.lives(login.arrival, &login.rules)
                && standings.iter().any(|(from, until, standing)| {
                    let on = !standing.locked && standing.secret.is_some();
                    on && sign_in.from <= *until && sign_in.until > *from
                })
        });
        if lives {
            self.complete(login, true)
        } else {
            Err("no sign-in of this string lived here".into())
        }
    }

    /// The password was found right in this very sign-in, for this service and from this address, a short
    /// time ago, and nothing of ours was changed since.
    fn remembered(&mut self, login: &Login, password: &str) -> bool {
        let (Some((now, turns)), None) = (login.looked, &login.asked) else { return false };
        let most = login.rules.remembered * 1_000;
        let found: Vec<u64> = self
            .found_right
            .iter()
            .filter(|found| {
                found.user == login.user
                    && login.user == login.opened
                    && found.typed == login.typed
                    && found.password == password
                    && found.service == login.service
                    && found.address == login.place.address
                    && found.era == login.era
                    && found.turns == turns
                    && found.at <= now
                    && now < found.at + most
            })
            .map(|found| found.seq)
            .collect();
        let right = self.password_of(&login.user).is_some_and(|(right, _)| right == password);
        let book = self.book(&login.user);
        // What was found right after this login came is as good as asking then.
        let fresh = |from: &u64| *from >= login.began;
        let same = |from: &u64| fresh(from) || book.between(*from, login.began).len() == 1;
        let same = found.iter().any(same);
        if same {
            let what = if right { "remembered" } else { "remembered, and changed since" };
            self.tallies.add(what);
        }
        same
    }

    fn app(&mut self, login: &Login) -> Result<bool, String> {
        if login.user != login.opened {
            return Err("an app password opened another mailbox".into());
        }
        let until = self.seq;
        let book = self.book(&login.user);
        let standings = book.between(login.source, until);
        let app = book.app(&login.typed).ok_or("not an app password of this mailbox")?;
        if !app.opens(login) {
            return Err("an app password out of its scope, or past its end".into());
        }
        let fits = standings.iter().any(|(from, until, standing)| {
            !standing.locked
                && app.from <= *until
                && app.until > *from
                && login.rules.enforced.opens(standing, login, By::App)
        });
        if fits { Ok(true) } else { Err("the app password was revoked, or the lock on".into()) }
    }

    /// What throttling may have counted.
    fn note_failure(&mut self, login: &Login, outcome: &Outcome) {
        let (passwords, codes) = match outcome {
            Outcome::Refused(Refusal::WrongPassword) => (1, 0),
            Outcome::Refused(Refusal::WrongCode) => (0, 1),
            Outcome::Unavailable(_) => (1, 1),
            Outcome::Accepted(_) | Outcome::Refused(_) => return,
        };
        self.failed(login, passwords, codes);
    }

    /// Adds failures of a login.
    pub fn failed(&mut self, login: &Login, passwords: u64, codes: u64) {
        let add = |count: &mut (u64, u64)| {
            count.0 += passwords;
            count.1 += codes;
        };
        let place = login.place;
        let book = self.book(&login.user);
        add(&mut book.failed);
        add(book.failed_at.entry(place.narrow).or_default());
        for net in [place.narrow].iter().chain(place.wide) {
            add(self.networks.entry(net).or_default());
        }
    }

    fn keep_in_mind(&mut self, login: &Login, outcome: &Outcome) {
        if let Outcome::Accepted(accepted) = outcome
            && matches!(accepted.method(), Method::PasswordAndCode | Method::PasswordAndSession)
            && login.user == login.opened
        {
            let (user, typed) = (login.user.clone(), login.typed.clone());
            self.clicking.push_back((user, typed, login.place, login.service));
            if self.clicking.len() > 6 {
                self.clicking.pop_front();
            }
        }
        let program = matches!(outcome, Outcome::Accepted(a)
            if matches!(a.method(), Method::AppPassword | Method::WebmailToken));
        // What a token or ticket opens is not counted here.
        if outcome.is_accepted() && !program && !login.relayed {
            self.came_in(login);
        }
    }

    /// The place of somebody who came in is known.
    pub fn came_in(&mut self, login: &Login) {
        let latest = self.latest;
        let counted = login.rules.throttled
            && self
                .book(&login.user)
                .between(login.began, u64::MAX)
                .iter()
                .all(|(_, _, standing)| standing.record);
        if counted {
            // It may have been known at an earlier clock already, and not been renewed.
            let known = &mut self.book(&login.user).known;
            known.entry(login.place.narrow).or_insert(login.arrival.min(latest));
        }
    }
}

pub fn right_password(login: &Login, password: &str) -> Result<(), String> {
    match &login.asked {
        Some((asked, true)) if asked == password && !asked.is_empty() => Ok(()),
        _ => Err("the password was not checked, or it was wrong".into()),
    }
}

fn burned(login: &Login, good: Good) -> Result<bool, String> {
    if login.burned == Some(good) {
        Ok(true)
    } else {
        Err(format!("it came in with a {good:?} and used none up: {:?}", login.burned))
    }
}
