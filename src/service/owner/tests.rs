//! What an owner does, over a store in memory and a clock that is set by hand.

mod browsers;
mod era;
mod link;
mod notices;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    Owner, OwnerError, Parts, Shown, ShownKind, SignIn, Ticket, Visit, WaitingId,
    waiting::{Typed, Waiting},
};
use crate::{
    base::{
        Mailbox, NetAddress, Secret, SecretText, Service, UnixMillis,
        limits::{
            LOGIN_SECONDS, PANEL_CODE_TRIES, PANEL_SHOWN_SECONDS, PANEL_WAITING,
            PANEL_WAITING_SECONDS,
        },
    },
    decision::{
        code::Code,
        digest::CredentialKey,
        enforcement::EnforcementPolicy,
        flow::{Passwords, Policy},
        mechanisms::Mechanisms,
        names::NameRules,
        panel::PanelPolicy,
        record::{MailboxRecord, TotpFactor},
        retention::TrailPolicy,
        session::SessionPolicy,
    },
    ports::{
        BoxFuture,
        audit::{LoginEvent, LoginLog},
        password::{FormLogin, PasswordAnswer, PasswordQuestion, PasswordSource, PasswordSources},
        store::{Change, Commit, Expect, Store as _, StoreError},
    },
    service::{
        admin::{
            Admin, AdminError,
            tests::{CountingRng, FixedClock, Told, memory::MemoryStore},
        },
        authenticate::Authenticator,
        trail::Recorder,
    },
};

/// The beginning of a step.
const NOW: u64 = 1_800_000_000;
const SECRET: &[u8; 20] = b"abcdefghijklmnopqrst";
const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";

/// A Dovecot whose only password is "right". "alias@example.org" is Alice.
struct Dovecot;

impl PasswordSource for Dovecot {
    fn check<'a>(&'a self, question: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer> {
        let name = match question.mailbox.as_str() {
            "alias@example.org" => ALICE,
            name => name,
        };
        let answer = match question.password.expose() {
            b"right" => PasswordAnswer::Right { user: Some(name.into()), auth_user: None },
            _ => PasswordAnswer::Wrong,
        };
        Box::pin(async { answer })
    }

    fn establish<'a>(&'a self, _: &'a Mailbox) -> BoxFuture<'a, PasswordAnswer> {
        Box::pin(async { PasswordAnswer::Right { user: None, auth_user: None } })
    }
}

impl PasswordSources for Dovecot {
    fn for_form(&self, _: &FormLogin<'_>) -> Box<dyn PasswordSource + '_> {
        Box::new(Self)
    }
}

struct Desk {
    store: Arc<MemoryStore>,
    clock: Arc<FixedClock>,
    told: Arc<Told>,
    owner: Owner,
}

impl Desk {
    fn new() -> Self {
        Self::over(Arc::new(MemoryStore::default()), None)
    }

    fn over(store: Arc<MemoryStore>, log: Option<Arc<dyn LoginLog>>) -> Self {
        let clock = Arc::new(FixedClock(AtomicU64::new(NOW)));
        let recorder =
            Recorder::new(store.clone(), store.clone(), clock.clone(), TrailPolicy::default());
        let policy = Policy {
            names: NameRules::default(),
            passwords: Passwords::Upstream,
            sessions: SessionPolicy::default(),
            key: CredentialKey::new(Secret::from_slice(&[7; 32])),
            throttle: None,
            enforcement: EnforcementPolicy::default(),
            mechanisms: Mechanisms::default(),
            webmail: crate::decision::webmail::WebmailRules::new(),
        };
        let recorder = Arc::new(recorder);
        let log = log.unwrap_or_else(|| recorder.clone());
        let told = Arc::new(Told::default());
        let authenticator =
            Authenticator::new(store.clone(), clock.clone(), log, policy).telling(told.clone());
        let admin = Admin {
            store: store.clone(),
            hasher: None,
            clock: clock.clone(),
            key: CredentialKey::new(Secret::from_slice(&[7; 32])),
            rng: Arc::new(CountingRng::default()),
            names: NameRules::default(),
            issuer: "Mail".into(),
            trail: recorder,
            notifier: told.clone(),
            enforcement: EnforcementPolicy::default(),
        };
        let parts = Parts {
            admin: Arc::new(admin),
            passwords: Arc::new(Dovecot),
            policy: PanelPolicy { idle_seconds: 600, absolute_seconds: 1_000 },
            refusal_delay: Duration::ZERO,
        };
        Self { store, clock, told, owner: Owner::new(Arc::new(authenticator), parts) }
    }

    /// Alice has a second factor.
    async fn enrolled() -> Self {
        let desk = Self::new();
        desk.enrol(ALICE).await;
        desk
    }

    async fn enrol(&self, name: &str) {
        let now = UnixMillis::from_seconds(NOW);
        let totp = TotpFactor { secret: Secret::from_slice(SECRET), last_step: 0, enabled: now };
        let record = MailboxRecord { totp: Some(totp), ..MailboxRecord::new(now) };
        let change = Change::Mailbox {
            mailbox: mailbox(name),
            expect: Expect::Absent,
            record: Some(Box::new(record)),
        };
        let done = self.store.commit(vec![change]).await.unwrap();
        assert!(matches!(done, Commit::Done(_)));
    }

    /// The configuration says otherwise how names become mailboxes.
    fn replace_names(&self, names: NameRules) {
        let parts = self.owner.parts();
        let old = &parts.admin;
        let admin = Admin {
            store: old.store.clone(),
            hasher: None,
            clock: old.clock.clone(),
            key: CredentialKey::new(Secret::from_slice(&[7; 32])),
            rng: old.rng.clone(),
            names,
            issuer: old.issuer.clone(),
            trail: old.trail.clone(),
            notifier: old.notifier.clone(),
            enforcement: EnforcementPolicy::default(),
        };
        let (admin, passwords) = (Arc::new(admin), Arc::clone(&parts.passwords));
        let (policy, refusal_delay) = (parts.policy, parts.refusal_delay);
        self.owner.replace(Parts { admin, passwords, policy, refusal_delay });
    }

    fn forward(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Signed in as somebody without a factor.
    async fn bob(&self) -> Ticket {
        match self.owner.sign_in(BOB.as_bytes(), secret("right"), here()).await {
            SignIn::In(ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    /// Signed in as Alice, with the code of this step.
    async fn alice(&self, steps: i64) -> Visit {
        let SignIn::CodeRequired(id) =
            self.owner.sign_in(ALICE.as_bytes(), secret("right"), here()).await
        else {
            panic!("a code is asked")
        };
        match self.owner.sign_in_with_code(id, code(SECRET, steps), here()).await {
            SignIn::In(ticket) => self.visit(&ticket).await.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn visit(&self, ticket: &Ticket) -> Option<Visit> {
        self.owner.visit(ticket.clone(), here()).await.unwrap()
    }

    fn totp(&self) -> TotpFactor {
        self.store.record(&mailbox(ALICE)).unwrap().totp.unwrap()
    }
}

fn mailbox(name: &str) -> Mailbox {
    Mailbox::new(name).unwrap()
}

fn here() -> NetAddress {
    NetAddress::parse("192.0.2.1")
}

fn secret(text: &str) -> Secret {
    Secret::from_slice(text.as_bytes())
}

/// The code of a secret, so many steps from the beginning.
fn code(of: &[u8], steps: i64) -> Secret {
    let at = NOW.checked_add_signed(steps * 30).unwrap();
    let key = totp_rs::Builder::new()
        .with_secret(totp_rs::Secret::new(of.into()))
        .with_step_duration(30)
        .with_skew(0)
        .with_digits(6)
        .build_noncompliant();
    secret(&key.generate(at).to_string())
}

fn text(code: &Secret) -> SecretText {
    assert!(Code::parse(code.expose()).is_some());
    SecretText::new(String::from_utf8(code.expose().to_vec()).unwrap())
}

/// The secret that is on the screen.
fn shown_secret(desk: &Desk, visit: &Visit) -> Vec<u8> {
    let Some(Shown::NewPhone(enrolment)) = desk.owner.shown(visit, ShownKind::NewPhone) else {
        panic!("a secret is shown")
    };
    let alphabet = base32::Alphabet::Rfc4648 { padding: false };
    base32::decode(alphabet, enrolment.secret.expose()).unwrap()
}

#[tokio::test]
async fn a_session_lives_for_its_time_and_no_use_moves_its_end() {
    let desk = Desk::new();
    let ticket = desk.bob().await;
    desk.forward(599);
    assert!(desk.visit(&ticket).await.is_some());
    desk.forward(400);
    assert!(desk.visit(&ticket).await.is_some());
    desk.forward(1);
    assert!(desk.visit(&ticket).await.is_none(), "old");
    let ticket = desk.bob().await;
    desk.forward(600);
    assert!(desk.visit(&ticket).await.is_none(), "idle");
    let ticket = desk.bob().await;
    desk.clock.0.fetch_sub(LOGIN_SECONDS + 1, Ordering::SeqCst);
    assert!(desk.visit(&ticket).await.is_none(), "the clock went back");
}

#[tokio::test]
async fn a_ticket_opens_the_mailbox_it_was_made_for() {
    let desk = Desk::new();
    let ticket = desk.bob().await;
    for other in [
        Ticket { mailbox: mailbox(ALICE), ..ticket.clone() },
        Ticket { token: zeroize::Zeroizing::new([0; 32]), ..ticket.clone() },
    ] {
        assert!(desk.visit(&other).await.is_none());
    }
    let visit = desk.visit(&ticket).await.unwrap();
    let other = desk.bob().await;
    let other = desk.visit(&other).await.unwrap();
    let token = desk.owner.form_token(&visit);
    assert!(desk.owner.is_form_of(&visit, &token) && !desk.owner.is_form_of(&other, &token));
    assert!(!desk.owner.is_form_of(&visit, ""));
}

#[tokio::test]
async fn an_alias_opens_the_page_of_its_mailbox_or_none() {
    let desk = Desk::new();
    match desk.owner.sign_in(b"alias@example.org", secret("right"), here()).await {
        SignIn::In(ticket) => assert_eq!(ticket.mailbox.as_str(), ALICE),
        other => panic!("{other:?}"),
    }
    let desk = Desk::enrolled().await;
    let outcome = desk.owner.sign_in(b"alias@example.org", secret("right"), here()).await;
    assert!(matches!(outcome, SignIn::Refused(_)), "her factor was not asked: {outcome:?}");
}

/// Switches a second factor on between a login that was accepted and what follows from it.
struct Meanwhile(Arc<MemoryStore>);

impl LoginLog for Meanwhile {
    fn login(&self, _: &LoginEvent<'_>) {
        let enabled = UnixMillis::from_seconds(NOW);
        let totp = TotpFactor { secret: Secret::from_slice(SECRET), last_step: 0, enabled };
        self.0.change(&mailbox(ALICE), |record| record.totp = Some(totp));
    }
}

#[tokio::test]
async fn a_factor_that_comes_during_a_login_is_not_passed_by() {
    for name in [ALICE, "alias@example.org"] {
        let store = Arc::new(MemoryStore::default());
        let change = Change::Mailbox {
            mailbox: mailbox(ALICE),
            expect: Expect::Absent,
            record: Some(Box::new(MailboxRecord::new(UnixMillis::from_seconds(NOW)))),
        };
        let _ = store.commit(vec![change]).await.unwrap();
        let desk = Desk::over(store.clone(), Some(Arc::new(Meanwhile(store))));
        match desk.owner.sign_in(name.as_bytes(), secret("right"), here()).await {
            SignIn::In(ticket) => assert!(desk.visit(&ticket).await.is_none(), "{name}"),
            SignIn::Unavailable(_) => assert_ne!(name, ALICE),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_lets_nobody_in() {
    let desk = Desk::new();
    let ticket = desk.bob().await;
    desk.store.fail(StoreError::Unavailable("away".into()));
    assert!(matches!(desk.owner.visit(ticket, here()).await, Err(OwnerError::Unavailable(_))));
    let outcome = desk.owner.sign_in(BOB.as_bytes(), secret("right"), here()).await;
    assert!(matches!(outcome, SignIn::Unavailable(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_move_replaces_nothing_before_both_codes_are_right() {
    let desk = Desk::enrolled().await;
    let visit = desk.alice(-1).await;
    desk.owner.begin_move(&visit).await.unwrap();
    let new = shown_secret(&desk, &visit);
    let before = desk.totp();
    // A wrong new code costs no code of the old phone.
    let wrong = desk.owner.confirm_move(&visit, code(SECRET, 0), text(&code(b"x", 0))).await;
    assert!(matches!(wrong, Err(OwnerError::Change(AdminError::WrongCode { left: 4 }))));
    assert_eq!(desk.totp(), before);
    // A used old code, a wrong one, none.
    for old in [code(SECRET, -1), secret("000000"), secret("")] {
        let wrong = desk.owner.confirm_move(&visit, old, text(&code(&new, 0))).await;
        assert!(matches!(wrong, Err(OwnerError::Code(_))), "{wrong:?}");
        assert_eq!(desk.totp(), before);
    }
    let sessions = || desk.store.record(&mailbox(ALICE)).unwrap().sessions;
    assert!(!sessions().is_empty());
    let moved = desk.owner.confirm_move(&visit, code(SECRET, 0), text(&code(&new, 1))).await;
    let (drift, ticket) = moved.unwrap();
    assert!(sessions().is_empty(), "they were opened with codes of the old phone");
    assert_eq!(drift, 1);
    assert_eq!(desk.totp().secret.expose(), new);
    assert_eq!(desk.totp().enabled, before.enabled, "it was on all the time");
    assert!(desk.visit(&ticket).await.is_some());
    let again = desk.owner.confirm_move(&visit, code(SECRET, 1), text(&code(&new, 2))).await;
    assert!(again.is_err(), "the old session has ended: {again:?}");
}

#[tokio::test]
async fn a_move_in_a_race_is_done_once() {
    let desk = Desk::enrolled().await;
    let visit = desk.alice(-1).await;
    desk.owner.begin_move(&visit).await.unwrap();
    let new = shown_secret(&desk, &visit);
    desk.store.conflict(3);
    let moved = desk.owner.confirm_move(&visit, code(SECRET, 0), text(&code(&new, 0))).await;
    assert!(moved.is_ok(), "{moved:?}");
    assert_eq!(desk.totp().secret.expose(), new);
}

#[tokio::test]
async fn what_is_shown_is_for_its_session_and_its_time() {
    let desk = Desk::enrolled().await;
    let (one, two) = (desk.alice(-1).await, desk.alice(0).await);
    desk.owner.begin_move(&one).await.unwrap();
    let first = shown_secret(&desk, &one);
    desk.owner.begin_move(&one).await.unwrap();
    assert_eq!(shown_secret(&desk, &one), first, "asked twice");
    assert!(desk.owner.shown(&two, ShownKind::NewPhone).is_none());
    assert!(desk.owner.shown(&one, ShownKind::Enrolment).is_none());
    desk.owner.put_away(&two, ShownKind::NewPhone);
    assert_eq!(shown_secret(&desk, &one), first);
    desk.owner.sign_out([one.ticket()]).await.unwrap();
    assert!(desk.owner.shown(&one, ShownKind::NewPhone).is_none(), "logged out");
    desk.owner.begin_move(&two).await.unwrap();
    desk.forward(PANEL_SHOWN_SECONDS);
    assert!(desk.owner.shown(&two, ShownKind::NewPhone).is_none(), "its time is over");
}

#[tokio::test]
async fn a_visit_whose_session_has_ended_changes_nothing_behind_a_code() {
    let desk = Desk::enrolled().await;
    let visit = desk.alice(0).await;
    desk.forward(1_000);
    let now = code(SECRET, 1_000 / 30);
    assert_eq!(desk.owner.disable(&visit, now).await, Err(OwnerError::Ended));
    assert!(desk.store.record(&mailbox(ALICE)).unwrap().is_enrolled());
}

#[tokio::test]
async fn a_visit_whose_session_is_over_sees_and_changes_nothing() {
    let desk = Desk::new();
    let visit = desk.visit(&desk.bob().await).await.unwrap();
    assert!(desk.owner.factor(&visit).await.is_ok());
    desk.forward(1_000);
    assert_eq!(desk.owner.factor(&visit).await.unwrap_err(), OwnerError::Ended);
    assert_eq!(desk.owner.begin_enrolment(&visit).await, Err(OwnerError::Ended));
    let added = desk.owner.add_app_password(&visit, era::phone(), secret("")).await;
    assert_eq!(added, Err(OwnerError::Ended));
    assert_eq!(desk.store.kinds(), ["panel"]);
    assert_eq!(desk.store.record(&mailbox(BOB)), None);
}

#[tokio::test]
async fn a_password_that_waited_for_its_code_is_forgotten_once_it_is_given() {
    let desk = Desk::enrolled().await;
    let asked = desk.owner.sign_in(ALICE.as_bytes(), secret("right"), here()).await;
    let SignIn::CodeRequired(id) = asked else { panic!("{asked:?}") };
    let wrong = desk.owner.sign_in_with_code(id, secret("000000"), here()).await;
    assert!(matches!(wrong, SignIn::Refused(_)) && desk.owner.is_waiting(id));
    let given = desk.owner.sign_in_with_code(id, code(SECRET, 0), here()).await;
    assert!(matches!(given, SignIn::In(_)) && !desk.owner.is_waiting(id));
}

#[tokio::test]
async fn all_sign_ins_end_also_of_a_mailbox_without_a_record() {
    let desk = Desk::new();
    let (one, two) = (desk.bob().await, desk.bob().await);
    let visit = desk.visit(&one).await.unwrap();
    desk.forward(1);
    let ticket = desk.owner.end_all(&visit).await.unwrap();
    for ended in [one, two] {
        assert!(desk.visit(&ended).await.is_none());
    }
    assert!(desk.visit(&ticket).await.is_some());
    assert_eq!(desk.store.record(&mailbox(BOB)), None, "there is nothing to keep a record for");
}

#[tokio::test]
async fn what_a_reload_replaces_counts_at_once() {
    let desk = Desk::new();
    let ticket = desk.bob().await;
    let parts = desk.owner.parts();
    let (admin, passwords) = (Arc::clone(&parts.admin), Arc::clone(&parts.passwords));
    let policy = PanelPolicy { idle_seconds: 60, absolute_seconds: 60 };
    let refusal_delay = Duration::from_secs(3);
    desk.owner.replace(Parts { admin, passwords, policy, refusal_delay });
    assert_eq!(desk.owner.refusal_delay(), refusal_delay);
    desk.forward(60);
    assert!(desk.visit(&ticket).await.is_none());
}

#[tokio::test]
async fn a_session_is_none_of_a_mailbox_whose_name_means_another_since_a_reload() {
    let desk = Desk::new();
    let ticket = match desk.owner.sign_in(b"alice", secret("right"), here()).await {
        SignIn::In(ticket) => ticket,
        other => panic!("{other:?}"),
    };
    let visit = desk.visit(&ticket).await.unwrap();
    desk.replace_names(NameRules {
        default_realm: Some("example.org".into()),
        ..NameRules::default()
    });
    assert!(desk.visit(&ticket).await.is_none());
    assert_eq!(desk.owner.end_all(&visit).await, Err(OwnerError::Ended));
    assert_eq!(desk.store.kinds(), ["panel"], "nothing happened to alice@example.org");
}

#[test]
fn of_too_many_that_wait_the_oldest_leaves() {
    let waiting = Waiting::default();
    let id = |n: usize| {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&n.to_be_bytes());
        WaitingId(id)
    };
    let at = |n: usize| UnixMillis::from_millis(1_000_000 + u64::try_from(n).unwrap());
    let typed = || Typed { name: b"a".to_vec(), password: secret("x") };
    for n in 0..=PANEL_WAITING {
        waiting.keep(id(n), typed(), at(n));
    }
    assert!(!waiting.waits(id(0), at(0)) && waiting.waits(id(1), at(1)));
    assert!(!waiting.waits(id(1), at(1).plus_seconds(PANEL_WAITING_SECONDS)));
    let tried = |at| waiting.attempt(id(1), at).is_some();
    assert!((0..PANEL_CODE_TRIES).all(|_| tried(at(1))));
    assert!(!tried(at(1)), "too often");
    assert!(waiting.attempt(id(2), at(2).plus_seconds(PANEL_WAITING_SECONDS)).is_none(), "late");
}
