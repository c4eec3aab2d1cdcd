//! One-time links to the User Panel: any text is one, to the letter, or none; any bytes are a stored link,
//! to the byte, or none; and whatever stands in its place or is brought, only the very link leads in, within
//! its minute, once, to the mailbox as it stood.

#![no_main]

use std::cell::LazyCell;

use arbitrary::Arbitrary;
use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;
use mail2fa::{
    base::{
        NetAddress, Secret, UnixMillis,
        limits::{LOGIN_SECONDS, PANEL_LINK_SECONDS},
    },
    decision::{
        panel::Standing,
        panel_link::{LinkToken, PanelLink, TOKEN_BYTES},
    },
};
use mail2fa_fuzz::{ALICE, Altered, BOB, Desk, NOW, key, mailbox};

#[derive(Arbitrary, Debug)]
struct Case {
    brought: Altered,
    stored: Altered,
    by: String,
    /// Milliseconds since ten minutes before it was made.
    now: u32,
    /// What happens to the mailbox meanwhile.
    change: u8,
    bob: bool,
}

thread_local! {
    static DESK: LazyCell<Desk> = LazyCell::new(Desk::new);
}

fuzz_target!(|case: Case| DESK.with(|desk| {
    let issued = UnixMillis::from_seconds(NOW);
    let now = NOW * 1_000 - 600_000 + u64::from(case.now % 1_200_000);
    desk.reset(now);
    let name = if case.bob { BOB } else { ALICE };
    let alice = mailbox(name);
    let standing = Standing::of(&key(), &alice, desk.shelf.record(name).as_ref());
    let link = PanelLink { issued, standing, by: case.by };
    let token = LinkToken::new(alice.clone(), [9; TOKEN_BYTES].into());
    let truth = token.shown();
    let truth = truth.expose();

    let encoded = link.encode();
    assert_eq!(PanelLink::decode(&encoded).as_ref(), Ok(&link));
    let stored = case.stored.of(encoded.expose());
    let decoded = PanelLink::decode(&Secret::from_slice(&stored));
    if let Ok(decoded) = &decoded {
        assert_eq!(decoded.encode().expose(), stored);
        assert_eq!(*decoded == link, stored == encoded.expose());
    }
    desk.shelf.put_entry("link", name, &token.name(&key()), &stored);

    let brought = case.brought.of(truth.as_bytes());
    let Ok(text) = std::str::from_utf8(&brought) else { return };
    let parsed = LinkToken::parse(text);
    if let Some(parsed) = &parsed {
        assert_eq!(parsed.shown().expose(), text, "it is read to the letter");
        assert_eq!(parsed.name(&key()) == token.name(&key()), text == truth);
    }
    let mut record = desk.shelf.record(name).unwrap();
    let moment = UnixMillis::from_seconds(NOW);
    match case.change % 4 {
        0 => record.locked = Some(moment),
        1 => desk.shelf.put_entry("panel-era", name, "", &[1; 16]),
        2 => record.password_hash = Some(mail2fa::base::SecretText::new("{PLAIN}x".into())),
        _ => {}
    }
    let same = case.change % 4 == 3;
    desk.shelf.put(name, Some(record));

    let from = NetAddress::parse("192.0.2.1");
    let looked = block_on(desk.owner.look_at_link(text));
    assert_eq!(desk.shelf.entries(|kind, _| kind == "link").len(), 1, "to look does nothing");
    let ticket = block_on(desk.owner.follow_link(text, from));
    let opened = desk.shelf.entries(|kind, _| kind == "panel").len();
    let Ok(Some(ticket)) = ticket else {
        assert!(!matches!(looked, Ok(Some(_))) && opened == 0);
        assert!(decoded.is_ok() || text != truth || ticket.is_err(), "damage is said");
        let early = NOW * 1_000 - LOGIN_SECONDS * 1_000;
        let good = (early..NOW * 1_000 + PANEL_LINK_SECONDS * 1_000).contains(&now);
        let all = text == truth && stored == encoded.expose() && same && good;
        assert!(!all, "everything was right");
        return;
    };
    let stored = decoded.expect("what was followed was read");
    assert!(text == truth && same && opened == 1);
    assert_eq!((ticket.mailbox.as_str(), stored.standing), (name, standing));
    let millis = stored.issued.millis();
    assert!(now < millis.saturating_add(PANEL_LINK_SECONDS * 1_000), "its minute is over");
    assert!(millis <= now + LOGIN_SECONDS * 1_000, "it was made long after now");
    assert!(desk.shelf.entries(|kind, _| kind == "link").is_empty(), "it is used up");
    assert!(matches!(block_on(desk.owner.follow_link(text, from)), Ok(None)), "it leads in once");
    let visit = block_on(desk.owner.visit(ticket, from)).unwrap().expect("its session lives");
    assert!(visit.by_link().is_some(), "a session by link stays one");
}));
