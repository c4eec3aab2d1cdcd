//! What throttling leaves to an attacker and to an owner, with the default numbers: seeded, with
//! a clock of its own, the same on every machine.
//!
//! The figures of docs/throttling.md are printed by
//! `cargo test --test throttle_simulation -- --nocapture --test-threads=1`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use mail2fa::{
    base::{Mailbox, NetAddress, UnixMillis},
    decision::throttle::{
        ALL_CODES, Admission, CodeAdmission, Counter, Event, Fingerprint, Key, Owner, RIGHT_CODES,
        ThrottlePolicy, View, admit, admit_code, after, settle,
    },
};

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;
const START: u64 = 1_800_000_000;
const HOME: &str = "192.0.2.7";

/// SplitMix64: small, seeded, good enough to roll codes with.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

fn at(seconds: u64) -> UnixMillis {
    UnixMillis::from_seconds(START + seconds)
}

fn mailbox(name: &str) -> Mailbox {
    Mailbox::new(name).unwrap()
}

/// An address of a botnet, in a network of its own.
fn bot(number: u64) -> String {
    format!("{}.{}.{}.1", 20 + number / 65_536 % 100, number / 256 % 256, number % 256)
}

/// Stands for a keyed hash.
fn fingerprint(mailbox: &Mailbox, secret: &str) -> Fingerprint {
    let mut hash = 0xcbf2_9ce4_8422_2325_u128;
    for byte in mailbox.as_str().bytes().chain([0]).chain(secret.bytes()) {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_01b3_0000_0000_0001_93b7);
    }
    Fingerprint(hash.to_le_bytes())
}

/// What became of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    In,
    Refused,
    Stale,
    Throttled(Duration),
}

/// The codes that are right in a step.
type Codes = dyn Fn(u64) -> Vec<String>;

/// A server with the throttling in front of it: passwords, codes, a store of bytes with versions.
struct Server {
    policy: ThrottlePolicy,
    passwords: HashMap<Mailbox, String>,
    codes: Box<Codes>,
    burned: Vec<String>,
    store: BTreeMap<String, (u64, Vec<u8>)>,
    version: u64,
    looked: u64,
}

impl Server {
    fn new() -> Self {
        Self {
            policy: ThrottlePolicy::default(),
            passwords: HashMap::new(),
            codes: Box::new(|_| vec!["right".into()]),
            burned: Vec::new(),
            store: BTreeMap::new(),
            version: 0,
            looked: 0,
        }
    }

    fn with(mut self, name: &str, password: &str) -> Self {
        self.passwords.insert(mailbox(name), password.into());
        self
    }

    /// Every look at a counter goes through its bytes: there is nothing that a restart could lose.
    fn view(&self, mailbox: &Mailbox, from: &str) -> (View, u64) {
        let owner = Owner { mailbox: mailbox.clone(), since: at(0) };
        let keys = self.policy.keys_for(Some(&owner), NetAddress::parse(from));
        let stored = |key: &Key| self.store.get(&key.to_string());
        let version = stored(&Key::Mailbox(owner)).map_or(0, |(version, _)| *version);
        let view = keys.into_iter().map(|key| {
            let counter = stored(&key).map(|(_, bytes)| Counter::decode(bytes).unwrap());
            (key, counter)
        });
        (View::new(view), version)
    }

    fn write(&mut self, counters: Vec<(Key, Counter)>) {
        for (key, counter) in counters {
            self.version += 1;
            self.store.insert(key.to_string(), (self.version, counter.encode()));
        }
    }

    fn tell(&mut self, mailbox: &Mailbox, from: &str, event: Event, now: u64) {
        let counters = after(&self.policy, &self.view(mailbox, from).0, event, at(now));
        self.write(counters);
    }

    fn login(&mut self, name: &str, from: &str, password: &str, code: &str, now: u64) -> Reply {
        let mailbox = mailbox(name);
        if let Some(refused) = self.knock(&mailbox, from, password, now) {
            return refused;
        }
        let whole = fingerprint(&mailbox, &format!("{password}\0{code}"));
        let view = self.view(&mailbox, from).0;
        match admit_code(&self.policy, &view, whole, at(now)) {
            CodeAdmission::Look => {}
            CodeAdmission::Stale => {
                self.tell(&mailbox, from, Event::StaleCode(whole), now);
                return Reply::Stale;
            }
            CodeAdmission::Throttled { retry_after, .. } => return Reply::Throttled(retry_after),
        }
        let (event, reply) = self.judge(code, whole, now);
        self.tell(&mailbox, from, event, now);
        reply
    }

    /// The part before the code: `None` when the password is right.
    fn knock(&mut self, mailbox: &Mailbox, from: &str, password: &str, now: u64) -> Option<Reply> {
        let moved = settle(&self.policy, &self.view(mailbox, from).0, at(now));
        self.write(moved);
        match admit(&self.policy, &self.view(mailbox, from).0, at(now)) {
            Admission::Go => {}
            Admission::Throttled { retry_after, .. } => return Some(Reply::Throttled(retry_after)),
        }
        if self.passwords.get(mailbox).is_some_and(|right| right == password) {
            return None;
        }
        let part = fingerprint(mailbox, password);
        self.tell(mailbox, from, Event::WrongPassword(part), now);
        Some(Reply::Refused)
    }

    fn judge(&mut self, code: &str, whole: Fingerprint, now: u64) -> (Event, Reply) {
        self.looked += 1;
        if self.burned.iter().any(|burned| burned == code) {
            return (Event::UsedCode(whole), Reply::Refused);
        }
        if (self.codes)(at(now).step()).iter().any(|right| right == code) {
            return (Event::Success { spent: Some(whole) }, Reply::In);
        }
        (Event::WrongCode(whole), Reply::Refused)
    }
}

/// Somebody with the right password tries new codes as fast as it is let, for so many seconds,
/// each from a new address or, alternating, from a place that is known. Returns the moments at
/// which a code was looked at.
fn guess(
    server: &mut Server,
    dice: &mut Dice,
    places: &[String],
    until: u64,
    codes: u64,
) -> Vec<u64> {
    let (mut looks, mut now, mut number) = (Vec::new(), 0, 0);
    while now < until {
        let mut soonest = u64::MAX;
        let stranger = bot(number);
        for place in places.iter().chain([&stranger]) {
            number += 1;
            // Never the same one again while it is remembered: that would be stale, and no guess.
            let code = format!("{:06}.{number}", dice.roll(codes));
            match server.login("alice", place, "known", &code, now) {
                Reply::Refused => {
                    looks.push(now);
                    soonest = now;
                }
                Reply::In | Reply::Stale => panic!("no code is right here, and none comes twice"),
                Reply::Throttled(wait) => {
                    let seconds = wait.as_millis().div_ceil(1_000);
                    soonest = soonest.min(now + u64::try_from(seconds).unwrap());
                }
            }
        }
        now = soonest;
    }
    looks
}

fn known_places(server: &mut Server, count: u64) -> Vec<String> {
    let places: Vec<String> = (0..count).map(|n| format!("192.0.2.{}", n + 7)).collect();
    for place in &places {
        server.tell(&mailbox("alice"), place, Event::Success { spent: None }, 0);
    }
    places
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn chance(guesses: u64) -> f64 {
    (guesses * RIGHT_CODES) as f64 / ALL_CODES as f64
}

/// The most guesses that one attacker gets, against what the policy promises.
#[test]
fn guesses_with_the_password_stay_within_the_exact_bound() {
    println!("guesses at a code with the right password and a new address each time:");
    for (name, known) in [("from unknown places", 0), ("also from 3 known places", 3)] {
        for (span, seconds) in [("day", DAY), ("month", 30 * DAY)] {
            let mut server = Server::new().with("alice", "known");
            server.codes = Box::new(|_| Vec::new());
            let places = known_places(&mut server, known);
            let looks = guess(&mut server, &mut Dice(1), &places, seconds, ALL_CODES);
            let got = u64::try_from(looks.len()).unwrap();
            assert_eq!(got, server.looked);
            let settings = server.policy.settings();
            let bound = if known == 0 {
                settings.mailbox.code.most_within(seconds)
            } else {
                server.policy.code_guesses_within(seconds)
            };
            assert!(got <= bound, "{got} of {bound}");
            assert!(got + 4 >= bound, "the bound {bound} is not close: {got}");
            // No span of that length inside, wherever it begins, holds more.
            for (first, start) in looks.iter().enumerate() {
                let inside = looks[first..].iter().take_while(|t| **t < start + DAY).count();
                assert!(inside as u64 <= server.policy.code_guesses_within(DAY));
            }
            println!(
                "  {name}, first {span}: {got} (bound {bound}), chance {:.6} = 1 in {:.0}",
                chance(got),
                1.0 / chance(got)
            );
            if span == "day" {
                assert!(chance(bound) < 0.001);
            }
        }
    }
    let policy = ThrottlePolicy::default();
    let year = policy.code_guesses_within(365 * DAY);
    println!(
        "  a whole year without anybody acting on the alert: bound {year}, {:.4}",
        chance(year)
    );
}

/// Three codes of their own for each step, like a TOTP with a window of one step.
fn right_codes(day: u64, step: u64, all: u64) -> [u64; 3] {
    [step - 1, step, step + 1].map(|step| Dice(step ^ (day << 32)).roll(all))
}

/// Rolls real codes for many days, each begun with empty counters, which is the worst. The moments
/// at which a code is looked at are those of one day through the whole machine: they are the same
/// every day until a guess hits.
#[test]
fn days_of_guessing_come_out_as_computed() {
    println!("days of guessing with the right password, from new and 3 known addresses:");
    let mut server = Server::new().with("alice", "known");
    server.codes = Box::new(|_| Vec::new());
    let places = known_places(&mut server, 3);
    let looks = guess(&mut server, &mut Dice(1), &places, DAY, ALL_CODES);
    let mut dice = Dice(2);
    for (all, days) in [(ALL_CODES, 100_000_u32), (10_000, 4_000)] {
        let hit = |day: &u32| {
            looks.iter().any(|now| {
                let guess = dice.roll(all);
                right_codes(u64::from(*day), at(*now).step(), all).contains(&guess)
            })
        };
        let hits = (0..days).filter(hit).count();
        let tries = i32::try_from(looks.len()).unwrap();
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let (one, hits) = (3.0 / all as f64, hits as f64);
        let expected = f64::from(days) * (1.0 - (1.0 - one).powi(tries));
        println!("  {all} codes: {hits} of {days} days (computed: {expected:.1})");
        assert!((hits - expected).abs() <= 3.0 * expected.sqrt() + 1.0);
    }
}

/// A login on its way: from where, its code, and the view it has loaded.
type Running = (String, String, Option<(View, u64)>);

/// A thousand guesses at once: each passes the first question before any is counted. The outcome of
/// each is written only if the mailbox's counter still is what the view had.
#[test]
fn guesses_at_once_are_worth_no_more_than_one_after_the_other() {
    let mut server = Server::new().with("alice", "known");
    server.codes = Box::new(|_| Vec::new());
    let alice = mailbox("alice");
    let mut running: Vec<Running> = (0..1_000).map(|n| (bot(n), format!("{n:06}"), None)).collect();
    for (from, _, _) in &running {
        assert_eq!(server.knock(&alice, from, "known", 0), None);
    }
    let (mut dice, mut counted, mut again) = (Dice(3), 0, 0);
    while !running.is_empty() {
        let index = usize::try_from(dice.roll(running.len() as u64)).unwrap();
        let (from, code, loaded) = &mut running[index];
        let whole = fingerprint(&alice, code);
        let Some((view, version)) = loaded.take() else {
            *loaded = Some(server.view(&alice, from));
            continue;
        };
        match admit_code(&server.policy, &view, whole, at(0)) {
            CodeAdmission::Look if server.view(&alice, from).1 != version => again += 1,
            CodeAdmission::Look => {
                let counters = after(&server.policy, &view, Event::WrongCode(whole), at(0));
                server.write(counters);
                counted += 1;
                running.swap_remove(index);
            }
            CodeAdmission::Stale | CodeAdmission::Throttled { .. } => {
                running.swap_remove(index);
            }
        }
    }
    println!("1000 guesses at once: {counted} took effect, {again} went round again");
    assert_eq!(counted, 6);
}

/// An attacker without the password, ten thousand addresses, for three days; the owner keeps
/// signing in at home. Restarts in between: the store is bytes all the time.
#[test]
fn without_the_password_nobody_keeps_the_owner_out_of_a_known_place() {
    let mut server = Server::new().with("alice", "right").with("carol", "hers");
    let mut dice = Dice(4);
    assert_eq!(server.login("alice", HOME, "right", "right", 0), Reply::In);
    server.codes = Box::new(|step| vec![format!("{step}")]);
    let (mut looked_at, mut tries, mut inside, mut abroad) = (0, 0, 0, 0);
    for now in (MINUTE..3 * DAY).step_by(20) {
        for _ in 0..2 {
            let from = bot(dice.roll(10_000));
            let password = format!("guess{}", dice.roll(1 << 40));
            tries += 1;
            looked_at +=
                u64::from(server.login("alice", &from, &password, "000000", now) == Reply::Refused);
        }
        if now % HOUR < 20 {
            // A neighbour behind the owner's address attacks others from it.
            for n in 0..20 {
                let _ = server.login(&format!("user{n}"), HOME, &format!("x{now}"), "000000", now);
            }
            let code = format!("{}", at(now).step());
            assert_eq!(server.login("alice", HOME, "right", &code, now), Reply::In, "at {now}");
            inside += 1;
            let hotel = format!("2001:db8:{:x}::1", now / HOUR);
            let view = server.view(&mailbox("alice"), &hotel).0;
            abroad += u64::from(admit(&server.policy, &view, at(now)) == Admission::Go);
        }
    }
    println!(
        "without the password, 10000 addresses, 3 days: {looked_at} of {tries} guesses were looked \
         at; the owner came in {inside} of {inside} times at a known place, a new place was open \
         at {abroad} of {inside} looks"
    );
    let password = server.policy.settings().mailbox.password;
    assert!(looked_at <= password.most_within(3 * DAY));
}

/// An attacker who has the password and all addresses but the owner's: the owner is let in at the
/// known place all the same.
#[test]
fn with_the_password_but_elsewhere_the_known_place_stays_open() {
    let mut server = Server::new().with("alice", "known");
    assert_eq!(server.login("alice", HOME, "known", "right", 0), Reply::In);
    server.codes = Box::new(|step| vec![format!("{step}")]);
    let mut inside = 0;
    for (n, now) in (1..7 * DAY).step_by(61).enumerate() {
        let _ = server.login("alice", &bot(n as u64), "known", &format!("{n:06}"), now);
        if n % 60 == 0 {
            let code = format!("{}", at(now).step());
            assert_eq!(server.login("alice", HOME, "known", &code, now), Reply::In);
            inside += 1;
        }
    }
    println!(
        "with the password from elsewhere, 7 days: the owner came in {inside} of {inside} times"
    );
}

/// Two hundred people behind one address. One program repeats a password of last year, one a code of
/// yesterday, one the bare password; on Monday a quarter of the people mistype. Half of them have
/// never been here before.
#[test]
fn an_office_behind_one_address_is_not_locked_out() {
    let people: Vec<String> = (0..200).map(|n| format!("user{n}")).collect();
    let mut server = Server::new();
    for name in &people {
        server = server.with(name, "pw");
    }
    server.codes = Box::new(|step| vec![format!("{step}")]);
    let office = "198.51.100.1";
    let code = |now: u64| format!("{}", at(now).step());
    for name in &people[..100] {
        assert_eq!(server.login(name, office, "pw", &code(0), 0), Reply::In);
    }
    let (mut retries, mut first) = (0, 0);
    for now in (DAY..3 * DAY).step_by(5) {
        // In bursts of 21 in 55 s, once in ten minutes, for two days.
        if now % (10 * MINUTE) < 55 {
            for _ in 0..2 {
                retries += 4;
                assert_ne!(server.login("user0", office, "old", "111111", now), Reply::In);
                assert_ne!(server.login("user1", office, "pw", "222222", now), Reply::In);
                assert_ne!(server.login("user150", office, "old", "111111", now), Reply::In);
                server.tell(&mailbox("user2"), office, Event::MissingCode, now);
            }
        }
        // From 24 h on, somebody sits down every minute.
        let since = now - DAY;
        if since.is_multiple_of(MINUTE) && since / MINUTE < 200 {
            let name = &people[usize::try_from(since / MINUTE).unwrap()];
            if (since / MINUTE).is_multiple_of(4) {
                let typo = format!("pv{now}");
                assert_eq!(server.login(name, office, &typo, &code(now), now), Reply::Refused);
            }
            assert_eq!(server.login(name, office, "pw", &code(now), now), Reply::In, "{name}");
            first += 1;
        }
    }
    println!("an office of 200 behind one address: {retries} stubborn retries, {first} of 200 in");
    // The three with the stubborn programs come in as well, there and then.
    for name in ["user0", "user1", "user2", "user150"] {
        assert_eq!(server.login(name, office, "pw", &code(3 * DAY), 3 * DAY), Reply::In);
    }
}

/// A restart is nothing: the same story with and without the store written out and read again.
#[test]
fn counters_survive_a_restart() {
    let mut server = Server::new().with("alice", "known");
    server.codes = Box::new(|_| Vec::new());
    let mut dice = Dice(5);
    let looks = guess(&mut server, &mut dice, &[], HOUR, ALL_CODES);
    let before = server.login("alice", &bot(9_999), "known", "x", HOUR - 1);
    assert!(matches!(before, Reply::Throttled(_)));
    let mut restarted = Server::new().with("alice", "known");
    restarted.store = server.store.iter().map(|(k, (v, b))| (k.clone(), (*v, b.clone()))).collect();
    assert_eq!(restarted.login("alice", &bot(9_999), "known", "x", HOUR - 1), before);
    println!("a restart after {} guesses: still throttled", looks.len());
}

/// What is stored ends: nothing outlives its use by policy, and a purge leaves decisions alone.
#[test]
fn what_has_expired_makes_no_difference() {
    let mut server = Server::new().with("alice", "right");
    server.codes = Box::new(|step| vec![format!("{step}")]);
    let mut dice = Dice(6);
    for n in 0..5_000 {
        let now = n * 20;
        let from = bot(dice.roll(300));
        let _ = server.login("alice", &from, &format!("guess{}", dice.roll(1 << 40)), "0", now);
    }
    let rows = server.store.len();
    let bytes: usize = server.store.values().map(|(_, bytes)| bytes.len()).sum();
    for hours in 0..30 {
        let now = at(100_000 + hours * HOUR);
        let mut purged = Server::new();
        purged.store = server
            .store
            .iter()
            .filter(|(_, (_, b))| Counter::decode(b).unwrap().expires(&server.policy) > now)
            .map(|(key, row)| (key.clone(), row.clone()))
            .collect();
        for from in (0..300).map(bot) {
            let view = |server: &Server| server.view(&mailbox("alice"), &from).0;
            let left = admit(&server.policy, &view(&purged), now);
            assert_eq!(admit(&server.policy, &view(&server), now), left);
        }
        if hours == 29 {
            println!(
                "5000 attempts in 28 h: {rows} rows, {bytes} bytes; 29 h on {} rows",
                purged.store.len()
            );
        }
    }
}
