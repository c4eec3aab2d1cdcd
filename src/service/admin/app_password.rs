//! App passwords: add, list, revoke.
//!
//! # Security
//!
//! An app password leaves once, in the answer to the request that made it. The store has its keyed
//! hash only.

use zeroize::Zeroizing;

use super::{
    Admin, AdminError, AppPasswordView, Disclosed, NewAppPassword, Response, acting::Acting,
    change::Missing, error::moment, view::UseView,
};
use crate::{
    base::{
        Mailbox, Service, UnixMillis,
        limits::{ADMIN_ATTEMPTS, APP_PASSWORD_NAME_BYTES, APP_PASSWORD_NETWORKS, APP_PASSWORDS},
    },
    decision::{
        app_password::{
            AppPassword, AppPasswordId, ID_CHARACTERS, SECRET_CHARACTERS, TypedAppPassword,
        },
        place::Network,
    },
    ports::notice::What,
};

/// What is asked of a new app password, checked.
struct Wanted {
    name: String,
    services: Vec<Service>,
    networks: Vec<Network>,
    expires: Option<UnixMillis>,
}

impl Acting<'_> {
    /// Makes one. Where passwords are Dovecot's, the mailbox needs no record before.
    pub(super) async fn add_app_password(
        &self,
        typed: &str,
        wanted: &NewAppPassword,
    ) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let now = self.now()?;
        let wanted = Wanted::check(wanted, now)?;
        let (id, password) = self
            .change(&mailbox, Missing::Make, |record| {
                let list = &mut record.app_passwords;
                // Those whose time is over make room.
                list.retain(|app| app.expires.is_none_or(|end| now < end));
                if list.len() >= APP_PASSWORDS {
                    return Err(AdminError::TooManyAppPasswords { most: APP_PASSWORDS });
                }
                let made = self.new_app_password(list)?;
                list.push(wanted.store(&made, &mailbox, self, now));
                let detail = format!("{} {:?}", made.id.as_str(), wanted.name);
                Ok(((made.id, made.shown()), detail))
            })
            .await?;
        self.tell_owner(&mailbox, What::AppPasswordAdded { name: wanted.name.clone() });
        Ok(Response::AppPassword {
            mailbox: mailbox.to_string(),
            id: id.as_str().to_owned(),
            password: Disclosed::new(password),
        })
    }

    pub(super) async fn list_app_passwords(&self, typed: &str) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let found = self.known(&mailbox).await?;
        let list = found.map(|found| found.value.app_passwords).unwrap_or_default();
        Ok(Response::AppPasswords {
            mailbox: mailbox.to_string(),
            app_passwords: list.iter().map(view).collect(),
        })
    }

    pub(super) async fn revoke_app_password(
        &self,
        typed: &str,
        id: &str,
    ) -> Result<Response, AdminError> {
        let mailbox = self.name(typed)?;
        let id = AppPasswordId::parse(id.trim()).ok_or(AdminError::BadAppPasswordId)?;
        self.change(&mailbox, Missing::Refuse, |record| {
            let before = record.app_passwords.len();
            record.app_passwords.retain(|app| app.id != id);
            if record.app_passwords.len() == before {
                let (mailbox, id) = (mailbox.to_string(), id.as_str().to_owned());
                return Err(AdminError::NoAppPassword { mailbox, id });
            }
            Ok(((), id.as_str().to_owned()))
        })
        .await?;
        let id = id.as_str().to_owned();
        Ok(Response::AppPasswordRevoked { mailbox: mailbox.to_string(), id })
    }

    /// Whose name none of the others has.
    fn new_app_password(&self, others: &[AppPassword]) -> Result<TypedAppPassword, AdminError> {
        for _ in 0..ADMIN_ATTEMPTS {
            let mut random = Zeroizing::new([0; ID_CHARACTERS + SECRET_CHARACTERS]);
            self.random(&mut *random)?;
            let made = TypedAppPassword::generate(&random);
            if others.iter().all(|other| other.id != made.id) {
                return Ok(made);
            }
        }
        Err(AdminError::Busy)
    }
}

impl Wanted {
    fn check(wanted: &NewAppPassword, now: UnixMillis) -> Result<Self, AdminError> {
        let bad = |why: String| AdminError::BadAppPassword { why };
        let name = wanted.name.trim();
        if name.is_empty() || name.len() > APP_PASSWORD_NAME_BYTES {
            let why = "an app password has a name, such as \"phone\", of at most";
            return Err(bad(format!("{why} {APP_PASSWORD_NAME_BYTES} bytes")));
        }
        if name.chars().any(|c| c.is_control() || c == '"' || c == '\\') {
            return Err(bad("a name has no control characters, quotes and backslashes".into()));
        }
        let mut services = Vec::new();
        for service in &wanted.services {
            let service = match Service::parse(service) {
                Service::Other(_) | Service::Panel | Service::Webmail => {
                    let why = "a service is imap, pop3, sieve (managesieve) or smtp (submission)";
                    return Err(bad(why.into()));
                }
                known @ (Service::Imap | Service::Pop3 | Service::Sieve | Service::Smtp) => known,
            };
            if !services.contains(&service) {
                services.push(service);
            }
        }
        if wanted.networks.len() > APP_PASSWORD_NETWORKS {
            return Err(bad(format!("at most {APP_PASSWORD_NETWORKS} networks can be given")));
        }
        let networks = wanted.networks.iter().map(|text| Network::parse(text.trim()));
        let networks = networks.collect::<Option<_>>().ok_or_else(|| {
            bad("a network is an address, or a first address with its bits, 192.0.2.0/24".into())
        })?;
        let expires = wanted.expires.map(|end| moment("expires", end)).transpose()?;
        if expires.is_some_and(|end| end <= now) {
            return Err(bad("the end of an app password lies in the future".into()));
        }
        Ok(Self { name: name.to_owned(), services, networks, expires })
    }

    fn store(
        &self,
        made: &TypedAppPassword,
        mailbox: &Mailbox,
        admin: &Admin,
        now: UnixMillis,
    ) -> AppPassword {
        AppPassword {
            id: made.id,
            digest: made.digest(mailbox, &admin.key),
            name: self.name.clone(),
            services: self.services.clone(),
            networks: self.networks.clone(),
            created: now,
            expires: self.expires,
            last_use: None,
        }
    }
}

fn view(app: &AppPassword) -> AppPasswordView {
    AppPasswordView {
        id: app.id.as_str().to_owned(),
        name: app.name.clone(),
        services: app.services.iter().map(ToString::to_string).collect(),
        networks: app.networks.iter().map(ToString::to_string).collect(),
        created: app.created.seconds(),
        expires: app.expires.map(UnixMillis::seconds),
        last_use: app.last_use.as_ref().map(UseView::of),
    }
}
