//! The use-cases over a [`Shelf`]: two mailboxes of two domains, Alice's with a second factor, one webmail.

use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mail2fa::{
    base::{Clock, Mailbox, NetAddress, Secret, Service, UnixMillis, clock::ClockError},
    decision::{
        app_password::{AppPassword, TypedAppPassword},
        digest::CredentialKey,
        enforcement::EnforcementPolicy,
        flow::{Credential, Passwords, Policy, Request},
        mechanisms::Mechanisms,
        names::NameRules,
        outcome::Outcome,
        panel::PanelPolicy,
        place::Network,
        record::{MailboxRecord, TotpFactor},
        retention::TrailPolicy,
        session::SessionPolicy,
        webmail::{TypedWebmailToken, WebmailRule, WebmailRules},
    },
    ports::{
        BoxFuture,
        audit::{LoginEvent, LoginLog},
        notice::Silent,
        password::{FormLogin, PasswordAnswer, PasswordQuestion, PasswordSource, PasswordSources},
    },
    service::{
        admin::Admin,
        authenticate::{Authenticator, Circumstances},
        owner::{self, Owner},
        trail::Recorder,
        webmail::{self, Webmail},
    },
};

use crate::{Fixed, Shelf};

/// Has a second factor.
pub const ALICE: &str = "alice@example.org";
/// Has none, and is of another domain.
pub const BOB: &str = "bob@example.net";
/// Of both.
pub const PASSWORD: &str = "T9D3K!px";
/// Alice's.
pub const SECRET: &[u8; 20] = b"12345678901234567890";
/// Where the webmail is.
pub const WEBMAIL: &str = "192.0.2.80";
/// The clock, seconds.
pub const NOW: u64 = 1_800_000_000;

/// The key of the hashes.
pub fn key() -> CredentialKey {
    CredentialKey::new(Secret::from_slice(&[7; 32]))
}

/// A name that is known to be one.
pub fn mailbox(name: &str) -> Mailbox {
    Mailbox::new(name).unwrap()
}

struct Still(AtomicU64);

impl Clock for Still {
    fn now(&self) -> Result<UnixMillis, ClockError> {
        Ok(UnixMillis::from_millis(self.0.load(Ordering::Relaxed)))
    }
}

struct Unheard;

impl LoginLog for Unheard {
    fn login(&self, _: &LoginEvent<'_>) {}
}

/// A mail server that knows one password, and must never be asked for a token.
struct Dovecot;

impl PasswordSource for Dovecot {
    fn check<'a>(&'a self, question: &'a PasswordQuestion) -> BoxFuture<'a, PasswordAnswer> {
        let password = &question.password;
        assert!(TypedWebmailToken::parse(password).is_none(), "a token was tried as a password");
        let name = question.mailbox.as_str();
        let right = password.expose() == PASSWORD.as_bytes() && [ALICE, BOB].contains(&name);
        Box::pin(ready(if right {
            PasswordAnswer::Right { user: Some(name.into()), auth_user: None }
        } else {
            PasswordAnswer::Wrong
        }))
    }

    fn establish<'a>(&'a self, mailbox: &'a Mailbox) -> BoxFuture<'a, PasswordAnswer> {
        let user = Some(mailbox.as_str().as_bytes().to_vec());
        Box::pin(ready(PasswordAnswer::Right { user, auth_user: None }))
    }
}

struct Forms;

impl PasswordSources for Forms {
    fn for_form(&self, _: &FormLogin<'_>) -> Box<dyn PasswordSource + '_> {
        Box::new(Dovecot)
    }
}

/// All of it.
pub struct Desk {
    /// The store.
    pub shelf: Arc<Shelf>,
    clock: Arc<Still>,
    /// The administrator's use-cases.
    pub admin: Arc<Admin>,
    /// The one that decides logins.
    pub authenticator: Arc<Authenticator>,
    /// The webmail's use-cases.
    pub webmail: Arc<Webmail>,
    /// The User Panel's.
    pub owner: Owner,
}

impl Default for Desk {
    fn default() -> Self {
        Self::new()
    }
}

impl Desk {
    /// With an empty store.
    pub fn new() -> Self {
        let shelf = Arc::new(Shelf::default());
        let clock = Arc::new(Still(AtomicU64::new(NOW * 1_000)));
        let policy = Policy {
            names: NameRules::default(),
            passwords: Passwords::Upstream,
            sessions: SessionPolicy::default(),
            key: key(),
            throttle: None,
            enforcement: EnforcementPolicy::default(),
            mechanisms: Mechanisms::default(),
            webmail: Self::rules(),
        };
        let trail = TrailPolicy::default();
        let trail = Recorder::new(shelf.clone(), shelf.clone(), clock.clone(), trail);
        let authenticator =
            Arc::new(Authenticator::new(shelf.clone(), clock.clone(), Arc::new(Unheard), policy));
        let admin = Arc::new(Admin {
            store: shelf.clone(),
            hasher: None,
            clock: clock.clone(),
            key: key(),
            rng: Arc::new(Fixed),
            names: NameRules::default(),
            issuer: "Fuzz".into(),
            notifier: Arc::new(Silent),
            trail: Arc::new(trail),
            enforcement: EnforcementPolicy::default(),
            panel: None,
        });
        let parts = webmail::Parts { admin: admin.clone(), passwords: Arc::new(Forms) };
        let webmail = Arc::new(Webmail::new(authenticator.clone(), parts));
        let parts = owner::Parts {
            admin: admin.clone(),
            passwords: Arc::new(Forms),
            policy: PanelPolicy::default(),
            refusal_delay: Duration::ZERO,
        };
        let owner = Owner::new(authenticator.clone(), parts);
        Self { shelf, clock, admin, authenticator, webmail, owner }
    }

    /// What is said of the one webmail.
    pub fn rules() -> WebmailRules {
        let rule = WebmailRule {
            token: Some("roundcube".into()),
            services: vec![Service::Imap],
            networks: vec![Network::parse(WEBMAIL).unwrap()],
            from_browser: false,
            idle_seconds: 600,
            absolute_seconds: 3_600,
        };
        WebmailRules::from([("roundcube".into(), rule)])
    }

    /// Sets the clock, milliseconds, and puts the two mailboxes there, each with an app password.
    pub fn reset(&self, now: u64) {
        self.clock.0.store(now, Ordering::Relaxed);
        self.shelf.clear();
        self.shelf.put(ALICE, Some(Self::alice()));
        self.shelf.put(BOB, Some(with_phone(BOB)));
    }

    /// Sets the clock, milliseconds.
    pub fn set_clock(&self, now: u64) {
        self.clock.0.store(now, Ordering::Relaxed);
    }

    /// Alice's record.
    pub fn alice() -> MailboxRecord {
        let secret = Secret::from_slice(SECRET);
        let enabled = UnixMillis::from_seconds(1);
        let totp = Some(TotpFactor { secret, last_step: 0, enabled });
        MailboxRecord { totp, ..with_phone(ALICE) }
    }

    /// What becomes of a login by a mail program.
    pub async fn login(
        &self,
        name: &str,
        typed: &[u8],
        service: Service,
        (remote, via): (NetAddress, NetAddress),
    ) -> Outcome {
        let circumstances = Circumstances {
            listener: "fuzz".into(),
            service: service.clone(),
            remote,
            mechanism: "PLAIN".into(),
            session: None,
            client: None,
        };
        let request = Request {
            authzid: Vec::new(),
            authcid: name.into(),
            credential: Credential::Joined(Secret::from_slice(typed)),
            service,
            remote,
            via,
        };
        self.authenticator.authenticate(request, &circumstances, &Dovecot).await
    }
}

fn with_phone(name: &str) -> MailboxRecord {
    let typed = TypedAppPassword::generate(&[5; 29]);
    let mut record = MailboxRecord::new(UnixMillis::from_seconds(1));
    record.app_passwords.push(AppPassword {
        id: typed.id,
        digest: typed.digest(&mailbox(name), &key()),
        name: format!("phone of {name}"),
        services: Vec::new(),
        networks: Vec::new(),
        created: UnixMillis::from_seconds(1),
        expires: None,
        last_use: None,
    });
    record
}
