//! The world of one episode: a store, a mail server that knows passwords, a clock, and who is on
//! the way.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use mail2fa::{
    base::{Mailbox, Secret, Service},
    decision::{
        digest::CredentialKey,
        flow::{Passwords, Policy},
        names::{MasterPolicy, NameRules},
        place::Binding,
        record::{MailboxRecord, Versioned},
        session::SessionPolicy,
        throttle::ThrottlePolicy,
    },
    ports::store::Entry,
};

use super::{
    books::{Book, Good, SignInKey},
    desk::Desk,
    dice::Dice,
    enforced::Enforced,
    minted::Webmail,
    places::{Place, cut_code, cut_recovery, service},
    staff::Errand,
};

pub type Shared = Arc<Mutex<World>>;

/// What the administrator has configured.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[derive(Clone, Debug)]
pub struct Rules {
    pub absolute: u64,
    pub idle: u64,
    pub parallel: u64,
    /// 0: address, 1: network, 2: none.
    pub binding: u64,
    /// The four services share sign-ins.
    pub together: bool,
    pub per_mailbox: usize,
    pub throttled: bool,
    pub masters_need_factor: bool,
    pub stored: bool,
    /// How long a password need not be asked for again, seconds.
    pub remembered: u64,
    pub enforced: Enforced,
    /// The webmails that have tokens.
    pub webmails: Vec<Webmail>,
}

impl Rules {
    /// Some rules; with a moment (milliseconds) also of enforcement.
    pub fn roll(dice: &mut Dice, stored: bool, enforcing: Option<u64>) -> Self {
        Self {
            absolute: dice.weighed(&[(6, 43_200), (2, 600), (2, 0)]),
            idle: dice.weighed(&[(6, 3_600), (2, 120)]),
            parallel: dice.weighed(&[(5, 10), (1, 0), (1, 60)]),
            binding: dice.weighed(&[(5, 0), (2, 1), (1, 2)]),
            together: !dice.one_in(4),
            per_mailbox: dice.weighed(&[(4, 32), (1, 2), (1, 1)]),
            throttled: !dice.one_in(3),
            masters_need_factor: !dice.one_in(4),
            stored,
            remembered: dice.weighed(&[(3, 0), (2, 60), (2, 300)]),
            enforced: enforcing.map(|now| Enforced::roll(dice, now)).unwrap_or_default(),
            webmails: Webmail::roll(dice),
        }
    }

    /// Lifetimes, seconds: at most, and without use.
    pub fn limits(&self) -> (u64, u64) {
        match self.absolute {
            0 => (self.parallel, self.parallel),
            absolute => (absolute.max(self.parallel), self.idle.max(self.parallel)),
        }
    }

    pub fn policy(&self) -> Policy {
        let groups = if self.together {
            vec![(0..4).map(service).collect()]
        } else {
            vec![vec![Service::Imap, Service::Pop3], vec![Service::Smtp]]
        };
        Policy {
            names: names(self.masters_need_factor),
            passwords: if self.stored { Passwords::Stored } else { Passwords::Upstream },
            sessions: SessionPolicy {
                absolute_seconds: self.absolute,
                idle_seconds: self.idle,
                parallel_seconds: self.parallel,
                per_mailbox: self.per_mailbox,
                binding: [Binding::Address, Binding::Prefix { v4: 24, v6: 56 }, Binding::None]
                    [usize::try_from(self.binding).unwrap()],
                groups,
                password_seconds: self.remembered,
            },
            key: key(),
            mechanisms: self.enforced.mechanisms(),
            enforcement: self.enforced.policy(),
            webmail: self.webmails.iter().map(Webmail::theirs).collect(),
            throttle: self.throttled.then(ThrottlePolicy::default),
        }
    }
}

/// How names are understood.
pub fn names(masters_need_factor: bool) -> NameRules {
    NameRules {
        master_separator: Some('*'),
        master_without_factor: if masters_need_factor {
            MasterPolicy::Refuse
        } else {
            MasterPolicy::Allow
        },
        ..NameRules::default()
    }
}

/// The key of the credential hashes.
pub fn key() -> CredentialKey {
    CredentialKey::new(Secret::from_slice(b"the key of the simulation"))
}

/// What the mail server knows.
#[derive(Default)]
pub struct Upstream {
    pub down: bool,
    /// Passwords of mailboxes.
    pub accounts: BTreeMap<String, String>,
    /// Other names of mailboxes.
    pub aliases: BTreeMap<String, String>,
    /// Who may open other mailboxes.
    pub masters: Vec<String>,
    /// Names that it alone knows as a master user in a mailbox: master, mailbox.
    pub hidden: BTreeMap<String, (String, String)>,
}

/// A login, and what really happened to it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug)]
pub struct Login {
    pub authzid: String,
    pub authcid: String,
    pub typed: String,
    /// It comes by a mechanism that the mail server decides.
    pub relayed: bool,
    /// Whose password is asked.
    pub user: String,
    /// What is to be opened.
    pub opened: String,
    pub service: usize,
    pub place: Place,
    /// The host that connected.
    pub via: Place,
    /// By the form of this webmail: the password, and what stands in the field for a code.
    pub apart: Option<(String, Option<String>)>,
    pub webmail: &'static str,
    /// Number of the effect by which it was first known, of its record and its era, how the mailbox stands.
    pub first_look: Option<u64>,
    /// The clock was read for it.
    pub clocked: bool,
    pub rules: Arc<Rules>,
    /// Number of the effect at which it came.
    pub began: u64,
    /// The clock then, milliseconds.
    pub arrival: u64,
    /// What the password source was asked, and whether it was right.
    pub asked: Option<(String, bool)>,
    /// Number of the last answer of the mail server.
    pub source: u64,
    /// The daemon looked whether it remembers the password: the clock then, and how often it had been seen
    /// to go back.
    pub looked: Option<(u64, u64)>,
    /// Under which settings it came.
    pub era: u64,
    /// The names that the mail server returned.
    pub returned: Option<String>,
    pub auth_user: Option<String>,
    /// Something it needed was not there.
    pub faulted: bool,
    /// One of its names was changed under it.
    pub disturbed: bool,
    /// Another login used up a code of its mailbox under it.
    pub raced: bool,
    /// It used up a code, or a recovery code.
    pub burned: Option<Good>,
    /// What it had right when it came.
    pub good: Option<Good>,
    /// How often the log was told.
    pub told: u32,
    /// It was told that this one is refused.
    pub refused: bool,
}

impl Login {
    pub fn key(&self) -> SignInKey {
        let place = match self.rules.binding {
            0 | 1 if self.place.narrow.is_empty() => "unknown".into(),
            0 => self.place.address.to_owned(),
            1 => format!("network {}", self.place.network),
            _ => "anywhere".into(),
        };
        let name = service(self.service);
        let group = match (&name, self.rules.together) {
            (Service::Other(_) | Service::Panel | Service::Webmail, _)
            | (Service::Sieve, false) => name.to_string(),
            (Service::Imap | Service::Pop3, false) => "reading".into(),
            (Service::Smtp, false) => "sending".into(),
            (_, true) => "all".into(),
        };
        SignInKey { opened: self.opened.clone(), typed: self.typed.clone(), place, group }
    }
}

impl Login {
    /// What was typed for the password, where it has a field of its own; or all of it.
    pub fn password(&self) -> String {
        self.apart.as_ref().map_or(&self.typed, |(password, _)| password).clone()
    }

    /// The password and the code.
    pub fn cut_code(&self) -> Option<(String, String)> {
        match &self.apart {
            None => cut_code(&self.typed).map(|(head, code)| (head.to_owned(), code)),
            Some((head, factor)) => {
                let (left, code) = cut_code(factor.as_ref()?)?;
                left.is_empty().then(|| (head.clone(), code))
            }
        }
    }

    /// The password and the recovery code.
    pub fn cut_recovery(&self) -> Option<(String, String)> {
        match &self.apart {
            None => cut_recovery(&self.typed).map(|(head, code)| (head.to_owned(), code)),
            Some((head, factor)) => {
                let (left, code) = cut_recovery(factor.as_ref()?)?;
                left.is_empty().then(|| (head.clone(), code))
            }
        }
    }

    /// Whether it must be a webmail's token or nothing.
    pub fn looks_like_a_token(&self) -> bool {
        let middle = self.typed.strip_prefix("m2fw_").and_then(|rest| rest.strip_suffix("_w"));
        let parts = middle.and_then(|middle| middle.split_once('_'));
        let letters =
            |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let fits = parts.is_some_and(|(id, secret)| {
            let number = id.parse::<u64>().is_ok_and(|n| n.to_string() == id && n > 0);
            number && secret.len() == 28 && letters(secret)
        });
        fits && self.apart.is_none() && !self.rules.webmails.is_empty()
    }

    /// Whether it is the same sign-in as one on the way that has a code, and there is time for it.
    pub fn is_with(&self, other: &Self) -> bool {
        let used_up = matches!(other.good, Some(Good::Code | Good::Recovery));
        let sure = !other.raced && !other.disturbed && self.arrival >= other.arrival;
        used_up
            && sure
            && self.user == other.user
            && self.key() == other.key()
            && self.arrival / 30_000 == other.arrival / 30_000
            && self.rules.limits().1 >= 60
            && other.rules.limits().1 >= 60
    }
}

impl std::fmt::Display for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (service, place) = (service(self.service), self.place.address);
        write!(f, "{:?} {:?} types {:?}", self.authzid, self.authcid, self.typed)?;
        write!(f, " for {service} from {place}, has right: {:?}", self.good)
    }
}

/// A password that the source said was right, and for which login.
#[derive(Clone, Debug)]
pub struct Right {
    pub user: String,
    /// The whole string.
    pub typed: String,
    /// What was asked.
    pub password: String,
    pub service: usize,
    pub address: &'static str,
    pub era: u64,
    pub turns: u64,
    /// The clock, milliseconds, and the number of the effect.
    pub at: u64,
    pub seq: u64,
}

/// Who performs an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    Login(u64),
    Errand(u64),
    Desk(u64),
}

/// What is counted over all episodes.
#[derive(Clone, Debug, Default)]
pub struct Tallies(pub BTreeMap<&'static str, u64>);

impl Tallies {
    pub fn add(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub fn merge(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }
}

pub struct World {
    pub dice: Dice,
    /// The server's clock, milliseconds.
    pub now: u64,
    /// The latest it ever showed.
    pub latest: u64,
    /// Number of the last effect.
    pub seq: u64,
    pub stored: bool,
    pub rules: Arc<Rules>,
    /// The settings of before, each with the number of the effect until which it held.
    pub before: Vec<(u64, Arc<Rules>)>,
    pub records: BTreeMap<String, Versioned<MailboxRecord>>,
    pub entries: BTreeMap<(&'static str, Mailbox, String), Versioned<Entry>>,
    pub version: u64,
    pub upstream: Upstream,
    /// Somebody without the password, and somebody with it, try one mailbox without end.
    pub siege: bool,
    /// Something is enforced, or may be.
    pub enforcing: bool,
    pub acting: Option<Actor>,
    pub logins: BTreeMap<u64, Login>,
    pub errands: BTreeMap<u64, Errand>,
    pub desks: BTreeMap<u64, Desk>,
    pub books: BTreeMap<String, Book>,
    /// Failures of networks.
    pub networks: BTreeMap<&'static str, (u64, u64)>,
    /// One effect in so many goes wrong; 0: none.
    pub trouble: u64,
    pub tallies: Tallies,
    /// What the source said was right.
    pub found_right: Vec<Right>,
    /// How often the daemon was started or given other settings.
    pub era: u64,
    /// What the clock showed when the daemon last looked whether it remembers a password, and how often it
    /// had gone back by then.
    pub shown: u64,
    pub turns: u64,
    /// Strings that were typed, with their names and places.
    pub overheard: VecDeque<(String, String, Place)>,
    /// Sign-ins that lived a moment ago: name, string, place, service.
    pub clicking: VecDeque<(String, String, Place, usize)>,
    /// Links that were shown, and whose.
    pub handed: VecDeque<(String, String)>,
    /// The first invariant that did not hold, and whose.
    pub broken: Option<(String, String)>,
    /// Lines about mailboxes, when the episode is run again to be read.
    pub trace: Option<Vec<(String, String)>>,
}

impl World {
    pub fn book(&mut self, name: &str) -> &mut Book {
        self.books.entry(name.to_owned()).or_default()
    }

    /// Says that something does not hold.
    pub fn fail(&mut self, name: &str, what: impl Into<String>) {
        if self.broken.is_none() {
            self.broken = Some((name.to_owned(), what.into()));
        }
    }

    pub fn tell(&mut self, name: &str, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push((name.to_owned(), format!("{:>7} {:>13} {}", self.seq, self.now, line())));
        }
    }

    /// Whether this effect goes wrong.
    pub fn goes_wrong(&mut self) -> bool {
        self.trouble > 0 && self.dice.one_in(self.trouble)
    }

    /// The acting login, if it is one.
    pub fn login(&mut self) -> Option<&mut Login> {
        match self.acting {
            Some(Actor::Login(id)) => self.logins.get_mut(&id),
            Some(Actor::Errand(_) | Actor::Desk(_)) | None => None,
        }
    }

    /// A mailbox was changed by somebody else than a login: logins to it may end otherwise now.
    pub fn disturb(&mut self, name: &str) {
        for login in self.logins.values_mut() {
            let names = [&login.user, &login.opened];
            if names.iter().any(|other| *other == name) || login.returned.as_deref() == Some(name) {
                login.disturbed = true;
            }
        }
        // Other names lead to it as well.
        let leads = |other: &String| self.upstream.aliases.get(other).is_some_and(|t| t == name);
        let hidden = |other: &String| {
            self.upstream.hidden.get(other).is_some_and(|(m, t)| m == name || t == name)
        };
        for login in self.logins.values_mut() {
            login.disturbed |= leads(&login.user) || hidden(&login.user);
        }
        for desk in self.desks.values_mut() {
            desk.disturbed |= desk.name == name;
        }
    }

    /// The password that is right for a name now, and the mailbox that it opens.
    pub fn password_of(&self, name: &str) -> Option<(String, String)> {
        if self.stored {
            let password = self.books.get(name)?.now().password?;
            return Some((password, name.to_owned()));
        }
        if let Some((master, target)) = self.upstream.hidden.get(name) {
            let password = self.upstream.accounts.get(master)?;
            return Some((password.clone(), target.clone()));
        }
        let target = self.upstream.aliases.get(name).map_or(name, String::as_str);
        let password = self.upstream.accounts.get(target)?;
        Some((password.clone(), target.to_owned()))
    }
}
