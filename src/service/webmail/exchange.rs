//! Password and code for a token.
//!
//! # Security
//!
//! The token is of the mailbox that the login opened, as that stood before its password was looked at: what
//! was changed since, or is changed until the token is written, makes it none.

use std::time::Duration;

use zeroize::Zeroizing;

use super::{Exchange, Exchanged, Life, Minted, Webmail};
use crate::{
    base::{Mailbox, Service, limits::ADMIN_ATTEMPTS},
    decision::{
        flow::Credential,
        names::Identity,
        outcome::{Accepted, Method, Outcome},
        panel::Standing,
        place::Use,
        record::MailboxRecord,
        refusal::Refusal,
        webmail::{Grant, MintedOn, SECRET_CHARACTERS, TypedWebmailToken},
    },
    ports::store::{Change, Commit, Expect},
    service::{admin::Admin, authenticate::Circumstances, standing::Proved},
};

/// The listener's name in the log.
const LISTENER: &str = "api";

/// Longest wait that is told.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

impl Webmail {
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
