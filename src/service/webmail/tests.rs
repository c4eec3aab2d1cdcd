//! Exchange, refresh and end of tokens over a store in memory, and what they open then.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use futures_util::FutureExt as _;

use super::*;
use crate::{
    base::{SecretText, Service, limits::PANEL_ERA_SECONDS},
    decision::{
        api_token::Rights,
        digest::CredentialKey,
        enforcement::EnforcementPolicy,
        flow::{Credential, Passwords, Policy, Request},
        mechanisms::Mechanisms,
        names::NameRules,
        outcome::Outcome,
        place::Network,
        record::{MailboxRecord, TotpFactor},
        retention::TrailPolicy,
        session::SessionPolicy,
        throttle::ThrottlePolicy,
        webmail::{MintedOn, SECRET_CHARACTERS, WebmailRule, WebmailRules},
    },
    ports::{
        BoxFuture,
        audit::{LoginEvent, LoginLog},
        notice::Silent,
        password::{FormLogin, PasswordAnswer, PasswordQuestion, PasswordSource},
        store::{Change, Expect, Store as _},
    },
    service::{
        admin::{
            Disclosed, NewLevel, NewPassword, Request as Asked, Response,
            tests::{
                CountingRng, FixedClock, PlainHasher,
                memory::{MemoryStore, Moment},
            },
        },
        authenticate::Circumstances,
        trail::Recorder,
    },
};

const NOW: u64 = 1_800_000_000;
const SECRET: &[u8; 20] = b"abcdefghijklmnopqrst";
const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";
const WEBMAIL: &str = "127.0.0.1";

/// Knows one password, "right", and counts how often it was asked. "alias@example.org" is Bob; what stands
/// behind "+" is a master user.
#[derive(Default)]
struct Dovecot(AtomicU64);

impl PasswordSource for Dovecot {
    fn check<'a>(&'a self, question: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let name = match question.mailbox.as_str() {
            "alias@example.org" => BOB,
            name => name,
        };
        let answer = match question.password.expose() {
            b"right" => {
                let master = name.split_once('+');
                let (name, master) = master.map_or((name, None), |(name, by)| (name, Some(by)));
                PasswordAnswer::Right { user: Some(name.into()), auth_user: master.map(Into::into) }
            }
            _ => PasswordAnswer::Wrong,
        };
        Box::pin(async {
            tokio::task::yield_now().await;
            answer
        })
    }

    fn establish<'a>(&'a self, _: &'a Mailbox) -> BoxFuture<'a, PasswordAnswer> {
        Box::pin(async { PasswordAnswer::Right { user: None, auth_user: None } })
    }
}

struct Forms(Arc<Dovecot>);

impl PasswordSources for Forms {
    fn for_form(&self, _: &FormLogin<'_>) -> Box<dyn PasswordSource + '_> {
        Box::new(Asking(&self.0))
    }
}

struct Asking<'a>(&'a Dovecot);

impl PasswordSource for Asking<'_> {
    fn check<'a>(&'a self, question: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer> {
        self.0.check(question)
    }

    fn establish<'a>(&'a self, mailbox: &'a Mailbox) -> BoxFuture<'a, PasswordAnswer> {
        self.0.establish(mailbox)
    }
}

type Deed = Box<dyn FnOnce(&MemoryStore) + Send>;

/// Changes the store as soon as a login was decided, before anything follows from it.
struct Meanwhile(Arc<MemoryStore>, Mutex<Option<Deed>>);

impl LoginLog for Meanwhile {
    fn login(&self, _: &LoginEvent<'_>) {
        if let Some(change) = self.1.lock().unwrap().take() {
            change(&self.0);
        }
    }
}

struct Desk {
    store: Arc<MemoryStore>,
    clock: Arc<FixedClock>,
    dovecot: Arc<Dovecot>,
    authenticator: Arc<Authenticator>,
    admin: Arc<Admin>,
    meanwhile: Arc<Meanwhile>,
    webmail: Webmail,
}

impl Desk {
    fn new(passwords: Passwords, throttle: Option<ThrottlePolicy>) -> Self {
        let store = Arc::new(MemoryStore::default());
        let clock = Arc::new(FixedClock(AtomicU64::new(NOW)));
        let key = CredentialKey::new(Secret::from_slice(&[7; 32]));
        let rule = WebmailRule {
            token: Some("roundcube-key".into()),
            services: vec![Service::Imap],
            networks: vec![Network::parse(WEBMAIL).unwrap()],
            from_browser: false,
            idle_seconds: 600,
            absolute_seconds: 3_600,
        };
        let names = NameRules { master_separator: Some('*'), ..NameRules::default() };
        let policy = Policy {
            names: names.clone(),
            passwords,
            sessions: SessionPolicy::default(),
            key: key.clone(),
            throttle,
            enforcement: EnforcementPolicy::default(),
            mechanisms: Mechanisms::default(),
            webmail: WebmailRules::from([("roundcube".into(), rule)]),
        };
        let trail =
            Recorder::new(store.clone(), store.clone(), clock.clone(), TrailPolicy::default());
        let meanwhile = Arc::new(Meanwhile(store.clone(), Mutex::default()));
        let authenticator =
            Arc::new(Authenticator::new(store.clone(), clock.clone(), meanwhile.clone(), policy));
        let admin = Arc::new(Admin {
            store: store.clone(),
            hasher: (passwords == Passwords::Stored).then(|| Arc::new(PlainHasher) as _),
            clock: clock.clone(),
            key,
            rng: Arc::new(CountingRng::default()),
            names,
            issuer: "Mail".into(),
            trail: Arc::new(trail),
            panel: None,
            notifier: Arc::new(Silent),
            enforcement: EnforcementPolicy::default(),
        });
        let dovecot = Arc::new(Dovecot::default());
        let parts = Parts { admin: admin.clone(), passwords: Arc::new(Forms(dovecot.clone())) };
        let webmail = Webmail::new(authenticator.clone(), parts);
        Self { store, clock, dovecot, authenticator, admin, meanwhile, webmail }
    }

    /// Alice has a second factor; where passwords are our own, both have one.
    async fn open(passwords: Passwords) -> Self {
        Self::over(Self::new(passwords, None)).await
    }

    async fn over(desk: Self) -> Self {
        let now = UnixMillis::from_seconds(NOW);
        let hash = desk.admin.hasher.as_ref().map(|_| SecretText::new("{PLAIN}right".into()));
        for name in [ALICE, BOB] {
            let totp =
                TotpFactor { secret: Secret::from_slice(SECRET), last_step: 0, enabled: now };
            let mut record = MailboxRecord::new(now);
            record.totp = (name == ALICE).then_some(totp);
            record.password_hash.clone_from(&hash);
            if record.is_blank() {
                continue;
            }
            let record = Some(Box::new(record));
            let change = Change::Mailbox { mailbox: mailbox(name), expect: Expect::Absent, record };
            let _ = desk.store.commit(vec![change]).await.unwrap();
        }
        desk
    }

    fn meanwhile(&self, change: impl FnOnce(&MemoryStore) + Send + 'static) {
        *self.meanwhile.1.lock().unwrap() = Some(Box::new(change));
    }

    async fn exchange(&self, name: &str, password: &str, factor: Option<&Secret>) -> Exchanged {
        let wanted = Exchange {
            webmail: "roundcube".into(),
            name: name.into(),
            password: secret(password),
            factor: factor.cloned(),
            browser: NetAddress::parse("192.0.2.9"),
        };
        self.webmail.exchange(wanted, |_| true).await
    }

    async fn token(&self, name: &str, factor: Option<&Secret>) -> Minted {
        match self.exchange(name, "right", factor).await {
            Exchanged::Token(minted) => minted,
            other => panic!("{other:?}"),
        }
    }

    /// What comes of a token at the door of IMAP.
    async fn imap(&self, name: &str, token: &str) -> String {
        let via = NetAddress::parse(WEBMAIL);
        let request = Request {
            authzid: Vec::new(),
            authcid: name.into(),
            credential: Credential::Joined(secret(token)),
            service: Service::Imap,
            remote: NetAddress::parse("192.0.2.9"),
            via,
        };
        let circumstances = Circumstances {
            listener: "imap".into(),
            service: Service::Imap,
            remote: via,
            mechanism: "PLAIN".into(),
            session: None,
            client: None,
        };
        match self.authenticator.authenticate(request, &circumstances, &*self.dovecot).await {
            Outcome::Accepted(accepted) => accepted.method().as_str().to_owned(),
            Outcome::Refused(refusal) => refusal.as_str().to_owned(),
            Outcome::Unavailable(why) => why,
        }
    }

    async fn admin(&self, request: Asked) -> Response {
        self.admin.handle(request, "uid=0").await.unwrap()
    }

    fn forward(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

fn mailbox(name: &str) -> Mailbox {
    Mailbox::new(name).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::from_slice(text.as_bytes())
}

/// The webmail's API token.
fn key() -> Access {
    named("roundcube-key")
}

fn named(token: &str) -> Access {
    let by = format!("token {token}");
    Access { by, token: Some(token.into()), rights: Rights::all() }
}

fn code(steps: i64) -> Secret {
    let at = NOW.checked_add_signed(steps * 30).unwrap();
    let key = totp_rs::Builder::new()
        .with_secret(totp_rs::Secret::new(SECRET.as_slice().into()))
        .with_step_duration(30)
        .with_skew(0)
        .with_digits(6)
        .build_noncompliant();
    secret(&key.generate(at).to_string())
}

const GOOD: &str = "webmail_token";
const WRONG: &str = "webmail_token_wrong";

#[tokio::test]
async fn password_then_code_then_a_token_that_opens_mail_until_it_is_ended() {
    for passwords in [Passwords::Upstream, Passwords::Stored] {
        let desk = Desk::open(passwords).await;
        assert!(matches!(desk.exchange(ALICE, "right", None).await, Exchanged::CodeRequired));
        let wrong = desk.exchange(ALICE, "right", Some(&secret("000000"))).await;
        assert!(matches!(wrong, Exchanged::Refused(Refusal::WrongCode)), "{wrong:?}");
        let wrong = desk.exchange(ALICE, "wrong", Some(&code(0))).await;
        assert!(matches!(wrong, Exchanged::Refused(Refusal::WrongPassword)), "{wrong:?}");
        let minted = desk.token("Alice@example.org", Some(&code(0))).await;
        assert_eq!(minted.mailbox.as_str(), ALICE);
        assert_eq!(minted.life.expires, UnixMillis::from_seconds(NOW + 600));
        assert_eq!(minted.life.ends, UnixMillis::from_seconds(NOW + 3_600));
        let asked = desk.dovecot.0.load(Ordering::SeqCst);
        let token = minted.token.expose();
        assert_eq!(desk.imap(ALICE, token).await, GOOD);
        assert_eq!(desk.imap(ALICE, token).await, GOOD, "again and again");
        assert_eq!(desk.dovecot.0.load(Ordering::SeqCst), asked, "no password was asked for");
        let typed = secret(token);
        assert!(desk.webmail.revoke(ALICE.as_bytes(), &typed, &key()).await.unwrap());
        assert_eq!(desk.imap(ALICE, token).await, WRONG);
        assert!(!desk.webmail.revoke(ALICE.as_bytes(), &typed, &key()).await.unwrap());
        assert_eq!(desk.webmail.refresh(ALICE.as_bytes(), &typed, &key()).await, Ok(None));
        let notes = desk.store.notes();
        let actions: Vec<_> = notes.iter().filter_map(|note| note.action.as_deref()).collect();
        assert_eq!(actions, ["webmail log-out"]);
    }
}

#[tokio::test]
async fn without_a_factor_the_password_is_enough_and_nothing_is_left_behind() {
    let desk = Desk::open(Passwords::Upstream).await;
    let minted = desk.token(BOB, None).await;
    let token = minted.token.expose();
    assert_eq!(desk.imap(BOB, token).await, GOOD);
    assert!(!desk.store.record(&mailbox(BOB)).unwrap().is_enrolled());
    assert_eq!(desk.imap(BOB, "right").await, "password", "nothing else is changed");
    assert!(desk.webmail.revoke(BOB.as_bytes(), &secret(token), &key()).await.unwrap());
    assert_eq!(desk.store.record(&mailbox(BOB)), None);
    assert_eq!(desk.imap(BOB, token).await, WRONG);
}

#[tokio::test]
async fn whatever_changes_the_mailbox_ends_its_tokens_at_once() {
    let changes: Vec<(&str, Asked, &str)> = vec![
        ("factor off", Asked::TotpDisable { mailbox: ALICE.into() }, WRONG),
        ("lock", Asked::MailboxLock { mailbox: ALICE.into() }, "locked"),
        ("all", Asked::SignInsEnd { mailbox: ALICE.into() }, WRONG),
        ("one", Asked::SessionRevoke { mailbox: ALICE.into(), id: Some(2) }, WRONG),
        ("sessions", Asked::SessionRevoke { mailbox: ALICE.into(), id: None }, WRONG),
        ("level", Asked::PolicySet { mailbox: ALICE.into(), level: NewLevel::Required }, WRONG),
        (
            "password",
            Asked::MailboxPassword {
                mailbox: ALICE.into(),
                password: NewPassword::Clear(Disclosed::new(SecretText::new("right".into()))),
            },
            WRONG,
        ),
        (
            "rename",
            Asked::MailboxRename { mailbox: ALICE.into(), to: "carol@example.org".into() },
            WRONG,
        ),
        ("remove", Asked::MailboxRemove { mailbox: ALICE.into() }, WRONG),
    ];
    for (name, change, expected) in changes {
        let desk = Desk::open(Passwords::Stored).await;
        let minted = desk.token(ALICE, Some(&code(0))).await;
        assert_eq!(minted.session, 2, "the form's own sign-in is the first");
        let token = minted.token.expose();
        assert_eq!(desk.imap(ALICE, token).await, GOOD);
        desk.admin(change).await;
        assert_eq!(desk.imap(ALICE, token).await, expected, "{name}");
        assert_eq!(desk.imap("carol@example.org", token).await, WRONG, "{name}");
        let refreshed = desk.webmail.refresh(ALICE.as_bytes(), &secret(token), &key()).await;
        assert_eq!(refreshed, Ok(None), "{name}");
        if name == "lock" {
            desk.admin(Asked::MailboxUnlock { mailbox: ALICE.into() }).await;
            assert_eq!(desk.imap(ALICE, token).await, WRONG, "it does not come back");
        }
    }
}

#[tokio::test]
async fn what_changes_during_the_exchange_is_not_passed_by() {
    let changes: [fn(&mut MailboxRecord); 3] = [
        |record| record.locked = Some(UnixMillis::from_seconds(NOW)),
        |record| record.totp.as_mut().unwrap().secret = Secret::from_slice(&[1; 20]),
        |record| record.password_hash = Some(SecretText::new("{PLAIN}other".into())),
    ];
    for change in changes {
        let desk = Desk::open(Passwords::Stored).await;
        desk.meanwhile(move |store| store.change(&mailbox(ALICE), change));
        let outcome = desk.exchange(ALICE, "right", Some(&code(0))).await;
        assert!(matches!(outcome, Exchanged::Unavailable(_)), "{outcome:?}");
        let record = desk.store.record(&mailbox(ALICE)).unwrap();
        assert!(record.sessions.iter().all(|session| session.webmail.is_none()));
    }
}

#[tokio::test]
async fn sign_ins_that_are_ended_during_the_exchange_stay_ended_also_without_a_record() {
    let desk = Desk::open(Passwords::Upstream).await;
    let admin = desk.admin.clone();
    desk.meanwhile(move |_| {
        let ended = admin.handle(Asked::SignInsEnd { mailbox: BOB.into() }, "uid=0");
        assert!(ended.now_or_never().unwrap().is_ok());
    });
    assert!(matches!(desk.exchange(BOB, "right", None).await, Exchanged::Unavailable(_)));
    assert_eq!(desk.store.record(&mailbox(BOB)), None);
}

#[tokio::test]
async fn sign_ins_that_are_ended_while_a_token_is_written_stay_ended_also_without_a_record() {
    let desk = Desk::open(Passwords::Upstream).await;
    let era = desk.admin.begin_era(&mailbox(BOB)).unwrap();
    desk.meanwhile(move |store| store.meanwhile(Moment::EntryRead("panel-era"), vec![era]));
    assert!(matches!(desk.exchange(BOB, "right", None).await, Exchanged::Unavailable(_)));
    assert!(!desk.store.is_waiting());
    assert_eq!(desk.store.record(&mailbox(BOB)), None);
}

#[tokio::test]
async fn an_era_that_is_over_and_not_cleared_away_yet_keeps_nobody_out() {
    let desk = Desk::open(Passwords::Upstream).await;
    desk.admin(Asked::SignInsEnd { mailbox: BOB.into() }).await;
    desk.forward(PANEL_ERA_SECONDS);
    desk.token(BOB, None).await;
}

#[tokio::test]
async fn an_alias_gets_a_token_of_its_mailbox_where_the_caller_may_ask_for_that() {
    let desk = Desk::open(Passwords::Upstream).await;
    let minted = desk.token("alias@example.org", None).await;
    assert_eq!(minted.mailbox.as_str(), BOB);
    assert_eq!(desk.imap(BOB, minted.token.expose()).await, GOOD);
    assert_eq!(desk.imap("alias@example.org", minted.token.expose()).await, WRONG);
    let wanted = Exchange {
        webmail: "roundcube".into(),
        name: b"alias@example.org".to_vec(),
        password: secret("right"),
        factor: None,
        browser: NetAddress::UNKNOWN,
    };
    let outcome = desk.webmail.exchange(wanted, |mailbox| mailbox.as_str() != BOB).await;
    assert!(matches!(outcome, Exchanged::Refused(_)), "{outcome:?}");
}

#[tokio::test]
async fn the_factor_of_an_alias_makes_no_more_of_its_mailboxs_token() {
    let desk = Desk::open(Passwords::Upstream).await;
    let now = UnixMillis::from_seconds(NOW);
    let totp = TotpFactor { secret: Secret::from_slice(SECRET), last_step: 0, enabled: now };
    let record = MailboxRecord { totp: Some(totp), ..MailboxRecord::new(now) };
    let change = Change::Mailbox {
        mailbox: mailbox("alias@example.org"),
        expect: Expect::Absent,
        record: Some(Box::new(record)),
    };
    let _ = desk.store.commit(vec![change]).await.unwrap();
    let minted = desk.token("alias@example.org", Some(&code(0))).await;
    assert_eq!(minted.mailbox.as_str(), BOB);
    let sessions = desk.store.record(&mailbox(BOB)).unwrap().sessions;
    assert_eq!(sessions[0].webmail.as_ref().unwrap().minted_on, MintedOn::Password);
}

#[tokio::test]
async fn a_refresh_moves_the_idle_end_only() {
    let desk = Desk::open(Passwords::Upstream).await;
    let minted = desk.token(ALICE, Some(&code(0))).await;
    let token = secret(minted.token.expose());
    for minute in 1..60 {
        desk.forward(60);
        let life = desk.webmail.refresh(ALICE.as_bytes(), &token, &key()).await.unwrap().unwrap();
        assert_eq!(life.ends, UnixMillis::from_seconds(NOW + 3_600));
        let idle = life.expires.seconds() - (NOW + minute * 60);
        assert!((526..=600).contains(&idle) || life.expires == life.ends, "{idle}");
    }
    assert_eq!(desk.imap(ALICE, minted.token.expose()).await, GOOD);
    desk.forward(60);
    assert_eq!(desk.webmail.refresh(ALICE.as_bytes(), &token, &key()).await, Ok(None));
    assert_eq!(desk.imap(ALICE, minted.token.expose()).await, "webmail_token_ended");
    // One that nobody uses ends sooner, and no refresh brings it back.
    let minted = desk.token(ALICE, Some(&code(120))).await;
    desk.forward(600);
    let token = secret(minted.token.expose());
    assert_eq!(desk.webmail.refresh(ALICE.as_bytes(), &token, &key()).await, Ok(None));
}

#[tokio::test]
async fn nobody_refreshes_or_ends_what_is_not_theirs() {
    let desk = Desk::open(Passwords::Upstream).await;
    let minted = desk.token(ALICE, Some(&code(0))).await;
    let text = minted.token.expose();
    let other = text.replacen("m2fw_2_", "m2fw_1_", 1);
    let guessed = format!("m2fw_2_{}_w", "a".repeat(SECRET_CHARACTERS));
    for (name, token) in
        [(BOB, text), (ALICE, &*other), (ALICE, &*guessed), (ALICE, "right"), (ALICE, "")]
    {
        let token = secret(token);
        assert_eq!(desk.webmail.refresh(name.as_bytes(), &token, &key()).await, Ok(None));
        assert_eq!(desk.webmail.revoke(name.as_bytes(), &token, &key()).await, Ok(false));
    }
    assert!(desk.webmail.refresh(b"a b", &secret(text), &key()).await.is_err());
    assert_eq!(desk.imap(ALICE, text).await, GOOD);
    assert_eq!(desk.store.record(&mailbox(ALICE)).unwrap().sessions.len(), 2);
}

#[tokio::test]
async fn another_api_token_asks_for_none_of_it() {
    let desk = Desk::open(Passwords::Upstream).await;
    let minted = desk.token(BOB, None).await;
    let (name, token) = (BOB.as_bytes(), secret(minted.token.expose()));
    let other = named("rainloop-key");
    assert!(!desk.webmail.is_asked_by("roundcube", &other));
    assert!(desk.webmail.is_asked_by("roundcube", &key()));
    let refused = WebmailError::OtherToken;
    assert_eq!(desk.webmail.refresh(name, &token, &other).await, Err(refused.clone()));
    assert_eq!(desk.webmail.revoke(name, &token, &other).await, Err(refused));
    assert_eq!(desk.imap(BOB, minted.token.expose()).await, GOOD);
    // The machine's administrator needs no token.
    let root = Access { token: None, ..other };
    assert!(desk.webmail.is_asked_by("roundcube", &root));
    assert!(desk.webmail.refresh(name, &token, &root).await.unwrap().is_some());
    assert_eq!(desk.webmail.revoke(name, &token, &root).await, Ok(true));
}

#[tokio::test]
async fn who_is_throttled_is_told_for_how_long() {
    let desk = Desk::over(Desk::new(Passwords::Upstream, Some(ThrottlePolicy::default()))).await;
    for guess in 0..200 {
        match desk.exchange(ALICE, "right", Some(&secret(&format!("{guess:06}")))).await {
            Exchanged::Refused(_) => {}
            Exchanged::Throttled { retry_after } => {
                assert!(retry_after > Duration::from_secs(1), "{retry_after:?}");
                let good = desk.exchange(ALICE, "right", Some(&code(0))).await;
                assert!(matches!(good, Exchanged::Throttled { .. }), "{good:?}");
                assert_eq!(desk.imap(ALICE, "right000000").await, "throttled", "one count");
                desk.forward(retry_after.as_secs() + 1);
                let later = desk.exchange(ALICE, "right", None).await;
                assert!(matches!(later, Exchanged::CodeRequired), "{later:?}");
                return;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("nobody had to wait");
}

/// All of them pass the first question, and most must wait at the second.
#[tokio::test]
async fn who_is_throttled_in_a_crowd_is_told_for_how_long() {
    let desk = Desk::over(Desk::new(Passwords::Upstream, Some(ThrottlePolicy::default()))).await;
    let guesses: Vec<_> = (0..40).map(|guess| secret(&format!("{guess:06}"))).collect();
    let all = guesses.iter().map(|guess| desk.exchange(ALICE, "right", Some(guess)));
    let mut waits = 0;
    for outcome in futures_util::future::join_all(all).await {
        if let Exchanged::Throttled { retry_after } = outcome {
            assert!(retry_after > Duration::from_secs(1), "{retry_after:?}");
            waits += 1;
        }
    }
    assert!(waits > 20, "{waits}");
    assert!(desk.dovecot.0.load(Ordering::SeqCst) > 20, "most were kept waiting at the code");
}

/// Neither one that `[names]` tells from a mailbox nor one that only Dovecot knows, though nobody is
/// protected here.
#[tokio::test]
async fn a_master_user_gets_no_token_of_somebody_else() {
    let desk = Desk::open(Passwords::Upstream).await;
    for (name, reason) in
        [("bob@example.org*root", "bad_name"), ("bob@example.org+root", "bad_name")]
    {
        match desk.exchange(name, "right", None).await {
            Exchanged::Refused(refusal) => assert_eq!(refusal.as_str(), reason, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(desk.store.record(&mailbox(BOB)), None);
}

#[tokio::test]
async fn a_race_mints_one_token_and_a_faulty_store_none() {
    let desk = Desk::open(Passwords::Upstream).await;
    desk.store.conflict(3);
    let minted = desk.token(BOB, None).await;
    assert_eq!(desk.imap(BOB, minted.token.expose()).await, GOOD);
    desk.store.fail(StoreError::Unavailable("away".into()));
    let outcome = desk.exchange(BOB, "right", None).await;
    assert!(matches!(outcome, Exchanged::Unavailable(_)), "{outcome:?}");
    let token = secret(minted.token.expose());
    assert!(desk.webmail.refresh(BOB.as_bytes(), &token, &key()).await.is_err());
    assert!(desk.webmail.revoke(BOB.as_bytes(), &token, &key()).await.is_err());
}

#[tokio::test]
async fn a_token_is_seen_among_the_sign_ins_with_its_webmail() {
    let desk = Desk::open(Passwords::Upstream).await;
    let minted = desk.token(BOB, None).await;
    let Response::Sessions { sessions, .. } =
        desk.admin(Asked::SessionList { mailbox: BOB.into() }).await
    else {
        panic!("sessions")
    };
    let [session] = &*sessions else { panic!("{sessions:?}") };
    assert_eq!(session.webmail.as_deref(), Some("roundcube"));
    assert_eq!(session.id, minted.session);
    assert_eq!(session.opened.from.as_deref(), Some("192.0.2.9"));
    assert_eq!(session.opened.service, "webmail");
}
