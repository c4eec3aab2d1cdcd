//! Who changes mailboxes: owners and administrators, through the real use-cases.

use mail2fa::{
    base::SecretText,
    service::admin::{
        AdminError, Disclosed, NewAppPassword, NewLevel, NewPassword, Request, Response,
    },
};

use super::{
    books::OPEN,
    dice::Dice,
    enforced::Level,
    people::{ENROLLERS, new_password},
    places::{HOMES, Place, code, service},
    world::World,
};

/// What is asked for.
#[derive(Clone, Debug)]
pub enum Wish {
    Add(String),
    Password(String),
    Rename(String),
    Remove,
    Enable,
    Confirm(String),
    Disable,
    App {
        services: Vec<usize>,
        only: Option<Place>,
        expires: Option<u64>,
    },
    AppRevoke(String),
    Recovery,
    Revoke(Option<u64>),
    /// All sign-ins, those to the panel too.
    EndAll,
    /// A one-time link to the panel.
    Link,
    Lock,
    Unlock,
    /// A level of its own, or none any more.
    Level(Option<Level>),
}

/// A change on its way.
#[derive(Clone, Debug)]
pub struct Errand {
    pub name: String,
    pub wish: Wish,
    pub began: u64,
    /// The latest that the clock showed at its turns, milliseconds.
    pub clock: u64,
}

fn disclosed(text: &str) -> Disclosed {
    Disclosed::new(SecretText::new(text.to_owned()))
}

impl Errand {
    /// What somebody wants next.
    pub fn roll(world: &mut World) -> Self {
        let name = (*world.dice.pick(&ENROLLERS).unwrap()).to_owned();
        let now = world.now;
        let (stored, enforcing) = (world.stored, world.enforcing);
        let standing = world.book(&name).now();
        let mut dice = Dice::new(world.dice.next());
        let book = world.book(&name);
        let app_ids: Vec<String> =
            book.apps.iter().filter(|app| app.until == OPEN).map(|app| app.id.clone()).collect();
        let mut sign_ins: Vec<u64> =
            book.sign_ins.iter().filter(|s| s.until == OPEN).map(|s| s.id).collect();
        sign_ins.extend(book.tokens.iter().filter(|t| t.until == OPEN).map(|t| t.id));
        let wish = if stored && !standing.record {
            Wish::Add(new_password(&mut dice))
        } else if dice.one_in(6) {
            if dice.one_in(8) { Wish::EndAll } else { Wish::Link }
        } else if standing.locked && dice.one_in(2) {
            Wish::Unlock
        } else if standing.secret.is_none() && dice.one_in(2) {
            match book.shown.last() {
                Some(secret) if !dice.one_in(3) => {
                    let step = now / 30_000 + dice.below(3) - 1;
                    Wish::Confirm(if dice.one_in(8) { "000000".into() } else { code(secret, step) })
                }
                _ => Wish::Enable,
            }
        } else {
            match dice.below(if enforcing { 37 } else { 32 }) {
                0 | 1 => Wish::Disable,
                2..=6 => Wish::App {
                    services: if dice.one_in(2) { Vec::new() } else { vec![dice.index(4)] },
                    only: dice.one_in(4).then(|| HOMES[0]),
                    expires: dice.one_in(2).then(|| (now / 1_000 + 1 + dice.below(2_000)) * 1_000),
                },
                7..=9 => match dice.pick(&app_ids) {
                    Some(id) => Wish::AppRevoke(id.clone()),
                    None => Wish::Recovery,
                },
                10..=13 => Wish::Recovery,
                14..=17 => Wish::Revoke(dice.pick(&sign_ins).copied()),
                18 => Wish::Revoke(None),
                19 | 20 => Wish::Lock,
                21 => Wish::Unlock,
                22..=25 if stored => Wish::Password(new_password(&mut dice)),
                26 if stored => Wish::Remove,
                26 if dice.one_in(3) => Wish::Remove,
                27 => Wish::Rename((*dice.pick(&ENROLLERS).unwrap()).to_owned()),
                28 => Wish::Enable,
                29..=31 => Wish::Confirm("123456".into()),
                _ if dice.one_in(3) => Wish::Level(None),
                _ => Wish::Level(Some(Level::roll(&mut dice, now))),
            }
        };
        Self { name, wish, began: world.seq, clock: 0 }
    }

    /// As the use-case takes it.
    pub fn request(&self) -> Request {
        let mailbox = self.name.clone();
        match &self.wish {
            Wish::Add(text) => {
                Request::MailboxAdd { mailbox, password: NewPassword::Clear(disclosed(text)) }
            }
            Wish::Password(text) => {
                Request::MailboxPassword { mailbox, password: NewPassword::Clear(disclosed(text)) }
            }
            Wish::Rename(to) => Request::MailboxRename { mailbox, to: to.clone() },
            Wish::Remove => Request::MailboxRemove { mailbox },
            Wish::Enable => Request::TotpEnable { mailbox },
            Wish::Confirm(text) => Request::TotpConfirm { mailbox, code: disclosed(text) },
            Wish::Disable => Request::TotpDisable { mailbox },
            Wish::App { services, only, expires } => {
                let wanted = NewAppPassword {
                    name: "program".into(),
                    services: services.iter().map(|number| service(*number).to_string()).collect(),
                    networks: only.iter().map(|place| place.address.to_owned()).collect(),
                    expires: expires.map(|millis| millis / 1_000),
                };
                Request::AppPasswordAdd { mailbox, wanted }
            }
            Wish::AppRevoke(id) => Request::AppPasswordRevoke { mailbox, id: id.clone() },
            Wish::Recovery => Request::RecoveryCodesNew { mailbox },
            Wish::EndAll => Request::SignInsEnd { mailbox },
            Wish::Link => Request::PanelLink { mailbox },
            Wish::Revoke(id) => Request::SessionRevoke { mailbox, id: *id },
            Wish::Lock => Request::MailboxLock { mailbox },
            Wish::Unlock => Request::MailboxUnlock { mailbox },
            Wish::Level(level) => {
                let level = match level {
                    None => NewLevel::Inherit,
                    Some(Level::Off) => NewLevel::Off,
                    Some(Level::Optional) => NewLevel::Optional,
                    Some(Level::Required) => NewLevel::Required,
                    Some(Level::From(second)) => NewLevel::RequiredFrom(*second),
                };
                Request::PolicySet { mailbox, level }
            }
        }
    }
}

impl World {
    /// An errand is over; what was shown is known from now on.
    pub fn answered(&mut self, id: u64, result: Result<Response, AdminError>) {
        let Some(errand) = self.errands.remove(&id) else { return };
        let name = errand.name;
        self.tell(&name, || format!("errand {id} answered: {result:?}"));
        let Ok(response) = result else {
            self.tallies.add("errands refused or failed");
            return;
        };
        self.tallies.add("errands done");
        let book = self.book(&name);
        let texts = |codes: Vec<Disclosed>| codes.iter().map(|c| c.expose().to_owned()).collect();
        match response {
            Response::Enrolment(enrolment) => {
                let alphabet = base32::Alphabet::Rfc4648 { padding: false };
                let secret = base32::decode(alphabet, enrolment.secret.expose()).unwrap();
                book.shown.push(secret);
            }
            Response::Confirmed { recovery_codes, .. }
            | Response::RecoveryCodes { recovery_codes, .. } => {
                if let Some(set) = book.sets.iter_mut().find(|set| set.errand == id) {
                    set.codes = texts(recovery_codes);
                }
            }
            Response::AppPassword { password, .. } => {
                if let Some(app) = book.apps.iter_mut().find(|app| app.errand == id) {
                    app.text = Some(password.expose().to_owned());
                }
            }
            Response::PanelLink { link, expires, .. } => {
                if let Some(made) = book.links.iter_mut().find(|link| link.errand == id) {
                    (made.text, made.said) = (Some(link.expose().to_owned()), expires);
                    self.handed.push_back((name, link.expose().to_owned()));
                    if self.handed.len() > 8 {
                        self.handed.pop_front();
                    }
                }
            }
            _ => {}
        }
    }
}
