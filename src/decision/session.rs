//! Sessions: a remembered sign-in. The same credential from the same place keeps working for a
//! bounded time without a new code.
//!
//! ```text
//!            password right, code burned
//!   (none) ─────────────────────────────► live ──┬─ used: idle end moves, absolute end does not
//!                                          ▲ │   │
//!                                          └─┴───┘
//!   live ── absolute end, idle end, revoked, pushed out by newer ones,
//!           password, factor or policy changed, mailbox locked or removed ──► (gone)
//! ```
//!
//! With sessions switched off a sign-in still lives for the parallel window: a mail program that
//! opens five connections at once with one string signs in once.
//!
//! # Security
//!
//! A session is bound to the mailbox, a group of services, a place, and the keyed hash of the
//! whole credential. It stands for the code only: the password part is still checked each time, or
//! was a moment ago (`recall`).
//!
//! Those minted for a webmail are kept among them, so that whatever ends sessions ends these, and are
//! found by their token only (`webmail`).

use super::{
    digest::{CredentialKey, Digest, Kind},
    names::Identity,
    place::{Binding, Place, Use},
    webmail::Grant,
};
use crate::base::{
    NetAddress, Secret, Service, UnixMillis,
    limits::{LOGIN_SECONDS, SESSIONS, WEBMAIL_TOKENS},
};

/// What the administrator says of sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// How long a session lives at most, seconds; 0 switches sessions off.
    pub absolute_seconds: u64,
    /// How long it lives without being used, seconds.
    pub idle_seconds: u64,
    /// How long the same credential from the same place is the same sign-in, seconds.
    pub parallel_seconds: u64,
    /// Sessions of one mailbox; a new one pushes the one out that was used longest ago.
    pub per_mailbox: usize,
    /// What it is bound to.
    pub binding: Binding,
    /// Services that share a session; one that is in no group shares with none.
    pub groups: Vec<Vec<Service>>,
    /// How long a password that was found right need not be asked for again in the same sign-in,
    /// seconds; 0 for each time. See `recall`.
    pub password_seconds: u64,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        let all = vec![Service::Imap, Service::Pop3, Service::Sieve, Service::Smtp];
        Self {
            absolute_seconds: 12 * 3_600,
            idle_seconds: 3_600,
            parallel_seconds: 10,
            per_mailbox: 32,
            binding: Binding::Address,
            groups: vec![all],
            password_seconds: 0,
        }
    }
}

/// A live sign-in, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Names it towards owner and administrator; never given twice within a record.
    pub id: u64,
    /// The keyed hash of the whole credential, its services and its place.
    pub digest: Digest,
    /// When it was opened, from where, for which service.
    pub opened: Use,
    /// When it was used last.
    pub last_use: Use,
    /// Its absolute end.
    pub ends: UnixMillis,
    /// How long it lives without being used, seconds.
    pub idle_seconds: u64,
    /// What a webmail's token has besides.
    pub webmail: Option<Grant>,
}

/// A use is written down only when the last one is older than this part of the idle time, so that a
/// busy webmail does not write at each login.
const TOUCH_FRACTION: u64 = 8;

impl Session {
    /// Whether it lives for a login that arrived at this moment. Of connections opened together the
    /// one that is done first opens the session, and others may have arrived before it, by as long as
    /// a login takes at most. A clock that has gone back further than that ends it.
    pub fn is_live(&self, now: UnixMillis) -> bool {
        now.plus_seconds(LOGIN_SECONDS) >= self.opened.at
            && now < self.ends
            && now < self.last_use.at.plus_seconds(self.idle_seconds)
    }

    /// Whether a use at this moment is worth writing down.
    pub fn is_stale(&self, now: UnixMillis) -> bool {
        now >= self.last_use.at.plus_seconds(self.idle_seconds / TOUCH_FRACTION)
    }

    /// The same session under limits that may be shorter by now.
    fn within(&self, absolute_seconds: u64, idle_seconds: u64) -> Self {
        Self {
            ends: self.ends.min(self.opened.at.plus_seconds(absolute_seconds)),
            idle_seconds: self.idle_seconds.min(idle_seconds),
            ..self.clone()
        }
    }
}

impl SessionPolicy {
    /// What binds a session: equal exactly for the same user, opened mailbox, credential, services and
    /// place.
    pub fn digest(
        &self,
        key: &CredentialKey,
        identity: &Identity,
        credential: &Secret,
        service: &Service,
        from: NetAddress,
    ) -> Digest {
        let group = match self.groups.iter().position(|group| group.contains(service)) {
            Some(number) => format!("group {number}"),
            None => format!("service {service}"),
        };
        let place = match self.binding.place(from) {
            Place::Anywhere => "anywhere".to_owned(),
            Place::Network(network) => network.to_string(),
            Place::Unknown => "unknown".to_owned(),
        };
        // A master user's sign-in is one for each mailbox that is opened.
        let opened = identity.opened().as_str().as_bytes();
        let fields: [&[u8]; 4] = [group.as_bytes(), place.as_bytes(), opened, credential.expose()];
        key.digest(Kind::Session, identity.authenticating(), &fields)
    }

    /// How long a session lives at most, and without being used, seconds.
    fn limits(&self) -> (u64, u64) {
        let absolute = self.absolute_seconds.max(self.parallel_seconds);
        let idle = if self.absolute_seconds == 0 {
            self.parallel_seconds
        } else {
            self.idle_seconds.max(self.parallel_seconds)
        };
        (absolute, idle)
    }

    /// Whether a session of this credential lives at this moment: by what was said when it was
    /// opened and by what is said now, so that shorter times hold for open sessions too.
    pub fn has_live(&self, sessions: &[Session], digest: &Digest, now: UnixMillis) -> bool {
        sessions.iter().any(|session| {
            session.webmail.is_none() && session.digest == *digest && self.is_live(session, now)
        })
    }

    /// Whether a use at this moment is worth writing down.
    pub fn is_stale(&self, session: &Session, now: UnixMillis) -> bool {
        let (absolute, idle) = self.limits();
        session.within(absolute, idle).is_stale(now)
    }

    fn is_live(&self, session: &Session, now: UnixMillis) -> bool {
        if session.webmail.is_some() {
            return session.is_live(now);
        }
        let (absolute, idle) = self.limits();
        session.within(absolute, idle).is_live(now)
    }

    /// The session of a sign-in that was accepted now, with an id that none had before.
    pub fn open(&self, digest: Digest, opened: Use, id: u64) -> Session {
        let (seconds, idle_seconds) = self.limits();
        Session {
            id,
            digest,
            ends: opened.at.plus_seconds(seconds),
            last_use: opened.clone(),
            opened,
            idle_seconds,
            webmail: None,
        }
    }

    /// The same for as long as the parallel window, whatever else is configured.
    pub fn open_briefly(&self, digest: Digest, opened: Use, id: u64) -> Session {
        let seconds = self.parallel_seconds;
        let ends = opened.at.plus_seconds(seconds);
        Session { ends, idle_seconds: seconds, ..self.open(digest, opened, id) }
    }

    /// The sessions of a record after one was added: the dead leave, and the ones used longest ago when
    /// there are too many, of its kind or of all.
    pub fn with(&self, mut sessions: Vec<Session>, new: Session, now: UnixMillis) -> Vec<Session> {
        sessions.retain(|session| self.is_live(session, now) && session.digest != new.digest);
        sessions.sort_by_key(|session| session.last_use.at);
        let token = new.webmail.is_some();
        let most = if token { WEBMAIL_TOKENS } else { self.per_mailbox.max(1) };
        make_room(&mut sessions, most, |session| session.webmail.is_some() == token);
        make_room(&mut sessions, SESSIONS, |_| true);
        sessions.push(new);
        sessions
    }
}

/// Takes the first ones of a kind away until there is room for one more.
fn make_room(sessions: &mut Vec<Session>, most: usize, of_kind: impl Fn(&Session) -> bool) {
    let mut surplus =
        (sessions.iter().filter(|session| of_kind(session)).count() + 1).saturating_sub(most);
    sessions.retain(|session| {
        let leaves = surplus > 0 && of_kind(session);
        surplus -= usize::from(leaves);
        !leaves
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Mailbox;

    fn at(seconds: u64) -> Use {
        let from = NetAddress::parse("192.0.2.1");
        Use { at: UnixMillis::from_seconds(seconds), from, service: Service::Imap }
    }

    fn digest(policy: &SessionPolicy, credential: &str, service: &Service, from: &str) -> Digest {
        policy.digest(
            &CredentialKey::new(Secret::from_slice(b"key")),
            &Identity::Own(Mailbox::new("alice").unwrap()),
            &Secret::from_slice(credential.as_bytes()),
            service,
            NetAddress::parse(from),
        )
    }

    #[test]
    fn bound_to_credential_services_and_place() {
        let policy = SessionPolicy::default();
        let one = digest(&policy, "pw123456", &Service::Imap, "192.0.2.1");
        assert_eq!(one, digest(&policy, "pw123456", &Service::Smtp, "192.0.2.1"));
        for (credential, service, from) in [
            ("pw123457", Service::Imap, "192.0.2.1"),
            ("pw12345", Service::Imap, "192.0.2.1"),
            ("pw123456", Service::Imap, "192.0.2.2"),
            ("pw123456", Service::Imap, "nowhere"),
            ("pw123456", Service::Other("x".into()), "192.0.2.1"),
        ] {
            assert_ne!(one, digest(&policy, credential, &service, from));
        }
    }

    #[test]
    fn ends_at_its_absolute_and_its_idle_end_and_with_the_clock() {
        let policy =
            SessionPolicy { absolute_seconds: 100, idle_seconds: 30, ..SessionPolicy::default() };
        let d = digest(&policy, "pw123456", &Service::Imap, "192.0.2.1");
        let mut session = policy.open(d, at(1_000), 1);
        let before = 1_000 - LOGIN_SECONDS;
        for (now, live) in
            [(1_000, true), (1_029, true), (1_030, false), (before, true), (before - 1, false)]
        {
            assert_eq!(session.is_live(UnixMillis::from_seconds(now)), live, "{now}");
        }
        session.last_use = at(1_095);
        assert!(session.is_live(UnixMillis::from_seconds(1_099)));
        assert!(!session.is_live(UnixMillis::from_seconds(1_100)), "use does not move its end");
    }

    #[test]
    fn switched_off_only_the_parallel_window_is_left() {
        let policy = SessionPolicy { absolute_seconds: 0, ..SessionPolicy::default() };
        let d = digest(&policy, "pw123456", &Service::Imap, "192.0.2.1");
        let session = policy.open(d, at(1_000), 1);
        assert!(session.is_live(UnixMillis::from_seconds(1_009)));
        assert!(!session.is_live(UnixMillis::from_seconds(1_010)));
    }

    #[test]
    fn the_one_used_longest_ago_makes_room() {
        let policy = SessionPolicy { per_mailbox: 3, ..SessionPolicy::default() };
        let mut sessions = Vec::new();
        for n in 0..5_u64 {
            let d = digest(&policy, &format!("pw{n}"), &Service::Imap, "192.0.2.1");
            let new = policy.open(d, at(1_000 + n), n);
            sessions = policy.with(sessions, new, UnixMillis::from_seconds(1_000 + n));
        }
        let opened: Vec<u64> = sessions.iter().map(|s| s.opened.at.seconds()).collect();
        assert_eq!(opened, [1_002, 1_003, 1_004]);
        assert_eq!(sessions.iter().map(|s| s.id).collect::<Vec<_>>(), [2, 3, 4]);
    }
}
