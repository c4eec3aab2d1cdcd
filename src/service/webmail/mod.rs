//! What a webmail asks for: a token for somebody who has just given password and code, more time for it,
//! its end.
//!
//! Who gets one is decided by the machine that decides every login ([`Authenticator`]), for
//! [`Service::Webmail`]. It knows no HTTP; whoever calls it holds refusals back until the moment at which
//! all of them leave, as at every other door.
//!
//! # Security
//!
//! The caller is a webmail that the administrator trusts with passwords and with the addresses of
//! browsers. "Code required" says that the password is right, "throttled" that there were guesses;
//! everything else is one refusal. A token leaves once, in the answer to the exchange; the store has its
//! keyed hash. To refresh is not to sign in again: it moves the idle end only, never the absolute one.

use std::{sync::Arc, time::Duration};

use zeroize::Zeroizing;

use super::{
    admin::{Access, Admin},
    authenticate::{Authenticator, Circumstances},
    standing::Proved,
};
use crate::{
    base::{Mailbox, NetAddress, Secret, SecretText, Service, UnixMillis, limits::ADMIN_ATTEMPTS},
    decision::{
        flow::Credential,
        names::Identity,
        outcome::{Accepted, Method, Outcome},
        panel::Standing,
        place::Use,
        record::{MailboxRecord, Versioned},
        refusal::Refusal,
        session::Session,
        webmail::{self, Found, Grant, MintedOn, SECRET_CHARACTERS, TypedWebmailToken},
    },
    ports::{
        event::TrailEvent,
        password::PasswordSources,
        store::{Change, Commit, Expect, StoreError},
    },
};

/// The listener's name in the log.
const LISTENER: &str = "api";

/// Longest wait that is told.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// The use-cases, with what they need.
pub struct Webmail {
    authenticator: Arc<Authenticator>,
    parts: Parts,
}

/// What of the configuration they are made of.
pub struct Parts {
    /// The administrator's use-cases.
    pub admin: Arc<Admin>,
    /// Who knows passwords.
    pub passwords: Arc<dyn PasswordSources>,
}

/// What somebody typed into a webmail's form.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The webmail, as it is configured.
    pub webmail: String,
    /// The name, as typed.
    pub name: Vec<u8>,
    /// The password.
    pub password: Secret,
    /// A code or recovery code; `None` if it was not asked yet.
    pub factor: Option<Secret>,
    /// Where the browser is.
    pub browser: NetAddress,
}

/// What became of an exchange.
#[derive(Debug)]
#[must_use]
pub enum Exchanged {
    /// In.
    Token(Minted),
    /// The password is right; a code is asked.
    CodeRequired,
    /// Not in. The reason is for the log; a webmail says the same for all of them.
    Refused(Refusal),
    /// Not in: there were too many failures. The code was not looked at, and as a rule not the password.
    Throttled {
        /// When there is room for another try.
        retry_after: Duration,
    },
    /// Nobody can say now.
    Unavailable(String),
}

/// A token, and what to do with it.
#[derive(Debug)]
pub struct Minted {
    /// The name to log in with, which may be another one than was typed.
    pub mailbox: Mailbox,
    /// What to log in with, in place of the password.
    pub token: SecretText,
    /// The number of its session.
    pub session: u64,
    /// How long it lives.
    pub life: Life,
}

/// How long a token lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// When it ends if it is not used again.
    pub expires: UnixMillis,
    /// When it ends in any case.
    pub ends: UnixMillis,
}

/// Why nothing can be said of a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebmailError {
    /// The store, or the clock.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Not a mailbox name.
    #[error("{0}")]
    BadName(String),
    /// The token is of a webmail that another API token asks for.
    #[error("another API token asks for this webmail")]
    OtherToken,
}

impl From<StoreError> for WebmailError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl Webmail {
    /// Over the one that decides logins.
    pub fn new(authenticator: Arc<Authenticator>, parts: Parts) -> Self {
        Self { authenticator, parts }
    }

    /// Whether a webmail of this name is configured.
    pub fn knows(&self, webmail: &str) -> bool {
        self.authenticator.policy().webmail.contains_key(webmail)
    }

    /// Whether somebody may ask for this webmail at all.
    pub fn is_asked_by(&self, webmail: &str, access: &Access) -> bool {
        let policy = self.authenticator.policy();
        policy.webmail.get(webmail).is_none_or(|rule| rule.is_asked_by(access.token.as_deref()))
    }

    /// Gives a token for password and code. `may` says of which mailboxes the caller may ask at all; it is
    /// asked of the one that is opened, which may be another one than was typed.
    pub async fn exchange(&self, wanted: Exchange, may: impl Fn(&Mailbox) -> bool) -> Exchanged {
        let admin = self.admin();
        let before = match admin.before(&wanted.name).await {
            Ok(before) => before,
            Err(error) => return Exchanged::Unavailable(error.to_string()),
        };
        let accepted = match self.ask(&wanted).await {
            Outcome::Accepted(accepted) => match accepted.identity() {
                Identity::Own(_) => accepted,
                // A token is its mailbox's; a master user has a code at each login.
                Identity::Master { .. } => {
                    return Exchanged::Refused(Refusal::OtherMailboxProtected);
                }
            },
            Outcome::Refused(Refusal::MissingCode) => return Exchanged::CodeRequired,
            Outcome::Refused(Refusal::Throttled) => {
                let wait = self.authenticator.wait(&wanted.name, wanted.browser).await;
                let retry_after = wait.unwrap_or_default().min(LONGEST_WAIT);
                return Exchanged::Throttled { retry_after };
            }
            Outcome::Refused(refusal) => return Exchanged::Refused(refusal),
            Outcome::Unavailable(why) => return Exchanged::Unavailable(why),
        };
        let minted = match admin.proved(&accepted, before).await {
            Ok(Some(proved)) if may(&proved.mailbox) => {
                self.mint(admin, &wanted, &proved, &accepted).await
            }
            Ok(Some(_)) => return Exchanged::Refused(Refusal::OtherMailboxProtected),
            Ok(None) => Err("the mailbox was changed meanwhile".into()),
            Err(error) => Err(error.to_string()),
        };
        match minted {
            Ok(minted) => Exchanged::Token(minted),
            Err(why) => Exchanged::Unavailable(why),
        }
    }

    async fn ask(&self, wanted: &Exchange) -> Outcome {
        let Exchange { webmail, name, password, factor, browser } = wanted;
        let credential = Credential::Apart { password: password.clone(), factor: factor.clone() };
        let circumstances = Circumstances {
            client: Some(webmail.as_str().into()),
            ..Circumstances::of_form(LISTENER, Service::Webmail, *browser)
        };
        self.authenticator.ask_form(&*self.parts.passwords, name, credential, &circumstances).await
    }

    /// Writes the token's session, over the very mailbox whose password and code were looked at.
    async fn mint(
        &self,
        admin: &Admin,
        wanted: &Exchange,
        proved: &Proved,
        accepted: &Accepted,
    ) -> Result<Minted, String> {
        const CHANGED: &str = "the mailbox was changed meanwhile";
        let policy = self.authenticator.policy();
        let rule = policy.webmail.get(&wanted.webmail).ok_or("no such webmail is configured")?;
        let mut random = Zeroizing::new([0; SECRET_CHARACTERS]);
        admin.rng.fill(&mut *random).map_err(|error| error.to_string())?;
        let mailbox = &proved.mailbox;
        for _ in 0..ADMIN_ATTEMPTS {
            let at = admin.clock.now().map_err(|error| error.to_string())?;
            let found = admin.store.load(mailbox).await.map_err(|error| error.to_string())?;
            let record = found.as_ref().map(|found| &found.value);
            let era = admin.era(mailbox).await.map_err(|error| error.to_string())?;
            if era.standing(&admin.key, record) != proved.standing {
                return Err(CHANGED.into());
            }
            let standing = Standing::of(&admin.key, mailbox, record);
            let enrolled = record.is_some_and(MailboxRecord::is_enrolled);
            let minted_on = minted_on(accepted.method(), enrolled && proved.own).ok_or(CHANGED)?;
            let expect =
                found.as_ref().map_or(Expect::Absent, |found| Expect::Version(found.version));
            let mut record = found.map_or_else(|| MailboxRecord::new(at), |found| found.value);
            let typed = TypedWebmailToken::generate(record.next_session(), &random);
            let grant = Grant { webmail: wanted.webmail.clone(), standing, minted_on };
            let opened = Use { at, from: wanted.browser, service: Service::Webmail };
            let digest = typed.digest(mailbox, &admin.key);
            let session = rule.open(digest, opened, typed.id, grant);
            let life = Life { expires: rule.expires(&session), ends: session.ends };
            let sessions = std::mem::take(&mut record.sessions);
            record.sessions = policy.sessions.with(sessions, session, at);
            let record = Some(Box::new(record));
            let change = Change::Mailbox { mailbox: mailbox.clone(), expect, record };
            let changes = vec![change, era.lasts()];
            match admin.store.commit(changes).await.map_err(|error| error.to_string())? {
                Commit::Done(_) => {
                    let (mailbox, session) = (mailbox.clone(), typed.id);
                    return Ok(Minted { mailbox, token: typed.shown(), session, life });
                }
                Commit::Conflict => {}
            }
        }
        Err("the mailbox's record changes faster than it can be written".into())
    }

    /// Counts as a use of a token, for a webmail whose user is there and asks for no mail; `None` if it is
    /// none, or has ended.
    ///
    /// # Errors
    ///
    /// See [`WebmailError`].
    pub async fn refresh(
        &self,
        name: &[u8],
        token: &Secret,
        access: &Access,
    ) -> Result<Option<Life>, WebmailError> {
        let admin = self.admin();
        let policy = self.authenticator.policy();
        let mailbox = mailbox(admin, name)?;
        let Some(typed) = TypedWebmailToken::parse(token) else { return Ok(None) };
        for _ in 0..ADMIN_ATTEMPTS {
            let at = now(admin)?;
            let Some(found) = admin.store.load(&mailbox).await? else { return Ok(None) };
            let Ok(token) =
                webmail::find(&policy.webmail, &typed, &found.value, &mailbox, &policy.key, at)
            else {
                return Ok(None);
            };
            if !token.rule.is_asked_by(access.token.as_deref()) {
                return Err(WebmailError::OtherToken);
            }
            let (session, life, stale) = refreshed(&token, at);
            if !stale {
                return Ok(Some(life));
            }
            let Versioned { value: mut record, version } = found;
            if let Some(kept) = record.sessions.iter_mut().find(|kept| kept.id == session) {
                kept.last_use.at = at;
            }
            let change = change(&mailbox, record, version);
            if let Commit::Done(_) = admin.store.commit(vec![change]).await? {
                return Ok(Some(life));
            }
        }
        Err(WebmailError::Unavailable("the mailbox's record changes all the time".into()))
    }

    /// Ends a token; whether there was one.
    ///
    /// # Errors
    ///
    /// See [`WebmailError`].
    pub async fn revoke(
        &self,
        name: &[u8],
        token: &Secret,
        access: &Access,
    ) -> Result<bool, WebmailError> {
        let admin = self.admin();
        let mailbox = mailbox(admin, name)?;
        let Some(typed) = TypedWebmailToken::parse(token) else { return Ok(false) };
        let digest = typed.digest(&mailbox, &admin.key);
        for _ in 0..ADMIN_ATTEMPTS {
            let Some(found) = admin.store.load(&mailbox).await? else { return Ok(false) };
            let Versioned { value: mut record, version } = found;
            let ends = |s: &Session| s.webmail.is_some() && s.digest == digest;
            let ended = record.sessions.iter().find(|s| ends(s));
            let Some(grant) = ended.and_then(|s| s.webmail.as_ref()) else { return Ok(false) };
            if !self.is_asked_by(&grant.webmail, access) {
                return Err(WebmailError::OtherToken);
            }
            // Also one whose time is over: nothing of it is to be left.
            record.sessions.retain(|s| !ends(s));
            let note = TrailEvent::change(now(admin)?, &mailbox, &access.by, "webmail log-out")
                .with_detail(&typed.id.to_string());
            let record = admin.worth_keeping(record).map(Box::new);
            let expect = Expect::Version(version);
            let change = Change::Mailbox { mailbox: mailbox.clone(), expect, record };
            let changes = vec![change, Change::Note(Box::new(note))];
            if let Commit::Done(_) = admin.store.commit(changes).await? {
                return Ok(true);
            }
        }
        Err(WebmailError::Unavailable("the mailbox's record changes all the time".into()))
    }

    fn admin(&self) -> &Admin {
        &self.parts.admin
    }
}

/// What a token is minted on; `None` for what opens no mail.
fn minted_on(method: Method, own_factor: bool) -> Option<MintedOn> {
    match method {
        Method::Password => Some(MintedOn::Password),
        Method::PasswordAndCode | Method::PasswordAndRecoveryCode | Method::PasswordAndSession => {
            // The factor of another name says nothing of this mailbox.
            Some(if own_factor { MintedOn::PasswordAndCode } else { MintedOn::Password })
        }
        Method::AppPassword
        | Method::WebmailToken
        | Method::PanelAndCode
        | Method::PanelAndRecoveryCode
        | Method::ExemptNetwork
        | Method::Mechanism
        | Method::MechanismAndFactorElsewhere => None,
    }
}

/// The session of a token that lives, how long it will if it is used now, and whether that is worth
/// writing down.
fn refreshed(found: &Found<'_>, at: UnixMillis) -> (u64, Life, bool) {
    let stale = found.rule.is_stale(found.session, at);
    let mut session = found.session.clone();
    if stale {
        session.last_use.at = at;
    }
    let expires = found.rule.expires(&session);
    let absolute = session.opened.at.plus_seconds(found.rule.absolute_seconds);
    (session.id, Life { expires, ends: session.ends.min(absolute) }, stale)
}

fn change(
    mailbox: &Mailbox,
    record: MailboxRecord,
    version: crate::decision::record::Version,
) -> Change {
    let (mailbox, expect) = (mailbox.clone(), Expect::Version(version));
    Change::Mailbox { mailbox, expect, record: Some(Box::new(record)) }
}

fn mailbox(admin: &Admin, name: &[u8]) -> Result<Mailbox, WebmailError> {
    admin.names.canonical(name).map_err(|error| WebmailError::BadName(error.to_string()))
}

fn now(admin: &Admin) -> Result<UnixMillis, WebmailError> {
    admin.clock.now().map_err(|error| WebmailError::Unavailable(error.to_string()))
}

#[cfg(test)]
mod tests;
