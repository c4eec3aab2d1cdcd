//! What the daemon needs from outside, simulated: each answer is one effect, performed when the
//! scheduler wants it, and it may fail.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use mail2fa::{
    base::{
        Clock, Mailbox, Rng, Secret, SecretText, UnixMillis,
        clock::{ClockError, RngError},
    },
    decision::record::{MailboxRecord, Version, Versioned},
    ports::{
        BoxFuture,
        audit::{LoginEvent, LoginLog, LoginResult},
        event::TrailEvent,
        password::{
            FormLogin, HashError, PasswordAnswer, PasswordHasher, PasswordQuestion, PasswordSource,
            PasswordSources, Verdict,
        },
        store::{Change, Commit, Entry, EntryKey, Expect, Page, Store, StoreError, Watcher},
        trail::{Expired, Lane, Trail, TrailPage, TrailQuery},
    },
};

use super::world::{Right, Shared, World};

/// In front of the hashes of this world.
const SCHEME: &str = "{SIM}";

/// An audit trail that keeps nothing.
pub struct SimTrail;

impl Trail for SimTrail {
    fn append(&self, _: Lane, _: Vec<TrailEvent>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    fn read<'a>(&'a self, _: &'a TrailQuery) -> BoxFuture<'a, Result<TrailPage, StoreError>> {
        Box::pin(async { Ok(TrailPage { blocks: Vec::new(), next: None, unreadable: 0 }) })
    }

    fn expire(&self, _: Lane, _: UnixMillis, _: u64) -> BoxFuture<'_, Result<Expired, StoreError>> {
        Box::pin(async { Ok(Expired::default()) })
    }
}

type Act<'a, T> = Box<dyn FnOnce(&mut World) -> T + Send + 'a>;

/// An effect: performed at some poll, answered at a later one. Between the two, before and after,
/// everybody else may be let on.
struct Effect<'a, T> {
    world: Shared,
    act: Option<Act<'a, T>>,
    done: Option<T>,
}

impl<T: Unpin> Future for Effect<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        if let Some(done) = self.done.take() {
            return Poll::Ready(done);
        }
        let shared = self.world.clone();
        let mut world = shared.lock().unwrap();
        // Not yet: what was decided before this effect is known already, and it is not done.
        if !world.dice.one_in(3)
            && let Some(act) = self.act.take()
        {
            world.seq += 1;
            self.done = Some(act(&mut world));
        }
        Poll::Pending
    }
}

fn effect<'a, T: Unpin + Send + 'a>(
    world: &Shared,
    act: impl FnOnce(&mut World) -> T + Send + 'a,
) -> BoxFuture<'a, T> {
    Box::pin(Effect { world: world.clone(), act: Some(Box::new(act)), done: None })
}

pub struct SimStore(pub Shared);

fn unavailable(world: &mut World, what: &'static str) -> StoreError {
    world.tallies.add(what);
    if let Some(login) = world.login() {
        // What is looked up for one that was refused, how long to wait, decides nothing.
        login.faulted |= !login.refused;
    }
    if let Some(desk) = world.at_desk() {
        desk.faulted = true;
    }
    StoreError::Unavailable("simulated".into())
}

impl World {
    fn load(&mut self, mailbox: &Mailbox) -> Result<Option<Versioned<MailboxRecord>>, StoreError> {
        self.tallies.add("effect: load");
        if self.goes_wrong() {
            return Err(unavailable(self, "fault: load"));
        }
        Ok(self.records.get(mailbox.as_str()).cloned())
    }

    fn load_entry(
        &mut self,
        key: &EntryKey,
        now: UnixMillis,
    ) -> Result<Option<Versioned<Entry>>, StoreError> {
        self.tallies.add("effect: load entry");
        if self.goes_wrong() {
            // By the programs of a mailbox only the log is written: the decision stands.
            if key.kind == "programs" {
                self.tallies.add("fault: load programs");
                return Err(StoreError::Unavailable("simulated".into()));
            }
            return Err(unavailable(self, "fault: load entry"));
        }
        let seq = self.seq;
        if let Some(login) = self.login().filter(|_| key.kind == "panel-era") {
            login.first_look.get_or_insert(seq);
        }
        let found = self.entries.get(&(key.kind, key.mailbox.clone(), key.id.clone()));
        Ok(found.filter(|found| found.value.expires > now).cloned())
    }

    fn holds(&self, change: &Change) -> bool {
        let (found, expect) = match change {
            Change::Mailbox { mailbox, expect, .. } => {
                (self.records.get(mailbox.as_str()).map(|r| r.version), Some(*expect))
            }
            Change::Entry { key, expect, .. } => {
                let key = (key.kind, key.mailbox.clone(), key.id.clone());
                (self.entries.get(&key).map(|e| e.version), *expect)
            }
            Change::Note(_) => (None, None),
        };
        match expect {
            None => true,
            Some(Expect::Absent) => found.is_none(),
            Some(Expect::Version(version)) => found == Some(version),
        }
    }

    fn commit(&mut self, changes: Vec<Change>) -> Result<Commit, StoreError> {
        self.tallies.add("effect: commit");
        let expects = changes.iter().any(|change| match change {
            Change::Mailbox { .. } => true,
            Change::Entry { expect, .. } => expect.is_some(),
            Change::Note(_) => false,
        });
        let mut lost = false;
        if self.goes_wrong() {
            match self.dice.below(4) {
                0 => return Err(unavailable(self, "fault: commit")),
                1 => {
                    let _ = unavailable(self, "fault: commit unknown, not done");
                    return Err(StoreError::Ambiguous("simulated".into()));
                }
                2 if expects => {
                    self.tallies.add("fault: conflict");
                    if let Some(login) = self.login() {
                        login.disturbed = true;
                    }
                    if let Some(desk) = self.at_desk() {
                        desk.disturbed = true;
                    }
                    return Ok(Commit::Conflict);
                }
                _ => lost = true,
            }
        }
        if !changes.iter().all(|change| self.holds(change)) {
            self.tallies.add("conflict");
            return Ok(Commit::Conflict);
        }
        self.version += 1;
        let version = Version(self.version);
        let mut written = Vec::new();
        for change in changes {
            match change {
                Change::Mailbox { mailbox, record, .. } => {
                    let name = mailbox.as_str().to_owned();
                    let before = self.records.remove(&name).map(|found| found.value);
                    let after = record.map(|record| *record);
                    if let Some(value) = after.clone() {
                        self.records.insert(name.clone(), Versioned { value, version });
                    }
                    written.push((name, before, after));
                }
                Change::Entry { key, entry, .. } => {
                    let key = (key.kind, key.mailbox, key.id);
                    match key.0 {
                        "link" => self.link_wrote(key.1.as_str(), &key.2, entry.is_some()),
                        "panel" => self.panel_wrote(&key.2, entry.is_some()),
                        _ => {}
                    }
                    match entry {
                        Some(value) => drop(self.entries.insert(key, Versioned { value, version })),
                        None => drop(self.entries.remove(&key)),
                    }
                }
                // Whether notes are written is the store's contract, not this world's.
                Change::Note(_) => {}
            }
        }
        if !written.is_empty() {
            self.written(&written);
        }
        if lost {
            let _ = unavailable(self, "fault: commit unknown, done");
            return Err(StoreError::Ambiguous("simulated".into()));
        }
        Ok(Commit::Done(version))
    }

    fn check(&mut self, question: &PasswordQuestion) -> PasswordAnswer {
        self.tallies.add("effect: check");
        if self.upstream.down && !self.stored || self.goes_wrong() {
            self.tallies.add("fault: check");
            if let Some(login) = self.login() {
                login.faulted = true;
            }
            return PasswordAnswer::Unavailable("simulated".into());
        }
        let password = String::from_utf8_lossy(question.password.expose()).into_owned();
        if let Some(login) = self.login().cloned()
            && login.looks_like_a_token()
        {
            self.fail(&login.user, "a token was tried as a password");
        }
        let name = question.mailbox.as_str().to_owned();
        let seq = self.seq;
        let mut answer = (false, None, None);
        if self.stored {
            let hash = question.hash.as_ref().map(|hash| hash.expose().to_owned());
            answer.0 = hash.is_some_and(|hash| hash == format!("{SCHEME}{password}"));
        } else if let Some((right, opens)) = self.password_of(&name) {
            let target = self.login().map(|login| login.opened.clone()).unwrap_or_default();
            answer.0 = right == password;
            let hidden = self.upstream.hidden.get(&name).map(|(master, _)| master.clone());
            answer.2 = hidden.or((target != name).then(|| name.clone()));
            answer.1 = Some(if target == name { opens } else { target.clone() });
            if target != name {
                answer.0 &= self.upstream.masters.contains(&name);
                answer.0 &= self.upstream.accounts.contains_key(&target);
            }
        }
        let (right, returned, auth_user) = answer;
        let (loud, silent) = (self.dice.one_in(8), self.dice.one_in(10));
        let trouble = self.trouble > 0 && self.dice.one_in(50);
        let name_of = |name: &String| if loud { name.to_uppercase() } else { name.clone() };
        let user = returned.as_ref().map(name_of);
        let told = auth_user.as_ref().filter(|_| !silent).cloned();
        let (stored, now, turns) = (self.stored, self.now, self.turns);
        let own = self.login().filter(|login| right && login.user == login.opened).map(|login| {
            let (user, typed) = (login.user.clone(), login.typed.clone());
            let (service, address, era) = (login.service, login.place.address, login.era);
            Right {
                user,
                typed,
                password: password.clone(),
                service,
                address,
                era,
                turns,
                at: now,
                seq,
            }
        });
        self.found_right.extend(own);
        if let Some(login) = self.login() {
            login.asked = Some((password, right));
            login.source = seq;
            if right {
                login.returned.clone_from(&returned);
                login.auth_user.clone_from(&told);
            }
            // The mail server forgets to say whom it let in.
            if trouble && right && !stored {
                login.faulted = true;
                return PasswordAnswer::Right { user: None, auth_user: None };
            }
        }
        if right {
            PasswordAnswer::Right {
                user: user.map(String::into_bytes),
                auth_user: told.map(String::into_bytes),
            }
        } else {
            PasswordAnswer::Wrong
        }
    }

    fn establish(&mut self, mailbox: &Mailbox) -> PasswordAnswer {
        self.tallies.add("effect: establish");
        let wrong = self.goes_wrong();
        let (seq, kind) = (self.seq, self.dice.below(3));
        let Some(login) = self.login() else { return PasswordAnswer::Wrong };
        login.source = seq;
        login.faulted |= wrong;
        match (wrong, kind) {
            (true, 0) => PasswordAnswer::Unavailable("simulated".into()),
            (true, 1) => PasswordAnswer::Wrong,
            // The mail server understands another name.
            (true, _) => {
                PasswordAnswer::Right { user: Some(b"eve@example.org".into()), auth_user: None }
            }
            (false, _) => {
                let user = Some(mailbox.as_str().as_bytes().to_vec());
                PasswordAnswer::Right { user, auth_user: None }
            }
        }
    }
}

impl Store for SimStore {
    fn load<'a>(
        &'a self,
        mailbox: &'a Mailbox,
    ) -> BoxFuture<'a, Result<Option<Versioned<MailboxRecord>>, StoreError>> {
        effect(&self.0, move |world| world.load(mailbox))
    }

    fn load_entry<'a>(
        &'a self,
        key: &'a EntryKey,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Option<Versioned<Entry>>, StoreError>> {
        effect(&self.0, move |world| world.load_entry(key, now))
    }

    fn commit(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<Commit, StoreError>> {
        effect(&self.0, move |world| world.commit(changes))
    }

    fn page<'a>(
        &'a self,
        _: Option<&'a Mailbox>,
        _: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn entries<'a>(
        &'a self,
        _: &'static str,
        _: Option<&'a Mailbox>,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<Mailbox>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn entries_of<'a>(
        &'a self,
        _: &'static str,
        _: &'a Mailbox,
        _: UnixMillis,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Entry)>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn purge(&self, now: UnixMillis) -> BoxFuture<'_, Result<usize, StoreError>> {
        effect(&self.0, move |world| Ok(world.purge(now)))
    }

    fn watch(&self, _: Watcher) {}

    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

pub struct SimSource(pub Shared);

/// The same for forms.
pub struct SimForms(pub Shared);

impl PasswordSources for SimForms {
    fn for_form(&self, _: &FormLogin<'_>) -> Box<dyn PasswordSource + '_> {
        Box::new(SimSource(self.0.clone()))
    }
}

impl PasswordSource for SimSource {
    fn check<'a>(&'a self, question: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer> {
        effect(&self.0, move |world| world.check(question))
    }

    fn repeatable(&self) -> Option<Secret> {
        let mut world = self.0.lock().unwrap();
        let (now, seq) = (world.now, world.seq);
        world.turns += u64::from(now < world.shown);
        world.shown = now;
        let turns = world.turns;
        if let Some(login) = world.login()
            && login.asked.is_none()
        {
            (login.looked, login.source) = (Some((now, turns)), seq);
        }
        Some(Secret::from_slice(b"simulated"))
    }

    fn relay(&self, _: bool) -> BoxFuture<'_, PasswordAnswer> {
        effect(&self.0, World::relay)
    }

    fn establish<'a>(&'a self, mailbox: &'a Mailbox) -> BoxFuture<'a, PasswordAnswer> {
        effect(&self.0, move |world| world.establish(mailbox))
    }
}

pub struct SimHasher(pub Shared);

impl PasswordHasher for SimHasher {
    fn hash<'a>(&'a self, password: &'a Secret) -> BoxFuture<'a, Result<SecretText, HashError>> {
        effect(&self.0, move |_| Ok(hash(&String::from_utf8_lossy(password.expose()))))
    }

    fn verify<'a>(
        &'a self,
        _: &'a Secret,
        _: Option<&'a SecretText>,
    ) -> BoxFuture<'a, Result<Verdict, HashError>> {
        Box::pin(async { Err(HashError::Unavailable) })
    }
}

/// The hash of a password in this world.
pub fn hash(password: &str) -> SecretText {
    SecretText::new(format!("{SCHEME}{password}"))
}

pub struct SimClock(pub Shared);

impl Clock for SimClock {
    fn now(&self) -> Result<UnixMillis, ClockError> {
        Ok(UnixMillis::from_millis(self.0.lock().unwrap().now))
    }
}

/// The same for whoever decides logins.
pub struct LoginClock(pub Shared);

impl Clock for LoginClock {
    fn now(&self) -> Result<UnixMillis, ClockError> {
        let mut world = self.0.lock().unwrap();
        world.login_comes();
        Ok(UnixMillis::from_millis(world.now))
    }
}

pub struct SimRng(pub Shared);

impl Rng for SimRng {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RngError> {
        let mut world = self.0.lock().unwrap();
        for chunk in buffer.chunks_mut(8) {
            let bytes = world.dice.next().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

pub struct SimLog(pub Shared);

impl LoginLog for SimLog {
    fn login(&self, event: &LoginEvent<'_>) {
        let mut world = self.0.lock().unwrap();
        if let Some(login) = world.login() {
            login.told += 1;
            login.refused = matches!(event.result, LoginResult::Refused(_));
        }
    }
}
