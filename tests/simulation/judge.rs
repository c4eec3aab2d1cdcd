//! How a login ended, held against the books.

use mail2fa::{
    decision::{
        names::Identity,
        outcome::{Accepted, Method, Outcome, Refusal},
    },
    net::translate,
};

use super::{
    books::Good,
    places::{cut_code, cut_recovery},
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
        self.tell(&login.user, || format!("login {id} ended: {outcome:?}"));
        if login.told != 1 {
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
        if identity != (login.user.as_str(), login.opened.as_str()) {
            return Err(format!("somebody else was let in: {identity:?}"));
        }
        let own = match accepted.method() {
            Method::Password => self.bare(login)?,
            Method::PasswordAndCode => burned(login, Good::Code)?,
            Method::PasswordAndRecoveryCode => burned(login, Good::Recovery)?,
            Method::PasswordAndSession => self.session(login)?,
            Method::AppPassword => self.app(login)?,
            Method::Mechanism | Method::MechanismAndFactorElsewhere => {
                return Err("nobody came with a mechanism of the mail server's".into());
            }
            Method::WebmailToken => return Err("no webmail has tokens here".into()),
            Method::ExemptNetwork => return Err("no network is exempt here".into()),
            Method::PanelAndCode => return Err("nobody is at the panel here".into()),
        };
        let mut names = vec![(login.opened.clone(), login.rules.masters_need_factor && !own)];
        if accepted.method() != Method::AppPassword {
            let returned = login.returned.iter().chain(&login.auth_user);
            let others = returned.filter(|name| **name != login.opened);
            names.extend(others.map(|name| (name.clone(), true)));
        }
        for (name, protected) in names {
            if name != login.user {
                self.open_to_others(login, &name, protected)?;
            }
        }
        Ok(())
    }

    /// Another mailbox than the one whose password was given: it was neither locked nor, where that
    /// matters, protected, at some moment after all that takes time.
    fn open_to_others(&mut self, login: &Login, name: &str, protected: bool) -> Result<(), String> {
        let until = self.seq;
        let fits =
            self.book(name).between(login.source, until).iter().any(|(_, _, standing)| {
                !(standing.locked || protected && standing.secret.is_some())
            });
        if fits { Ok(()) } else { Err(format!("it opened {name}, which was protected")) }
    }

    fn bare(&mut self, login: &Login) -> Result<bool, String> {
        right_password(login, &login.typed)?;
        let (until, stored) = (self.seq, self.stored);
        let fits = self.book(&login.user).between(login.source, until).iter().any(|(_, _, s)| {
            let password = s.password.as_deref() == Some(login.typed.as_str());
            s.secret.is_none() && !s.locked && (!stored || s.record && password)
        });
        if fits { Ok(false) } else { Err("2-factor authentication was on, or it was gone".into()) }
    }

    fn session(&mut self, login: &Login) -> Result<bool, String> {
        let key = login.key();
        let heads = [cut_code(&login.typed), cut_recovery(&login.typed)];
        let head = heads.iter().flatten().any(|(head, _)| right_password(login, head).is_ok());
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
        if lives { Ok(true) } else { Err("no sign-in of this string lived here".into()) }
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
            !standing.locked && app.from <= *until && app.until > *from
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
        let latest = self.latest;
        let counted = login.rules.throttled
            && outcome.is_accepted()
            && self
                .book(&login.user)
                .between(login.began, u64::MAX)
                .iter()
                .all(|(_, _, standing)| standing.record);
        let app = matches!(outcome, Outcome::Accepted(a) if a.method() == Method::AppPassword);
        if counted && !app {
            // It may have been known at an earlier clock already, and not been renewed.
            let known = &mut self.book(&login.user).known;
            known.entry(login.place.narrow).or_insert(login.arrival.min(latest));
        }
    }
}

fn right_password(login: &Login, password: &str) -> Result<(), String> {
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
