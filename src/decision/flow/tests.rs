//! The machine against a small model of the world: a table of cases, and random interleavings
//! with faults at every effect.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    base::{NetAddress, Service},
    decision::{
        digest::CredentialKey,
        enforcement::EnforcementPolicy,
        mechanisms::Mechanisms,
        names::{MasterPolicy, NameRules},
        outcome::Method,
        record::{TotpFactor, Version},
        recovery::RecoveryCode,
        session::SessionPolicy,
        throttle::{self, Counter, ThrottlePolicy},
        totp,
    },
};

mod enforced;
mod form;
mod relayed;
mod signins;
mod throttled;
mod webmail;

const NOW: u64 = 1_111_111_111;

/// Records, passwords and the name an upstream returns for a mailbox.
struct World {
    records: BTreeMap<String, Versioned<MailboxRecord>>,
    passwords: BTreeMap<String, String>,
    returned: BTreeMap<String, String>,
    /// Master users that the upstream names by itself.
    masters: BTreeMap<String, String>,
    /// What the upstream says to a relayed exchange.
    token: PasswordAnswer,
    counters: BTreeMap<Key, Counter>,
    clock: u64,
    /// Seconds.
    now: u64,
}

impl World {
    fn sample() -> Self {
        let mut world = Self {
            records: BTreeMap::new(),
            passwords: BTreeMap::new(),
            returned: BTreeMap::new(),
            masters: BTreeMap::new(),
            token: PasswordAnswer::Wrong,
            counters: BTreeMap::new(),
            clock: 0,
            now: NOW,
        };
        for (name, password, enrolled) in [
            ("alice@example.org", "T9D3K!px", true),
            ("bob@example.org", "hunter123456", false),
            ("admin@example.org", "root", false),
            ("chief@example.org", "boss", true),
        ] {
            world.passwords.insert(name.into(), password.into());
            if enrolled {
                world.enrol(name);
            }
        }
        world
    }

    fn secret(name: &str) -> Secret {
        let mut bytes = [0_u8; 20];
        for (slot, byte) in bytes.iter_mut().zip(name.bytes()) {
            *slot = byte;
        }
        Secret::from_slice(&bytes)
    }

    fn enrol(&mut self, name: &str) {
        let now = UnixMillis::from_seconds(NOW);
        let totp = TotpFactor { secret: Self::secret(name), last_step: 0, enabled: now };
        let record = MailboxRecord { totp: Some(totp), ..MailboxRecord::new(now) };
        self.write(name, record);
    }

    fn write(&mut self, name: &str, value: MailboxRecord) {
        self.clock += 1;
        self.records.insert(name.into(), Versioned { value, version: Version(self.clock) });
    }

    fn last_step(&self, name: &str) -> u64 {
        self.records[name].value.totp.as_ref().unwrap().last_step
    }

    fn perform(&mut self, effect: Effect) -> Input {
        match effect {
            Effect::Load(mailbox) => Input::Loaded(Ok(self.records.get(mailbox.as_str()).cloned())),
            Effect::CheckPassword(question) => {
                assert!(!question.password.is_empty());
                let name = question.mailbox.as_str();
                let right = self
                    .passwords
                    .get(name)
                    .is_some_and(|p| p.as_bytes() == question.password.expose());
                let user = self.returned.get(name).map_or(name, String::as_str);
                Input::Password(if right {
                    let auth_user = self.masters.get(name).map(|name| name.as_str().into());
                    PasswordAnswer::Right { user: Some(user.into()), auth_user }
                } else {
                    PasswordAnswer::Wrong
                })
            }
            Effect::Relay { .. } => Input::Relayed(self.token.clone()),
            Effect::Establish(mailbox) => {
                let user = Some(mailbox.as_str().as_bytes().to_vec());
                Input::Established(PasswordAnswer::Right { user, auth_user: None })
            }
            Effect::Relook(mailbox, version) => match self.records.get(mailbox.as_str()) {
                Some(record) if record.version == version => Input::Same,
                record => Input::Loaded(Ok(record.cloned())),
            },
            Effect::Burn(write, count) => {
                let answer = self.compare_and_swap(write);
                if let (BurnAnswer::Burned, Some(count)) = (&answer, count) {
                    self.count(count);
                }
                Input::Burned(answer)
            }
            Effect::Touch(write) => Input::Touched(self.compare_and_swap(write)),
            Effect::Counters(keys) | Effect::CodeCounters(_, keys) => {
                let of = |key: Key| (key.clone(), self.counters.get(&key).cloned());
                Input::Counters(Ok(View::new(keys.into_iter().map(of))))
            }
            Effect::Count(count) => {
                self.count(count);
                Input::Counted(Ok(()))
            }
        }
    }

    fn count(&mut self, count: Count) {
        let of = |key: Key| (key.clone(), self.counters.get(&key).cloned());
        let view = View::new(count.keys.into_iter().map(of));
        let now = UnixMillis::from_seconds(self.now);
        self.counters.extend(throttle::after(&ThrottlePolicy::default(), &view, count.event, now));
    }

    fn compare_and_swap(&mut self, write: Write) -> BurnAnswer {
        let there = self.records.get(write.mailbox.as_str()).map(|r| r.version);
        if there != Some(write.expect) {
            return BurnAnswer::Conflict;
        }
        self.write(write.mailbox.as_str(), *write.record);
        BurnAnswer::Burned
    }

    fn login(&mut self, policy: &Arc<Policy>, request: Request) -> Outcome {
        let mut next = Flow::start(request, Arc::clone(policy), UnixMillis::from_seconds(NOW));
        loop {
            match next {
                Next::Finish(outcome) => return outcome,
                Next::Perform(flow, effect) => next = flow.step(self.perform(effect)),
            }
        }
    }
}

fn policy(passwords: Passwords) -> Arc<Policy> {
    let names = NameRules { master_separator: Some('*'), ..NameRules::default() };
    Arc::new(Policy {
        names,
        passwords,
        // Sign-ins do not outlive themselves, so that each test sees the code alone.
        sessions: SessionPolicy {
            absolute_seconds: 0,
            parallel_seconds: 0,
            ..SessionPolicy::default()
        },
        key: key(),
        throttle: None,
        enforcement: EnforcementPolicy::default(),
        mechanisms: Mechanisms::default(),
        webmail: crate::decision::webmail::WebmailRules::new(),
    })
}

fn key() -> CredentialKey {
    CredentialKey::new(Secret::from_slice(b"key"))
}

fn request(user: &str, credential: &str) -> Request {
    Request {
        authzid: Vec::new(),
        authcid: user.into(),
        credential: Credential::Joined(Secret::from_slice(credential.as_bytes())),
        service: Service::Imap,
        remote: NetAddress::parse("192.0.2.1"),
        via: NetAddress::parse("192.0.2.1"),
    }
}

/// The code of a mailbox `offset` steps from now.
fn code(name: &str, offset: i64) -> String {
    let step = UnixMillis::from_seconds(NOW).step().checked_add_signed(offset).unwrap();
    totp::code_at(&World::secret(name), step)
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted(accepted) => accepted.method().as_str(),
        Outcome::Refused(refusal) => refusal.as_str(),
        Outcome::Unavailable(_) => "unavailable",
    }
}

#[test]
fn who_gets_in() {
    let good = code("alice@example.org", 0);
    let chief = code("chief@example.org", 0);
    let stale = code("alice@example.org", -2);
    let wrong = if good == "123456" { "123457" } else { "123456" };
    let table: Vec<(&str, String, &str)> = vec![
        ("alice@example.org", format!("T9D3K!px{good}"), "password+code"),
        ("ALICE@Example.org", format!("T9D3K!px{good}"), "password+code"),
        ("alice@example.org", format!("T9D3K!px{} {}", &good[..3], &good[3..]), "password+code"),
        ("alice@example.org", "T9D3K!px".into(), "missing_code"),
        ("alice@example.org", format!("T9D3K!px{wrong}"), "wrong_code"),
        ("alice@example.org", format!("T9D3K!px{stale}"), "wrong_code"),
        ("alice@example.org", format!("guess{good}"), "wrong_password"),
        ("alice@example.org", format!("{good}{good}"), "wrong_password"),
        ("alice@example.org", good.clone(), "empty_password"),
        ("alice@example.org", format!("  {good}"), "empty_password"),
        ("alice@example.org", "x".repeat(1025), "too_long"),
        ("alice@example.org", String::new(), "empty_password"),
        ("bob@example.org", "hunter123456".into(), "password"),
        ("bob@example.org", "hunter".into(), "wrong_password"),
        ("nobody@example.org", "x".into(), "wrong_password"),
        ("bo\tb@example.org", "x".into(), "bad_name"),
        ("bob@example.org*admin@example.org", "root".into(), "password"),
        ("alice@example.org*admin@example.org", "root".into(), "master_without_factor"),
        ("alice@example.org*chief@example.org", format!("boss{chief}"), "password+code"),
        ("alice@example.org*chief@example.org", "boss".into(), "missing_code"),
    ];
    for (user, credential, expected) in table {
        let mut world = World::sample();
        for (master, target) in [
            ("admin@example.org", "bob@example.org"),
            ("admin@example.org", "alice@example.org"),
            ("chief@example.org", "alice@example.org"),
        ] {
            if user.ends_with(&format!("*{master}")) && user.starts_with(target) {
                world.returned.insert(master.into(), target.into());
            }
        }
        let outcome = world.login(&policy(Passwords::Upstream), request(user, &credential));
        assert_eq!(word(&outcome), expected, "{user} {credential}");
    }
}

#[test]
fn master_policy_allow_judges_the_master_only() {
    let mut allow = Policy::clone(&policy(Passwords::Upstream));
    allow.names.master_without_factor = MasterPolicy::Allow;
    let allow = Arc::new(allow);
    let mut world = World::sample();
    world.returned.insert("admin@example.org".into(), "alice@example.org".into());
    let outcome = world.login(&allow, request("alice@example.org*admin@example.org", "root"));
    assert_eq!(word(&outcome), "password");
}

#[test]
fn a_name_that_leads_to_a_protected_mailbox_is_refused() {
    for (returned, expected) in [
        ("alice@example.org", "other_mailbox_protected"),
        ("Alice@example.org", "other_mailbox_protected"),
        ("carol@example.org", "password"),
        ("b\nad", "bad_name"),
    ] {
        let mut world = World::sample();
        world.returned.insert("bob@example.org".into(), returned.into());
        let outcome =
            world.login(&policy(Passwords::Upstream), request("bob@example.org", "hunter123456"));
        assert_eq!(word(&outcome), expected, "{returned}");
    }
    // Nor does the factor of one mailbox open another that has its own.
    let mut world = World::sample();
    world.returned.insert("alice@example.org".into(), "chief@example.org".into());
    let credential = format!("T9D3K!px{}", code("alice@example.org", 0));
    let outcome =
        world.login(&policy(Passwords::Upstream), request("alice@example.org", &credential));
    assert_eq!(word(&outcome), "other_mailbox_protected");
    assert_eq!(world.last_step("alice@example.org"), 0, "nothing is burned by a refusal");
}

#[test]
fn a_code_opens_once_and_so_do_the_ones_before_it() {
    let policy = policy(Passwords::Upstream);
    let mut world = World::sample();
    let typed = |offset| format!("T9D3K!px{}", code("alice@example.org", offset));
    let (before, present, after) = (typed(-1), typed(0), typed(1));
    for (credential, expected) in [
        (&present, "password+code"),
        (&present, "used_code"),
        (&before, "used_code"),
        (&after, "password+code"),
        (&present, "used_code"),
    ] {
        let outcome = world.login(&policy, request("alice@example.org", credential));
        assert_eq!(word(&outcome), expected);
    }
}

#[test]
fn a_typo_in_the_password_costs_no_code() {
    let mut world = World::sample();
    let good = code("alice@example.org", 0);
    let policy = policy(Passwords::Upstream);
    let _ = world.login(&policy, request("alice@example.org", &format!("typo{good}")));
    assert_eq!(world.last_step("alice@example.org"), 0);
    let outcome = world.login(&policy, request("alice@example.org", &format!("T9D3K!px{good}")));
    assert_eq!(word(&outcome), "password+code");
}

#[test]
fn stored_passwords_tell_the_mail_server_before_they_burn() {
    let credential = format!("T9D3K!px{}", code("alice@example.org", 0));
    for (answer, expected, burned) in [
        (PasswordAnswer::Right { user: None, auth_user: None }, "password+code", true),
        (
            PasswordAnswer::Right { user: Some(b"alice@example.org".to_vec()), auth_user: None },
            "password+code",
            true,
        ),
        (
            PasswordAnswer::Right { user: Some(b"bob@example.org".to_vec()), auth_user: None },
            "unavailable",
            false,
        ),
        (PasswordAnswer::Wrong, "unavailable", false),
        (PasswordAnswer::Unavailable("gone".into()), "unavailable", false),
    ] {
        let mut world = World::sample();
        let mut next = Flow::start(
            request("alice@example.org", &credential),
            policy(Passwords::Stored),
            UnixMillis::from_seconds(NOW),
        );
        let outcome = loop {
            next = match next {
                Next::Finish(outcome) => break outcome,
                Next::Perform(flow, Effect::Establish(mailbox)) => {
                    assert_eq!(mailbox.as_str(), "alice@example.org");
                    flow.step(Input::Established(answer.clone()))
                }
                Next::Perform(flow, effect) => flow.step(world.perform(effect)),
            };
        };
        assert_eq!(word(&outcome), expected);
        assert_eq!(world.last_step("alice@example.org") != 0, burned);
    }
}

#[test]
fn stored_passwords_have_no_master_users() {
    let mut world = World::sample();
    let outcome = world
        .login(&policy(Passwords::Stored), request("bob@example.org*admin@example.org", "root"));
    assert_eq!(word(&outcome), "bad_name");
}

#[test]
fn a_master_user_whom_only_the_upstream_knows_is_judged() {
    // The upstream has a separator that is not configured here.
    let mut policy = Policy::clone(&policy(Passwords::Upstream));
    policy.names.master_separator = None;
    let policy = Arc::new(policy);
    for (master, password, expected) in [
        ("admin@example.org", "root", "password"),
        ("chief@example.org", "boss", "other_mailbox_protected"),
        ("not a name", "root", "bad_name"),
    ] {
        let mut world = World::sample();
        let typed = "bob@example.org+master";
        world.passwords.insert(typed.into(), password.into());
        world.returned.insert(typed.into(), "bob@example.org".into());
        world.masters.insert(typed.into(), master.into());
        let outcome = world.login(&policy, request(typed, password));
        assert_eq!(word(&outcome), expected, "{master}");
    }
}

#[test]
fn an_upstream_that_names_no_mailbox_lets_nobody_in() {
    let mut world = World::sample();
    let arrived = UnixMillis::from_seconds(NOW);
    let policy = policy(Passwords::Upstream);
    let mut next = Flow::start(request("bob@example.org", "hunter123456"), policy, arrived);
    let outcome = loop {
        next = match next {
            Next::Finish(outcome) => break outcome,
            Next::Perform(flow, Effect::CheckPassword(_)) => {
                let nameless = PasswordAnswer::Right { user: None, auth_user: None };
                flow.step(Input::Password(nameless))
            }
            Next::Perform(flow, effect) => flow.step(world.perform(effect)),
        };
    };
    assert_eq!(word(&outcome), "unavailable");
}

#[test]
fn what_becomes_of_a_mailbox_during_its_login_counts() {
    type Change = fn(&mut World);
    let table: [(Passwords, Change, &str); 5] = [
        (Passwords::Stored, |_| {}, "password"),
        (Passwords::Stored, |world| drop(world.records.remove(BOB)), "wrong_password"),
        (Passwords::Stored, |world| world.write(BOB, with_hash("another")), "wrong_password"),
        (Passwords::Stored, |world| world.enrol(BOB), "missing_code"),
        (Passwords::Upstream, |world| world.enrol(BOB), "missing_code"),
    ];
    for (number, (passwords, change, expected)) in table.into_iter().enumerate() {
        for told in [false, true] {
            let mut world = World::sample();
            world.write(BOB, with_hash("one"));
            let arrived = UnixMillis::from_seconds(NOW);
            let mut next = Flow::start(request(BOB, "hunter123456"), policy(passwords), arrived);
            let outcome = loop {
                next = match next {
                    Next::Finish(outcome) => break outcome,
                    Next::Perform(flow, effect) => {
                        let now = match effect {
                            Effect::CheckPassword(_) => !told || passwords == Passwords::Upstream,
                            Effect::Establish(_) => told,
                            _ => false,
                        };
                        let input = world.perform(effect);
                        if now {
                            change(&mut world);
                        }
                        flow.step(input)
                    }
                };
            };
            assert_eq!(word(&outcome), expected, "{number} {told}");
        }
    }
}

const BOB: &str = "bob@example.org";

fn with_hash(password: &str) -> MailboxRecord {
    MailboxRecord {
        password_hash: Some(SecretText::new(format!("{{PLAIN}}{password}"))),
        ..MailboxRecord::new(UnixMillis::from_seconds(NOW))
    }
}

#[test]
fn the_result_of_another_effect_is_never_an_acceptance() {
    let start = || {
        Flow::start(
            request("bob@example.org", "hunter123456"),
            policy(Passwords::Upstream),
            UnixMillis::from_seconds(NOW),
        )
    };
    for input in [
        Input::Password(PasswordAnswer::Right { user: None, auth_user: None }),
        Input::Established(PasswordAnswer::Right { user: None, auth_user: None }),
        Input::Burned(BurnAnswer::Burned),
        // Nothing was seen yet that could be the same.
        Input::Same,
    ] {
        let Next::Perform(flow, Effect::Load(_)) = start() else { panic!("a load comes first") };
        let Next::Finish(outcome) = flow.step(input) else { panic!("must end") };
        assert_eq!(word(&outcome), "unavailable");
    }
}

/// What a fault does to the result of an effect.
fn faulty(input: &Input) -> Input {
    match input {
        Input::Loaded(_) | Input::Same => Input::Loaded(Err("fault".into())),
        Input::Password(_) => Input::Password(PasswordAnswer::Unavailable("fault".into())),
        Input::Relayed(_) => Input::Relayed(PasswordAnswer::Unavailable("fault".into())),
        Input::Established(_) => Input::Established(PasswordAnswer::Unavailable("fault".into())),
        Input::Burned(_) => Input::Burned(BurnAnswer::Unavailable("fault".into())),
        Input::Touched(_) => Input::Touched(BurnAnswer::Unavailable("fault".into())),
        Input::Counters(_) => Input::Counters(Err("fault".into())),
        Input::Counted(_) => Input::Counted(Err("fault".into())),
    }
}

proptest! {
    /// Any number of logins with one code, run in any order effect by effect, with or without
    /// faults before or after the write: at most one is accepted, and exactly one without faults.
    #[test]
    fn one_code_opens_once_in_every_interleaving(
        stored in any::<bool>(),
        logins in 2_usize..6,
        schedule in proptest::collection::vec((any::<usize>(), 0_u8..20), 0..80),
        faults in any::<bool>(),
    ) {
        let policy = policy(if stored { Passwords::Stored } else { Passwords::Upstream });
        let mut world = World::sample();
        let credential = format!("T9D3K!px{}", code("alice@example.org", 0));
        let mut running: Vec<Next> = (0..logins)
            .map(|_| {
                let request = request("alice@example.org", &credential);
                Flow::start(request, Arc::clone(&policy), UnixMillis::from_seconds(NOW))
            })
            .collect();
        let mut outcomes = Vec::new();
        let mut schedule = schedule.into_iter();
        while !running.is_empty() {
            let (which, fault) = schedule.next().unwrap_or((0, 9));
            match running.swap_remove(which % running.len()) {
                Next::Finish(outcome) => outcomes.push(outcome),
                Next::Perform(flow, effect) => {
                    let input = match (faults, fault) {
                        // Before the effect: the write never happens.
                        (true, 0) => faulty(&nothing_done(&effect)),
                        // After it: the write happened, its answer is lost.
                        (true, 1) => faulty(&world.perform(effect)),
                        _ => world.perform(effect),
                    };
                    running.push(flow.step(input));
                }
            }
        }
        prop_assert_eq!(outcomes.len(), logins);
        let accepted = outcomes
            .iter()
            .filter(|o| matches!(o, Outcome::Accepted(a) if a.method() == Method::PasswordAndCode))
            .count();
        prop_assert!(accepted <= 1);
        prop_assert!(!outcomes.iter().any(|o| word(o) == "password"));
        if !faults {
            prop_assert_eq!(accepted, 1);
        }
    }
}

/// The kind of answer an effect has, for a fault that strikes before it is performed.
fn nothing_done(effect: &Effect) -> Input {
    match effect {
        Effect::Load(_) => Input::Loaded(Ok(None)),
        Effect::Relook(..) => Input::Same,
        Effect::CheckPassword(_) => Input::Password(PasswordAnswer::Wrong),
        Effect::Relay { .. } => Input::Relayed(PasswordAnswer::Wrong),
        Effect::Establish(_) => Input::Established(PasswordAnswer::Wrong),
        Effect::Burn(..) => Input::Burned(BurnAnswer::Conflict),
        Effect::Touch(_) => Input::Touched(BurnAnswer::Conflict),
        Effect::Counters(_) | Effect::CodeCounters(..) => Input::Counters(Ok(View::default())),
        Effect::Count(..) => Input::Counted(Ok(())),
    }
}
