//! A session of the User Panel: any bytes are one or an error; one reads back as it was; and whatever it
//! says, it ends when it must and with any change of its mailbox.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use mail2fa::{
    base::{Mailbox, NetAddress, Secret, UnixMillis, limits::LOGIN_SECONDS},
    decision::{
        digest::CredentialKey,
        panel::{PanelPolicy, PanelSession, Standing},
        record::MailboxRecord,
    },
};

#[derive(Arbitrary, Debug)]
struct Case {
    stored: Vec<u8>,
    /// Start from a true one instead, and change this byte.
    flip: Option<(u8, u8)>,
    opened: u64,
    now: u64,
    idle: u32,
    absolute: u32,
    locked: Option<u64>,
    era: Option<Vec<u8>>,
}

fuzz_target!(|case: Case| {
    let key = CredentialKey::new(Secret::from_slice(&[7; 32]));
    let alice = Mailbox::new("alice@example.org").unwrap();
    let moment = |at: Option<u64>| at.filter(|at| *at > 0).map(UnixMillis::from_millis);
    let mut record = MailboxRecord::new(UnixMillis::from_seconds(1));
    let before = Standing::of(&key, &alice, Some(&record));
    record.locked = moment(case.locked);
    let era = case.era.as_deref().map(Secret::from_slice);
    let after = Standing::of(&key, &alice, Some(&record)).in_era(&key, &alice, era.as_ref());
    assert_eq!(before == after, record.locked.is_none() && era.is_none());

    let opened = UnixMillis::from_millis(case.opened);
    let from = NetAddress::parse("2001:db8::1");
    let mut stored = case.stored;
    if let Some((at, mask)) = case.flip {
        stored = PanelSession::open(opened, from, before).encode().expose().to_vec();
        let at = usize::from(at) % stored.len();
        stored[at] ^= mask;
    }
    let Ok(session) = PanelSession::decode(&Secret::from_vec(stored)) else { return };
    assert_eq!(PanelSession::decode(&session.encode()).as_ref(), Ok(&session));

    let policy = PanelPolicy {
        idle_seconds: u64::from(case.idle),
        absolute_seconds: u64::from(case.absolute),
    };
    let now = UnixMillis::from_millis(case.now);
    let live = [before, after].map(|standing| session.is_live(&policy, &standing, now));
    assert!(before == after || live != [true, true], "it lives for one standing of a mailbox");
    if live.contains(&true) {
        let end = |at: UnixMillis, seconds: u64| at.millis().saturating_add(seconds * 1_000);
        assert!(case.now < end(session.opened, policy.absolute_seconds));
        assert!(case.now < end(session.last_use, policy.idle_seconds));
        let early = session.opened.millis().saturating_sub(case.now);
        assert!(early <= LOGIN_SECONDS * 1_000, "it was opened long after now");
        let ended = session.expires(&policy);
        assert!(![before, after].iter().any(|at| session.is_live(&policy, at, ended)));
    }
});
