//! What is kept, for how long, and what makes it be forgotten.

use std::sync::Arc;

use futures_util::FutureExt;

use super::*;
use crate::{
    base::{NetAddress, Secret, Service, clock::ClockError},
    decision::{names::SaslNames, question::Recall, record::Version},
};

const SECONDS: u64 = 60;

/// A clock that shows what it is told; nothing at 0.
#[derive(Default)]
struct Shown(AtomicU64);

impl Shown {
    fn at(seconds: u64) -> Arc<Self> {
        Arc::new(Self(seconds.into()))
    }

    fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for Shown {
    fn now(&self) -> Result<UnixMillis, ClockError> {
        match self.0.load(Ordering::SeqCst) {
            0 => Err(ClockError),
            seconds => Ok(UnixMillis::from_seconds(seconds)),
        }
    }
}

/// Says its answer, counts, and may be let do something meanwhile.
struct Source<'a> {
    answer: PasswordAnswer,
    asked: AtomicU64,
    meanwhile: &'a (dyn Fn() + Sync),
    /// What it says of itself before and after it was asked.
    repeatable: [Option<&'static [u8]>; 2],
}

impl PasswordSource for Source<'_> {
    fn check<'a>(&'a self, _: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        (self.meanwhile)();
        Box::pin(std::future::ready(self.answer.clone()))
    }

    fn repeatable(&self) -> Option<Secret> {
        let [before, after] = self.repeatable;
        let asked = self.asked.load(Ordering::SeqCst) > 0;
        if asked { after } else { before }.map(Secret::from_slice)
    }

    fn establish<'a>(&'a self, _: &'a Mailbox) -> BoxFuture<'a, PasswordAnswer> {
        Box::pin(std::future::ready(PasswordAnswer::Wrong))
    }
}

fn source(answer: PasswordAnswer, meanwhile: &(dyn Fn() + Sync)) -> Source<'_> {
    Source { answer, asked: 0.into(), meanwhile, repeatable: [Some(b"here"); 2] }
}

fn right() -> PasswordAnswer {
    PasswordAnswer::Right { user: None, auth_user: None }
}

fn recent() -> Recent {
    Recent::new(Some(CredentialKey::new(Secret::from_slice(b"of this process"))))
}

fn question(password: &str) -> PasswordQuestion {
    let recall = Recall {
        version: Version(1),
        session: Digest::from_bytes([1; 32]),
        service: Service::Smtp,
        from: NetAddress::parse("192.0.2.1"),
        seconds: SECONDS,
        named: false,
    };
    PasswordQuestion {
        mailbox: Mailbox::new("alice@example.org").unwrap(),
        asked: SaslNames { authzid: String::new(), authcid: "alice@example.org".into() },
        password: Secret::from_slice(password.as_bytes()),
        hash: None,
        counted: true,
        recall: Some(recall),
    }
}

/// The answer to a question, and whether the source was asked.
fn ask(
    recent: &Recent,
    clock: &Shown,
    source: &Source<'_>,
    question: &PasswordQuestion,
    era: u64,
) -> (PasswordAnswer, bool) {
    let asked = source.asked.load(Ordering::SeqCst);
    let remembering = Remembering { source, recent, clock, era };
    let answer = remembering.check(question).now_or_never().unwrap();
    (answer, source.asked.load(Ordering::SeqCst) > asked)
}

#[test]
fn only_a_right_answer_is_kept() {
    let (recent, clock) = (recent(), Shown::at(1_000));
    for answer in [PasswordAnswer::Wrong, PasswordAnswer::Unavailable("gone".into())] {
        let source = source(answer.clone(), &|| {});
        for _ in 0..2 {
            assert_eq!(ask(&recent, &clock, &source, &question("pw"), 0), (answer.clone(), true));
        }
    }
    let source = source(right(), &|| {});
    assert_eq!(ask(&recent, &clock, &source, &question("pw"), 0), (right(), true));
    assert_eq!(ask(&recent, &clock, &source, &question("pw"), 0), (right(), false));
    assert_eq!(ask(&recent, &clock, &source, &question("pW"), 0), (right(), true));
    let unasked = PasswordQuestion { recall: None, ..question("pw") };
    assert_eq!(ask(&recent, &clock, &source, &unasked, 0), (right(), true));
}

#[test]
fn without_a_key_or_a_source_that_can_be_repeated_each_login_asks() {
    let clock = Shown::at(1_000);
    for (recent, repeatable) in [
        (Recent::new(None), [Some(&b"here"[..]); 2]),
        (recent(), [None; 2]),
        (recent(), [Some(b"here"), None]),
        (recent(), [Some(b"here"), Some(b"there")]),
    ] {
        for _ in 0..3 {
            let source = Source { repeatable, ..source(right(), &|| {}) };
            assert_eq!(ask(&recent, &clock, &source, &question("pw"), 0), (right(), true));
        }
    }
}

#[test]
fn it_is_as_old_as_its_question_and_does_not_become_younger() {
    let (recent, clock) = (recent(), Shown::at(1_000));
    let slow = || clock.set(1_030);
    let source = source(right(), &slow);
    let asked = |seconds| {
        clock.set(seconds);
        ask(&recent, &clock, &source, &question("pw"), 0).1
    };
    assert!(asked(1_000));
    assert!(!asked(1_030));
    assert!(!asked(1_059));
    clock.set(1_060);
    assert!(ask(&recent, &clock, &self::source(right(), &|| {}), &question("pw"), 0).1);
}

#[test]
fn a_clock_that_goes_back_forgets() {
    let (recent, clock) = (recent(), Shown::at(1_000));
    let quick = source(right(), &|| {});
    let asked = |seconds| {
        clock.set(seconds);
        ask(&recent, &clock, &quick, &question("pw"), 0).1
    };
    assert!(asked(1_000));
    assert!(!asked(1_050));
    // Nothing would be known of the twenty seconds before.
    assert!(asked(1_030));
    assert!(!asked(1_089));
    assert!(asked(0) && asked(1_089));
    // Set back while it was asked, and forward again later.
    let back = || clock.set(500);
    clock.set(2_000);
    let slow = source(right(), &back);
    assert!(ask(&recent, &clock, &slow, &question("pw"), 0).1);
    clock.set(2_010);
    assert!(ask(&recent, &clock, &quick, &question("pw"), 0).1);
}

#[test]
fn new_settings_forget_also_what_is_on_its_way() {
    let (recent, clock) = (recent(), Shown::at(1_000));
    let quick = source(right(), &|| {});
    let era = recent.era();
    assert!(ask(&recent, &clock, &quick, &question("pw"), era).1);
    assert!(!ask(&recent, &clock, &quick, &question("pw"), era).1);
    recent.forget();
    let new = recent.era();
    assert_ne!(era, new);
    // A login under the old settings neither takes nor leaves anything.
    assert!(ask(&recent, &clock, &quick, &question("pw"), new).1);
    assert!(ask(&recent, &clock, &quick, &question("pw"), era).1);
    let reload = || recent.forget();
    let slow = source(right(), &reload);
    assert!(ask(&recent, &clock, &slow, &question("other"), new).1);
    let newest = recent.era();
    assert!(ask(&recent, &clock, &quick, &question("other"), newest).1);
}

#[test]
fn a_wrong_answer_takes_a_right_one_away() {
    let (recent, clock) = (recent(), Shown::at(1_000));
    let (good, bad) = (source(right(), &|| {}), source(PasswordAnswer::Wrong, &|| {}));
    assert!(ask(&recent, &clock, &good, &question("pw"), 0).1);
    clock.set(1_000 + SECONDS);
    assert_eq!(ask(&recent, &clock, &bad, &question("pw"), 0), (PasswordAnswer::Wrong, true));
    assert_eq!(recent.kept().found.len(), 0);
}

#[test]
fn there_are_never_too_many() {
    let (recent, clock) = (recent(), Shown::at(1_000));
    let quick = source(right(), &|| {});
    for number in 0..RECENT_PASSWORDS + 100 {
        let _ = ask(&recent, &clock, &quick, &question(&number.to_string()), 0);
    }
    assert!(recent.kept().found.len() <= RECENT_PASSWORDS);
}
