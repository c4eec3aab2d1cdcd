//! Whatever is written is held against the books: a login uses up one code of its own with the
//! right password and touches nothing else, and a change does what was asked and no more.

use mail2fa::decision::record::MailboxRecord;

use super::{
    books::{App, Book, Good, OPEN, Set, SignIn},
    places::steps_of,
    staff::Wish,
    world::{Actor, Login, World},
};

/// A record before and after a write.
pub type Written = (String, Option<MailboxRecord>, Option<MailboxRecord>);

impl World {
    /// Takes a write set that was done.
    pub fn written(&mut self, changes: &[Written]) {
        match self.acting {
            Some(Actor::Login(id)) => match changes {
                [(name, before, Some(after))] if Self::is_mint(before.as_ref(), after) => {
                    let result = self.mint_wrote(id, name, before.as_ref(), after);
                    if let Err(what) = result {
                        self.fail(name, format!("exchange {id}: {what}"));
                    }
                }
                [(name, Some(before), Some(after))] => {
                    let result = self.login_wrote(id, name, before, after);
                    if let Err(what) = result {
                        self.fail(name, format!("login {id}: {what}"));
                    }
                }
                _ => self.fail("", format!("login {id} made or removed a record")),
            },
            Some(Actor::Errand(id)) => self.errand_wrote(id, changes),
            Some(Actor::Desk(id)) => self.desk_wrote(id, changes),
            None => self.fail("", "a write by nobody"),
        }
        for (name, before, after) in changes {
            // Counters are a record's, not a name's: a mailbox that is made again is known nowhere.
            let made = |record: &Option<MailboxRecord>| record.as_ref().map(|r| r.created);
            if made(before) != made(after) {
                self.book(name).known.clear();
            }
            if let Err(what) = self.compare(name, after.as_ref()) {
                self.fail(name, what);
            }
        }
    }

    pub fn login_wrote(
        &mut self,
        id: u64,
        name: &str,
        before: &MailboxRecord,
        after: &MailboxRecord,
    ) -> Result<(), String> {
        let seq = self.seq;
        let mut login = self.logins.get(&id).cloned().ok_or("unknown")?;
        if login.user != name || login.relayed {
            return Err(format!("wrote the record of {name}"));
        }
        let book = self.book(name);
        let standing = book.now();
        if standing.locked {
            return Err("wrote to a locked mailbox".into());
        }
        unchanged(before, after)?;
        let old: Vec<u64> = before.sessions.iter().map(|session| session.id).collect();
        let fresh = after.sessions.iter().filter(|session| !old.contains(&session.id));
        let fresh: Vec<u64> = fresh.map(|session| session.id).collect();
        let step = |record: &MailboxRecord| record.totp.as_ref().map(|totp| totp.last_step);
        let good = match (step(before) == step(after), before.recovery == after.recovery) {
            (true, true) => {
                return touched(book, &login, &fresh, before, after);
            }
            (false, true) => {
                burned_step(book, &login, step(after).unwrap_or(0))?;
                Good::Code
            }
            (true, false) => {
                used_recovery(book, &login, before, after)?;
                Good::Recovery
            }
            (false, false) => return Err("used up a code and a recovery code".into()),
        };
        if login.burned.replace(good).is_some() {
            return Err("used up two codes".into());
        }
        let [new] = fresh[..] else {
            return Err(format!("opened {} sign-ins", fresh.len()));
        };
        if new <= before.last_session {
            self.fail(name, format!("the id {new} of a sign-in comes back"));
            return Ok(());
        }
        let (absolute, idle) = match &login.apart {
            // Only for a form that is sent twice.
            Some(_) => (login.rules.parallel, login.rules.parallel),
            None => login.rules.limits(),
        };
        let full =
            book.sign_ins.iter().filter(|s| s.until == OPEN).count() + 1 > login.rules.per_mailbox;
        let full = full || book.crowded(1);
        for token in &mut book.tokens {
            token.doubtful |= full || !token.surely(login.arrival, &login.rules);
        }
        for sign_in in &mut book.sign_ins {
            sign_in.doubtful |= full || !sign_in.surely_lives(login.arrival, &login.rules);
        }
        book.sign_ins.push(SignIn {
            doubtful: false,
            id: new,
            key: login.key(),
            opened: login.arrival,
            last_use: login.arrival,
            absolute,
            idle,
            from: seq,
            until: OPEN,
        });
        self.tell(name, || format!("login {id} used up a {good:?}, sign-in {new}"));
        for (other, running) in &mut self.logins {
            let together = running.key() == login.key()
                && running.arrival / 30_000 == login.arrival / 30_000
                && running.rules.limits().1 >= 60
                && login.rules.limits().1 >= 60;
            running.raced |= *other != id && running.user == name && !together;
        }
        self.logins.insert(id, login);
        Ok(())
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each errand")]
    fn errand_wrote(&mut self, id: u64, changes: &[Written]) {
        let (seq, latest) = (self.seq, self.latest);
        let Some(errand) = self.errands.get(&id).cloned() else { return };
        for (name, _, _) in changes {
            self.disturb(name);
        }
        let name = errand.name.clone();
        self.tell(&name, || format!("errand {id} done: {:?}", errand.wish));
        let book = self.book(&name);
        match errand.wish {
            Wish::Add(password) | Wish::Password(password) => {
                book.end_sign_ins(seq);
                book.passwords.push(password.clone());
                book.stand(seq, |standing| {
                    standing.record = true;
                    standing.password = Some(password);
                });
            }
            Wish::Rename(to) => {
                book.end_sign_ins(seq);
                book.end_sets(seq);
                book.end_apps(seq);
                let moved = book.now();
                let (burned, passwords) = (book.burned.clone(), book.passwords.clone());
                let failed = book.failed;
                book.stand(seq, |standing| *standing = super::books::Standing::default());
                book.ended.push(seq);
                self.tell(&to, || format!("errand {id}: was {name}"));
                let book = self.book(&to);
                book.burned.extend(burned);
                book.passwords.extend(passwords);
                // The count of its failures goes along; those at one place do not.
                book.failed.0 += failed.0;
                book.failed.1 += failed.1;
                // Where passwords are the mail server's, nothing is kept of nothing.
                if changes.iter().any(|(name, _, after)| *name == to && after.is_some()) {
                    book.stand(seq, |standing| *standing = moved);
                }
            }
            Wish::Remove => {
                book.end_sign_ins(seq);
                book.end_sets(seq);
                book.end_apps(seq);
                book.stand(seq, |standing| *standing = super::books::Standing::default());
                book.ended.push(seq);
            }
            Wish::Confirm(code) => {
                let secret = changes[0].2.as_ref().and_then(|record| record.totp.as_ref());
                let Some(totp) = secret else {
                    return self.fail(&name, "a confirmed enrolment has no secret");
                };
                let secret = totp.secret.expose().to_vec();
                let step = totp.last_step;
                book.end_sign_ins(seq);
                book.end_sets(seq);
                book.sets.push(Set::made_by(id));
                let shown = book.shown.contains(&secret);
                book.burned.entry(secret.clone()).or_default().insert(step);
                let off = book.now().level == Some(super::enforced::Level::Off);
                let right = super::places::code(&secret, step) == code && shown && !off;
                book.stand(seq, |standing| {
                    standing.secret = Some(secret);
                    standing.record = true;
                });
                if !right {
                    self.fail(
                        &name,
                        "a wrong code confirmed, a secret that nobody saw, or where none may be",
                    );
                }
            }
            Wish::Disable => {
                book.end_sign_ins(seq);
                book.end_sets(seq);
                book.stand(seq, |standing| standing.secret = None);
            }
            Wish::App { services, only, expires } => {
                let record = changes[0].2.as_ref();
                let made = record.and_then(|record| record.app_passwords.last());
                let made = made.map(|app| app.id.as_str().to_owned()).unwrap_or_default();
                // Those whose time is over make room; the clock was read before.
                let kept = |id: &String| {
                    record.is_some_and(|r| r.app_passwords.iter().any(|a| a.id.as_str() == *id))
                };
                let over = |app: &App| app.expires.is_some_and(|end| latest >= end);
                for app in book.apps.iter_mut().filter(|app| app.until == OPEN && over(app)) {
                    if !kept(&app.id) {
                        app.until = seq;
                    }
                }
                let (text, from, until) = (None, seq, OPEN);
                let app = App { id: made, text, services, only, expires, from, until, errand: id };
                book.apps.push(app);
                book.stand(seq, |standing| standing.record = true);
            }
            Wish::AppRevoke(app) => {
                for app in book.apps.iter_mut().filter(|a| a.until == OPEN && a.id == app) {
                    app.until = seq;
                }
            }
            Wish::Recovery => {
                book.end_sets(seq);
                book.sets.push(Set::made_by(id));
            }
            Wish::Revoke(None) => book.end_sign_ins(seq),
            Wish::EndAll => {
                book.end_sign_ins(seq);
                book.ended.push(seq);
            }
            Wish::Link => self.fail(&name, "a link changed the record"),
            Wish::Revoke(Some(which)) => {
                let tokens = book.tokens.iter_mut();
                tokens.filter(|t| t.until == OPEN && t.id == which).for_each(|t| t.until = seq);
                let open = book.sign_ins.iter_mut().filter(|s| s.until == OPEN && s.id == which);
                open.for_each(|sign_in| sign_in.until = seq);
            }
            Wish::Lock => {
                book.end_sign_ins(seq);
                book.stand(seq, |standing| {
                    standing.locked = true;
                    standing.record = true;
                });
            }
            Wish::Level(level) => {
                if book.now().level != level {
                    book.end_sign_ins(seq);
                }
                book.stand(seq, |standing| {
                    standing.level = level;
                    standing.record = true;
                });
            }
            Wish::Unlock => book.stand(seq, |standing| standing.locked = false),
            Wish::Enable => self.fail(&name, "starting an enrolment changed the record"),
        }
        let kept = self.records.contains_key(&name);
        if !self.stored {
            self.book(&name).stand(seq, |standing| standing.record = kept);
        }
    }

    /// The record is what the books say it is.
    fn compare(&mut self, name: &str, record: Option<&MailboxRecord>) -> Result<(), String> {
        let book = self.book(name);
        let standing = book.now();
        let Some(record) = record else {
            let apps = book.apps.iter().any(|app| app.until == OPEN);
            let said = standing.locked || standing.secret.is_some() || standing.level.is_some();
            let must = standing.record || said || apps;
            return if must { Err("the record is gone".into()) } else { Ok(()) };
        };
        let secret = record.totp.as_ref().map(|totp| totp.secret.expose().to_vec());
        let level = standing.level.map(super::enforced::Level::theirs);
        let hash = standing.password.as_deref().map(super::ports::hash);
        let mut apps: Vec<_> = book.apps.iter().filter(|app| app.until == OPEN).collect();
        apps.sort_by(|a, b| a.id.cmp(&b.id));
        let mut found: Vec<_> = record.app_passwords.iter().map(|app| app.id.as_str()).collect();
        found.sort_unstable();
        for (what, same) in [
            ("the record is there", standing.record),
            ("factor", secret == standing.secret),
            ("lock", record.locked.is_some() == standing.locked),
            ("password", record.password_hash == hash),
            ("level", record.enforcement.map(|own| own.level) == level),
            ("app passwords", found.iter().eq(apps.iter().map(|app| &app.id))),
            ("recovery codes", record.recovery.len() == book.recovery_left()),
        ] {
            if !same {
                return Err(format!("what is stored is not what was asked for: {what}"));
            }
        }
        Ok(())
    }
}

/// A login leaves all this as it was.
pub fn unchanged(before: &MailboxRecord, after: &MailboxRecord) -> Result<(), String> {
    let bare = |record: &MailboxRecord| {
        let mut record = record.clone();
        record.sessions.clear();
        record.last_session = 0;
        record.recovery.clear();
        record.app_passwords.iter_mut().for_each(|app| app.last_use = None);
        if let Some(totp) = &mut record.totp {
            totp.last_step = 0;
        }
        record
    };
    let same = bare(before) == bare(after);
    if same { Ok(()) } else { Err("changed what a login does not change".into()) }
}

fn password_first(login: &Login, head: &str) -> Result<(), String> {
    match &login.asked {
        Some((asked, true)) if asked == head => Ok(()),
        _ => Err("used up a code without the right password".into()),
    }
}

fn burned_step(book: &mut Book, login: &Login, step: u64) -> Result<(), String> {
    let secret = book.now().secret.ok_or("used up a code of a mailbox without a factor")?;
    let (head, code) = login.cut_code().ok_or("used up a code that was not typed")?;
    password_first(login, &head)?;
    if !steps_of(&secret, &code, login.arrival).contains(&step) {
        return Err("used up the code of another step".into());
    }
    if step <= book.latest_step(&secret) {
        return Err("used up a step once more".into());
    }
    book.burned.entry(secret).or_default().insert(step);
    Ok(())
}

fn used_recovery(
    book: &mut Book,
    login: &Login,
    before: &MailboxRecord,
    after: &MailboxRecord,
) -> Result<(), String> {
    let (head, code) = login.cut_recovery().ok_or("took a recovery code off the set")?;
    password_first(login, &head)?;
    let one = before.recovery.len() == after.recovery.len() + 1;
    let set = book.sets.iter_mut().find(|set| set.until == OPEN).ok_or("no set")?;
    if !one || !set.codes.contains(&code) || !set.used.insert(code) {
        return Err("used a recovery code that is not one, or more than one".into());
    }
    Ok(())
}

/// Only a use was noted: of a session that is its own, or of an app password.
fn touched(
    book: &mut Book,
    login: &Login,
    fresh: &[u64],
    before: &MailboxRecord,
    after: &MailboxRecord,
) -> Result<(), String> {
    if !fresh.is_empty() || before.sessions.len() != after.sessions.len() {
        return Err("opened or ended a sign-in without a code".into());
    }
    let pairs = before.sessions.iter().zip(&after.sessions);
    for (_, changed) in pairs.filter(|(before, after)| before != after) {
        if let Some(token) = book.token_mut(&login.typed).filter(|token| token.id == changed.id) {
            token.last_use = token.last_use.max(login.arrival);
            continue;
        }
        let key = login.key();
        let open = |s: &&mut SignIn| s.id == changed.id && s.until == OPEN && s.key == key;
        let Some(own) = book.sign_ins.iter_mut().find(open) else {
            return Err("noted a use of somebody else's sign-in".into());
        };
        own.last_use = own.last_use.max(login.arrival);
    }
    Ok(())
}
