//! One episode: a new world, and a scheduler that lets somebody on by one effect at a time.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Waker},
    time::Duration,
};

use mail2fa::{
    base::{NetAddress, RelayedMechanism, Secret, Service, UnixMillis},
    decision::{
        digest::CredentialKey,
        flow::{Credential, RelayedRequest, Request},
        outcome::Outcome,
        panel::PanelPolicy,
        retention::TrailPolicy,
    },
    ports::password::PasswordHasher,
    service::{
        admin::{Admin, AdminError, Response},
        authenticate::{Authenticator, Circumstances},
        owner::{self, Owner},
        trail::Recorder,
        webmail::{self, Exchange, Exchanged, Webmail},
    },
};

use super::{
    desk::{Desk, Done, PANEL_ABSOLUTE, PANEL_IDLE, Want},
    dice::Dice,
    enforced::By,
    people::ENROLLERS,
    places::{HOMES, service},
    ports::{
        LoginClock, SimClock, SimForms, SimHasher, SimLog, SimRng, SimSource, SimStore, SimTrail,
    },
    staff::Errand,
    world::{Actor, Login, Rules, Shared, Tallies, Upstream, World, key, names},
};

/// The clock of the first moment, milliseconds.
pub const START: u64 = 1_800_000_000_000;
/// Logins that are on their way at once, at most.
const AT_ONCE: usize = 12;
/// Polls in a row that may bring nobody on.
const PATIENCE: u32 = 3_000;

type Task<T> = Pin<Box<dyn Future<Output = T>>>;

enum Running {
    Login(u64, Task<Outcome>),
    Errand(u64, Task<Result<Response, AdminError>>),
    Exchange(u64, Task<Exchanged>),
    Desk(u64, Task<Done>),
}

pub struct Episode {
    world: Shared,
    authenticator: Arc<Authenticator>,
    admin: Arc<Admin>,
    webmail: Arc<Webmail>,
    owner: Arc<Owner>,
    running: Vec<Running>,
    next_id: u64,
    idle: u32,
}

/// What the scheduler does next.
#[derive(Clone, Copy)]
enum Turn {
    Poll,
    Arrive,
    Change,
    Wait,
    Clock,
    Upstream,
    HangUp,
    Restart,
    Token,
    Exchange,
    Desk,
    Configure,
    Purge,
}

/// What did not hold, and in which mailbox.
pub type Broken = (String, String);

impl Episode {
    pub fn new(seed: u64, traced: bool) -> Self {
        let mut dice = Dice::new(seed);
        let stored = dice.one_in(3);
        let enforcing = dice.one_in(2);
        let rules = Arc::new(Rules::roll(&mut dice, stored, enforcing.then_some(START)));
        let trouble = dice.weighed(&[(3, 0), (3, 200), (2, 25), (1, 6)]);
        let siege = dice.one_in(3);
        let mut world = World {
            dice,
            now: START,
            latest: START,
            seq: 1,
            stored,
            rules,
            before: Vec::new(),
            records: std::collections::BTreeMap::new(),
            entries: std::collections::BTreeMap::new(),
            version: 0,
            upstream: Upstream::default(),
            siege,
            enforcing,
            acting: None,
            logins: std::collections::BTreeMap::new(),
            errands: std::collections::BTreeMap::new(),
            desks: std::collections::BTreeMap::new(),
            books: std::collections::BTreeMap::new(),
            networks: std::collections::BTreeMap::new(),
            trouble,
            tallies: Tallies::default(),
            found_right: Vec::new(),
            era: 0,
            shown: 0,
            turns: 0,
            overheard: std::collections::VecDeque::new(),
            clicking: std::collections::VecDeque::new(),
            handed: std::collections::VecDeque::new(),
            broken: None,
            trace: traced.then(Vec::new),
        };
        if !stored {
            world.people_the_mail_server();
        }
        let world = Arc::new(Mutex::new(world));
        let authenticator = authenticator(&world);
        let admin = admin(&world);
        let running = Vec::new();
        let (webmail, owner) = desks(&world, &authenticator, &admin);
        Self { world, authenticator, admin, webmail, owner, running, next_id: 1, idle: 0 }
    }

    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Goes on for so many turns, then lets everybody finish without faults.
    pub fn run(&mut self, turns: u64) -> Result<(), Broken> {
        for _ in 0..turns {
            let tokens = if self.world().enforcing { 25 } else { 0 };
            let webmails = !self.world().rules.webmails.is_empty();
            let turn = self.world().dice.weighed(&[
                (3_000, Turn::Poll),
                (220, Turn::Arrive),
                (60, Turn::Change),
                (60, Turn::Wait),
                (tokens, Turn::Token),
                (if webmails { 40 } else { 0 }, Turn::Exchange),
                (90, Turn::Desk),
                (3, Turn::Clock),
                (8, Turn::Upstream),
                (12, Turn::HangUp),
                (2, Turn::Restart),
                (1, Turn::Configure),
                (2, Turn::Purge),
            ]);
            self.turn(turn)?;
        }
        self.finish()
    }

    fn turn(&mut self, turn: Turn) -> Result<(), Broken> {
        self.world().tallies.add("turns");
        match turn {
            Turn::Poll if self.running.is_empty() => self.arrive(),
            Turn::Poll => {
                let which = self.world().dice.index(self.running.len());
                self.poll(which);
            }
            Turn::Arrive if self.running.len() < AT_ONCE => self.arrive(),
            Turn::Token if self.running.len() < AT_ONCE => self.token(),
            Turn::Exchange if self.running.len() < AT_ONCE => self.exchange(),
            Turn::Desk if self.running.len() < AT_ONCE => self.desk(),
            Turn::Arrive | Turn::Token | Turn::Exchange | Turn::Desk => {}
            Turn::Change => self.change(),
            Turn::Wait => self.world().wait(),
            Turn::Clock => self.world().set_clock(),
            Turn::Upstream => self.world().change_upstream(),
            Turn::HangUp => {
                let which = self.world().dice.index(self.running.len().max(1));
                if which < self.running.len() {
                    self.hang_up(which);
                }
            }
            Turn::Restart => self.restart(),
            Turn::Configure => {
                let mut world = self.world();
                let stored = world.stored;
                let (together, masters) = (world.rules.together, world.rules.masters_need_factor);
                let enforcing = world.enforcing.then_some(world.now);
                let mut rules = Rules::roll(&mut world.dice, stored, enforcing);
                (rules.together, rules.masters_need_factor) = (together, masters);
                let old = std::mem::replace(&mut world.rules, Arc::new(rules));
                let seq = world.seq;
                world.before.push((seq, old));
                // A webmail may be another one now, or none.
                for login in world.logins.values_mut() {
                    login.disturbed |= login.apart.is_some();
                }
                world.era += 1;
                let policy = world.rules.policy();
                drop(world);
                self.admin = admin(&self.world);
                self.authenticator.set_policy(policy);
                (self.webmail, self.owner) = desks(&self.world, &self.authenticator, &self.admin);
            }
            Turn::Purge => {
                let mut world = self.world();
                let now = UnixMillis::from_millis(world.now);
                world.purge(now);
            }
        }
        self.world().broken.take().map_or(Ok(()), Err)
    }

    /// Somebody logs in, perhaps over several connections at once.
    fn arrive(&mut self) {
        let (login, times) = self.world().somebody();
        for _ in 0..times {
            self.start(login.clone());
        }
    }

    fn start(&mut self, login: Login) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let request = Request {
            authzid: login.authzid.clone().into_bytes(),
            authcid: login.authcid.clone().into_bytes(),
            credential: Credential::Joined(Secret::from_slice(login.typed.as_bytes())),
            service: service(login.service),
            remote: login.place.net_address(),
            via: login.via.net_address(),
        };
        let circumstances = circumstances(&request.service, request.remote, "PLAIN");
        self.register(id, login);
        let source = SimSource(self.world.clone());
        let authenticator = Arc::clone(&self.authenticator);
        let task =
            Box::pin(
                async move { authenticator.authenticate(request, &circumstances, &source).await },
            );
        self.running.push(Running::Login(id, task));
        // The clock is read at the first poll: it must be the one that the books have.
        self.poll(self.running.len() - 1);
        id
    }

    /// Notes a login that arrives, and what it has right.
    fn register(&self, id: u64, mut login: Login) {
        {
            let mut world = self.world();
            (login.began, login.source, login.arrival) = (world.seq, world.seq, world.now);
            login.era = world.era;
            login.good = world.good(&login);
            world.tell(&login.user, || format!("login {id} arrives: {login}"));
            world.tallies.add("logins");
            world.book(&login.user).tried.insert(login.typed.clone());
            if world.overheard.len() >= 48 {
                world.overheard.pop_front();
            }
            if login.user == login.opened {
                let heard = (login.user.clone(), login.typed.replace('\0', ""), login.place);
                world.overheard.push_back(heard);
            }
            if login.good.is_none() {
                // One of several connections that are opened together: one sign-in.
                let first = world.logins.values().find(|other| login.is_with(other));
                let good = first.and_then(|other| other.good);
                // Perhaps for another service, which has rules of its own, or from an exempt network,
                // from which the whole string is the password.
                let standing = world.book(&login.user).now();
                let enforced = &login.rules.enforced;
                let opens = enforced.opens(&standing, &login, By::Full);
                let opens = opens && !enforced.is_exempt(&login);
                login.good = good.filter(|_| opens);
            }
            // The same string, just past the end of its code, spoils it: the later one may be judged
            // first, and is remembered as a wrong one.
            let step = login.arrival / 30_000;
            for other in world.logins.values_mut() {
                let same = other.user == login.user && other.typed == login.typed;
                other.raced |= same && other.arrival / 30_000 != step;
            }
            world.logins.insert(id, login);
        }
    }

    /// Somebody logs in by the form of a webmail.
    fn exchange(&mut self) {
        let login = self.world().at_webmail();
        let id = self.next_id;
        self.next_id += 1;
        let (password, factor) = login.apart.clone().unwrap_or_default();
        let wanted = Exchange {
            webmail: login.webmail.into(),
            name: login.authcid.clone().into_bytes(),
            password: Secret::from_slice(password.as_bytes()),
            factor: factor.map(|text| Secret::from_slice(text.as_bytes())),
            browser: login.place.net_address(),
        };
        self.register(id, login);
        let webmail = Arc::clone(&self.webmail);
        let task = Box::pin(async move { webmail.exchange(wanted, |_| true).await });
        self.running.push(Running::Exchange(id, task));
        self.poll(self.running.len() - 1);
    }

    /// Somebody refreshes or ends a token, or follows a link.
    fn desk(&mut self) {
        let Some(desk) = self.world().at_some_desk() else { return };
        // Two follow one link at the same time.
        let both = matches!(desk.want, Want::Follow) && self.world().dice.one_in(3);
        for _ in 0..=u8::from(both) {
            self.sit_down(desk.clone());
        }
    }

    fn sit_down(&mut self, mut desk: Desk) {
        desk.began = self.world().seq;
        let id = self.next_id;
        self.next_id += 1;
        let asked = desk.clone();
        self.world().desks.insert(id, desk);
        let (webmail, owner) = (Arc::clone(&self.webmail), Arc::clone(&self.owner));
        let task = Box::pin(async move { asked.perform(&webmail, &owner).await });
        self.running.push(Running::Desk(id, task));
        self.poll(self.running.len() - 1);
    }

    /// Somebody comes by a mechanism that the mail server decides.
    fn token(&mut self) {
        let id = self.next_id;
        self.next_id += 1;
        let login = self.world().bearer();
        let request = RelayedRequest {
            mechanism: RelayedMechanism::OAuthBearer,
            service: service(login.service),
            remote: login.place.net_address(),
            via: login.place.net_address(),
        };
        let circumstances = circumstances(&request.service, request.remote, "OAUTHBEARER");
        self.world().logins.insert(id, login);
        let source = SimSource(self.world.clone());
        let authenticator = Arc::clone(&self.authenticator);
        let task = Box::pin(async move {
            authenticator.authenticate_relayed(request, &circumstances, &source).await
        });
        self.running.push(Running::Login(id, task));
        self.poll(self.running.len() - 1);
    }

    fn change(&mut self) {
        let id = self.next_id;
        self.next_id += 1;
        let request = {
            let mut world = self.world();
            let errand = Errand::roll(&mut world);
            let request = errand.request();
            world.errands.insert(id, errand);
            request
        };
        let admin = Arc::clone(&self.admin);
        let task = Box::pin(async move { admin.handle(request, "simulation").await });
        self.running.push(Running::Errand(id, task));
    }

    /// Lets one task on by one effect, or by those that it asks for side by side.
    fn poll(&mut self, which: usize) {
        let mut context = Context::from_waker(Waker::noop());
        let before = {
            let mut world = self.world();
            world.acting = Some(match &self.running[which] {
                Running::Login(id, _) | Running::Exchange(id, _) => Actor::Login(*id),
                Running::Errand(id, _) => Actor::Errand(*id),
                Running::Desk(id, _) => Actor::Desk(*id),
            });
            world.note_clock();
            world.seq
        };
        let ended = match &mut self.running[which] {
            Running::Login(id, task) => match task.as_mut().poll(&mut context) {
                std::task::Poll::Ready(outcome) => {
                    self.world.lock().unwrap().answered_login(*id, &outcome);
                    true
                }
                std::task::Poll::Pending => false,
            },
            Running::Exchange(id, task) => match task.as_mut().poll(&mut context) {
                std::task::Poll::Ready(exchanged) => {
                    self.world.lock().unwrap().exchanged(*id, exchanged);
                    true
                }
                std::task::Poll::Pending => false,
            },
            Running::Desk(id, task) => match task.as_mut().poll(&mut context) {
                std::task::Poll::Ready(done) => {
                    self.world.lock().unwrap().desk_answered(*id, done);
                    true
                }
                std::task::Poll::Pending => false,
            },
            Running::Errand(id, task) => match task.as_mut().poll(&mut context) {
                std::task::Poll::Ready(result) => {
                    self.world.lock().unwrap().answered(*id, result);
                    true
                }
                std::task::Poll::Pending => false,
            },
        };
        let mut world = self.world();
        world.acting = None;
        world.now += world.dice.below(150);
        world.latest = world.latest.max(world.now);
        let effects = world.seq - before;
        let moved = effects > 0 || ended;
        drop(world);
        if ended {
            drop(self.running.swap_remove(which));
        }
        self.idle = if moved { 0 } else { self.idle + 1 };
        if self.idle > PATIENCE {
            self.world().fail("", "nobody gets on any more");
        }
    }

    /// A connection is closed while its login is on the way.
    fn hang_up(&mut self, which: usize) {
        drop(self.running.swap_remove(which));
        self.forget_the_gone();
    }

    /// The daemon is killed and started again: what is in memory is lost.
    fn restart(&mut self) {
        {
            let mut world = self.world();
            world.tallies.add("restarts");
            world.era += 1;
            world.shown = 0;
        }
        self.running.clear();
        self.forget_the_gone();
        self.authenticator = authenticator(&self.world);
        self.admin = admin(&self.world);
        (self.webmail, self.owner) = desks(&self.world, &self.authenticator, &self.admin);
    }

    /// Whoever runs no more has no outcome; what it was doing may have been counted as a failure.
    fn forget_the_gone(&mut self) {
        let ids: Vec<u64> = self
            .running
            .iter()
            .map(|running| match running {
                Running::Login(id, _)
                | Running::Errand(id, _)
                | Running::Exchange(id, _)
                | Running::Desk(id, _) => *id,
            })
            .collect();
        let mut world = self.world();
        let gone: Vec<u64> = world.logins.keys().copied().filter(|id| !ids.contains(id)).collect();
        for id in gone {
            if let Some(login) = world.logins.remove(&id) {
                world.tallies.add("logins cut off");
                world.tell(&login.user, || format!("login {id} is cut off"));
                world.failed(&login, 1, 1);
            }
        }
        world.errands.retain(|id, _| ids.contains(id));
        world.desks.retain(|id, _| ids.contains(id));
    }

    /// Without faults everybody who is left gets an answer, and then every owner gets in.
    fn finish(&mut self) -> Result<(), Broken> {
        {
            let mut world = self.world();
            world.trouble = 0;
            world.upstream.down = false;
        }
        while !self.running.is_empty() {
            self.turn(Turn::Poll)?;
        }
        for name in ENROLLERS {
            {
                let mut world = self.world();
                world.now += 120_000;
                world.latest = world.latest.max(world.now);
            }
            let login = {
                let mut world = self.world();
                let mut dice = Dice::new(world.dice.next());
                let mut login = world.arriving(name, HOMES[0]);
                login.typed = world.full(&mut dice, name);
                login
            };
            self.start(login);
            while !self.running.is_empty() {
                self.turn(Turn::Poll)?;
            }
        }
        self.world().broken.take().map_or(Ok(()), Err)
    }

    /// What was counted, and what was written down of a mailbox.
    pub fn report(&self, about: &str) -> (Tallies, Vec<String>) {
        let mut world = self.world();
        let lines = world.trace.take().unwrap_or_default();
        let mine = lines.into_iter().filter(|(name, _)| name == about || name.is_empty());
        (world.tallies.clone(), mine.map(|(_, line)| line).collect())
    }
}

fn circumstances(service: &Service, remote: NetAddress, mechanism: &str) -> Circumstances {
    Circumstances {
        listener: "simulated".into(),
        service: service.clone(),
        remote,
        mechanism: mechanism.into(),
        session: None,
        client: None,
    }
}

fn authenticator(world: &Shared) -> Arc<Authenticator> {
    let policy = world.lock().unwrap().rules.policy();
    let store = Arc::new(SimStore(world.clone()));
    let clock = Arc::new(LoginClock(world.clone()));
    let log = Arc::new(SimLog(world.clone()));
    let process = CredentialKey::new(Secret::from_slice(b"of this process"));
    Arc::new(Authenticator::new(store, clock, log, policy).remembering(process))
}

fn admin(world: &Shared) -> Arc<Admin> {
    let (stored, masters, enforcement) = {
        let world = world.lock().unwrap();
        let rules = &world.rules;
        (world.stored, rules.masters_need_factor, rules.enforced.policy())
    };
    let hasher: Arc<dyn PasswordHasher> = Arc::new(SimHasher(world.clone()));
    Arc::new(Admin {
        store: Arc::new(SimStore(world.clone())),
        hasher: stored.then_some(hasher),
        clock: Arc::new(SimClock(world.clone())),
        key: key(),
        rng: Arc::new(SimRng(world.clone())),
        names: names(masters),
        issuer: "Simulation".into(),
        enforcement,
        panel: None,
        notifier: Arc::new(mail2fa::ports::notice::Silent),
        trail: Arc::new(Recorder::new(
            Arc::new(SimStore(world.clone())),
            Arc::new(SimTrail),
            Arc::new(SimClock(world.clone())),
            TrailPolicy::default(),
        )),
    })
}

fn desks(
    world: &Shared,
    authenticator: &Arc<Authenticator>,
    admin: &Arc<Admin>,
) -> (Arc<Webmail>, Arc<Owner>) {
    let passwords = Arc::new(SimForms(world.clone()));
    let parts = webmail::Parts { admin: Arc::clone(admin), passwords: passwords.clone() };
    let webmail = Webmail::new(Arc::clone(authenticator), parts);
    let parts = owner::Parts {
        admin: Arc::clone(admin),
        passwords,
        policy: PanelPolicy { idle_seconds: PANEL_IDLE, absolute_seconds: PANEL_ABSOLUTE },
        refusal_delay: Duration::ZERO,
    };
    (Arc::new(webmail), Arc::new(Owner::new(Arc::clone(authenticator), parts)))
}
