//! A webmail's tokens: any bytes are one, to the letter, or none; and whatever was done to the record or is
//! typed, a door opens only by the very token, for its services and from its places, within its time, to the
//! mailbox as it stood; what looks like a token is never tried as a password.

#![no_main]

use std::cell::LazyCell;

use arbitrary::Arbitrary;
use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;
use mail2fa::{
    base::{NetAddress, Secret, Service, UnixMillis, limits::LOGIN_SECONDS},
    decision::{
        outcome::{Method, Outcome},
        panel::Standing,
        place::Use,
        webmail::{Grant, MintedOn, SECRET_CHARACTERS, TypedWebmailToken, find},
    },
    service::admin::Access,
    store::record::{decode, encode},
};
use mail2fa_fuzz::{ALICE, Altered, BOB, Desk, NOW, WEBMAIL, flipped, key, mailbox};

#[derive(Arbitrary, Debug)]
enum Typed {
    Bytes(Altered),
    /// The number of another session.
    Number(u64),
}

#[derive(Arbitrary, Debug)]
struct Case {
    typed: Typed,
    /// What happens to the stored record: a byte, or a piece.
    damage: Option<(u16, u8)>,
    splice: Option<(u16, u8, Vec<u8>)>,
    /// Milliseconds since half an hour before it was minted.
    now: u32,
    bob: bool,
    service: u8,
    places: [u8; 2],
    with_code: bool,
}

thread_local! {
    static DESK: LazyCell<Desk> = LazyCell::new(Desk::new);
}

fuzz_target!(|case: Case| DESK.with(|desk| {
    let now = NOW * 1_000 - 1_800_000 + u64::from(case.now % 7_200_000);
    desk.reset(now);
    let rules = Desk::rules();
    let (alice, opened) = (mailbox(ALICE), UnixMillis::from_seconds(NOW));
    let token = TypedWebmailToken::generate(1, &[9; SECRET_CHARACTERS]);
    let truth = token.shown().expose().as_bytes().to_vec();
    let standing = Standing::of(&key(), &alice, desk.shelf.record(ALICE).as_ref());
    let minted_on = if case.with_code { MintedOn::PasswordAndCode } else { MintedOn::Password };
    let grant = Grant { webmail: "roundcube".into(), standing, minted_on };
    let browser = NetAddress::parse("198.51.100.7");
    let opening = Use { at: opened, from: browser, service: Service::Webmail };
    let mut record = Desk::alice();
    let id = record.next_session();
    record.sessions =
        vec![rules["roundcube"].open(token.digest(&alice, &key()), opening, id, grant)];
    let text = encode(&record).unwrap();
    let mut stored = text.to_vec();
    if let Some(flip) = case.damage {
        stored = flipped(&stored, flip);
    }
    if let Some((from, length, by)) = case.splice {
        let from = usize::from(from) % (stored.len() + 1);
        let until = (from + usize::from(length)).min(stored.len());
        stored.splice(from..until, by);
    }
    let Ok(kept) = decode(&stored) else { return };
    let whole = kept == record;
    let again = encode(&kept).expect("what was read can be written");
    assert_eq!(decode(&again).as_ref(), Ok(&kept));
    desk.shelf.put(ALICE, Some(kept.clone()));

    let typed = match case.typed {
        Typed::Bytes(altered) => altered.of(&truth),
        Typed::Number(id) => token.of_session(id).shown().expose().as_bytes().to_vec(),
    };
    let name = if case.bob { BOB } else { ALICE };
    let owner = mailbox(name);
    let parsed = TypedWebmailToken::parse(&Secret::from_slice(&typed));
    if let Some(parsed) = &parsed {
        assert_eq!(parsed.shown().expose().as_bytes(), typed, "it is read to the letter");
        let same = parsed.digest(&owner, &key()) == token.digest(&alice, &key());
        assert_eq!(same, typed == truth && !case.bob);
    }
    let moment = UnixMillis::from_millis(now);
    let shelved = desk.shelf.record(name).unwrap();
    let found = parsed
        .as_ref()
        .and_then(|typed| find(&rules, typed, &shelved, &owner, &key(), moment).ok());
    let early = NOW * 1_000 - LOGIN_SECONDS * 1_000;
    let in_time = (early..NOW * 1_000 + 600_000).contains(&now);
    if whole && typed == truth && !case.bob {
        assert_eq!(found.is_some(), in_time, "it lives for its time");
    }
    if let Some(found) = &found {
        assert!(typed == truth && !case.bob, "other bytes matched");
        let stood = Standing::of(&key(), &alice, Some(&record));
        assert!(found.grant.standing == stood, "a grant was changed and still counts");
        assert_eq!(Standing::of(&key(), &alice, Some(&kept)), stood, "the mailbox was changed");
        let session = found.session;
        let (from, used) = (session.opened.at.millis(), session.last_use.at.millis());
        assert!(now < from.saturating_add(3_600_000) && now < used.saturating_add(600_000));
        assert!(from <= now + LOGIN_SECONDS * 1_000 && now < session.ends.millis());
    }

    let place = |n: u8| [WEBMAIL, "198.51.100.7", "203.0.113.4", "-"][usize::from(n % 4)];
    let [remote, via] = case.places.map(place);
    let service = match case.service % 6 {
        0..=2 => Service::Imap,
        3 => Service::Smtp,
        4 => Service::Panel,
        _ => Service::Webmail,
    };
    let places = (NetAddress::parse(remote), NetAddress::parse(via));
    let outcome = block_on(desk.login(name, &typed, service.clone(), places));
    let right = found.is_some() && service == Service::Imap && [remote, via].contains(&WEBMAIL);
    let opens = match &outcome {
        Outcome::Accepted(accepted) if accepted.method() == Method::WebmailToken => true,
        Outcome::Accepted(accepted) => {
            assert!(parsed.is_none(), "a token came in as {:?}", accepted.method());
            false
        }
        Outcome::Refused(_) => false,
        Outcome::Unavailable(why) => panic!("nothing fails here: {why}"),
    };
    assert!(!opens || right, "{outcome:?}");
    if whole && case.with_code {
        assert_eq!(opens, right, "{outcome:?}");
    }
    // Without a code it is worth the password, and that does not open a mailbox with a factor.
    let grant = kept.sessions.iter().find_map(|session| session.webmail.as_ref());
    let with_code = grant.is_some_and(|grant| grant.minted_on == MintedOn::PasswordAndCode);
    assert!(!opens || with_code || !kept.is_enrolled());

    let lived = found.is_some();
    let access = Access {
        by: "token roundcube".into(),
        token: Some("roundcube".into()),
        rights: mail2fa::decision::api_token::Rights::all(),
    };
    let credential = Secret::from_slice(&typed);
    let life = block_on(desk.webmail.refresh(name.as_bytes(), &credential, &access)).unwrap();
    assert_eq!(life.is_some(), lived || opens);
    if let Some(life) = life {
        assert!(life.ends <= UnixMillis::from_seconds(NOW + 3_600) || !whole);
        assert!(life.expires <= life.ends && moment < life.expires);
    }
    let ended = block_on(desk.webmail.revoke(name.as_bytes(), &credential, &access));
    let gone = matches!(ended, Ok(true));
    assert!(!gone || (typed == truth && !case.bob), "other bytes ended it");
    if lived {
        assert!(gone);
        let after = block_on(desk.login(
            name,
            &typed,
            Service::Imap,
            (NetAddress::parse(WEBMAIL), NetAddress::parse(WEBMAIL)),
        ));
        assert!(!after.is_accepted(), "it lives after its end");
    }
}));
