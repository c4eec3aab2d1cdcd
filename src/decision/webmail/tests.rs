//! Shape, life and scope of tokens.

use super::*;
use crate::decision::testing::{alice, key};
use crate::{
    base::{SecretText, limits::LOGIN_SECONDS},
    decision::{code, recovery::RecoveryCode, session::SessionPolicy},
};

const WEBMAIL: &str = "127.0.0.1";
const BROWSER: &str = "192.0.2.9";
const NOW: u64 = 1_000_000;

fn rule() -> WebmailRule {
    WebmailRule {
        token: None,
        services: vec![Service::Imap, Service::Other("sync".into())],
        networks: vec![Network::parse(WEBMAIL).unwrap()],
        from_browser: false,
        idle_seconds: 100,
        absolute_seconds: 150,
    }
}

fn rules() -> WebmailRules {
    WebmailRules::from([("roundcube".to_owned(), rule())])
}

fn at(seconds: u64, from: &str, service: Service) -> Use {
    Use { at: UnixMillis::from_seconds(seconds), from: NetAddress::parse(from), service }
}

/// A record with a token of session 7.
fn minted() -> (MailboxRecord, TypedWebmailToken) {
    let typed = TypedWebmailToken::generate(7, &[3; SECRET_CHARACTERS]);
    let mut record = MailboxRecord::new(UnixMillis::from_seconds(1));
    let grant = Grant {
        webmail: "roundcube".into(),
        standing: Standing::of(&key(), &alice(), Some(&record)),
        minted_on: MintedOn::Password,
    };
    let digest = typed.digest(&alice(), &key());
    let opened = at(NOW, BROWSER, Service::Webmail);
    record.sessions = vec![rule().open(digest, opened, 7, grant)];
    (record, typed)
}

/// What comes of a token at a door.
fn tried(
    rules: &WebmailRules,
    record: &MailboxRecord,
    typed: &TypedWebmailToken,
    at: &Use,
    via: &str,
) -> Result<MintedOn, WebmailMismatch> {
    let via = NetAddress::parse(via);
    find(rules, typed, record, &alice(), &key(), at.at)?.opens(AtDoor { at, via })
}

#[test]
fn what_is_shown_is_read_again_to_the_letter_and_nothing_else_is() {
    let made = TypedWebmailToken::generate(17, &std::array::from_fn(|i| u8::try_from(i).unwrap()));
    let shown = made.shown();
    let text = shown.expose();
    assert_eq!(text, "m2fw_17_abcdefghijkmnpqrstuvwxyz2345_w");
    let parse = |text: &str| TypedWebmailToken::parse(&Secret::from_slice(text.as_bytes()));
    let read = parse(text).unwrap();
    assert_eq!(read.id, 17);
    assert_eq!(read.digest(&alice(), &key()), made.digest(&alice(), &key()));
    for other in [
        text.to_uppercase(),
        format!(" {text}"),
        format!("{text} "),
        format!("{text}123456"),
        text.replace("_17_", "_017_"),
        text.replace("_17_", "_+17_"),
        text.replace("_17_", "__"),
        text.replace("_17_", &format!("_{}0_", u64::MAX)),
        text.replace("abc", "ab"),
        text.replace("abc", "ab0"),
        text.trim_end_matches("_w").to_owned(),
        text.trim_start_matches("m2fw_").to_owned(),
        String::new(),
        "m2fw__w".to_owned(),
    ] {
        assert!(parse(&other).is_none(), "{other}");
    }
    assert_eq!(parse(made.of_session(u64::MAX).shown().expose()).unwrap().id, u64::MAX);
}

#[test]
fn no_token_ends_like_a_code_or_recovery_code() {
    for byte in 0..=u8::MAX {
        let token = TypedWebmailToken::generate(u64::from(byte), &[byte; SECRET_CHARACTERS]);
        let shown = Secret::from_slice(token.shown().expose().as_bytes());
        assert_eq!(code::split(&shown), Err(code::SplitError::NoCode));
        assert!(RecoveryCode::split(&shown).is_none());
        assert!(shown.len() < 1_024);
    }
}

#[test]
fn it_opens_its_services_from_its_webmail_for_its_time() {
    let (record, typed) = minted();
    let imap = |seconds, from| at(seconds, from, Service::Imap);
    let scope = Err(WebmailMismatch::OutOfScope);
    let ended = Err(WebmailMismatch::Ended);
    let good = Ok(MintedOn::Password);
    let before = NOW - LOGIN_SECONDS;
    for (use_at, via, expected) in [
        (imap(NOW, WEBMAIL), WEBMAIL, good),
        // The webmail passes the browser's address on, and the mail server says who connected.
        (imap(NOW, BROWSER), WEBMAIL, good),
        (imap(NOW, BROWSER), BROWSER, scope),
        // A proxy before the mail server passes the webmail's address on.
        (imap(NOW, WEBMAIL), "198.51.100.1", good),
        (imap(NOW, BROWSER), "198.51.100.1", scope),
        (imap(NOW, "?"), "?", scope),
        (at(NOW, WEBMAIL, Service::Other("sync".into())), WEBMAIL, good),
        (at(NOW, WEBMAIL, Service::Other("panel".into())), WEBMAIL, scope),
        (at(NOW, WEBMAIL, Service::Smtp), WEBMAIL, scope),
        (at(NOW, WEBMAIL, Service::Panel), WEBMAIL, scope),
        (at(NOW, WEBMAIL, Service::Webmail), WEBMAIL, scope),
        (imap(NOW + 99, WEBMAIL), WEBMAIL, good),
        (imap(NOW + 100, WEBMAIL), WEBMAIL, ended),
        (imap(before, WEBMAIL), WEBMAIL, good),
        (imap(before - 1, WEBMAIL), WEBMAIL, ended),
    ] {
        assert_eq!(tried(&rules(), &record, &typed, &use_at, via), expected, "{use_at:?} {via}");
    }
    let mut used = record;
    used.sessions[0].last_use = imap(NOW + 99, WEBMAIL);
    assert_eq!(tried(&rules(), &used, &typed, &imap(NOW + 149, WEBMAIL), WEBMAIL), good);
    assert_eq!(tried(&rules(), &used, &typed, &imap(NOW + 150, WEBMAIL), WEBMAIL), ended);
}

#[test]
fn neither_panel_nor_api_can_be_configured_for_a_token() {
    let (record, typed) = minted();
    let services = vec![Service::Panel, Service::Webmail];
    let rules = WebmailRules::from([("roundcube".into(), WebmailRule { services, ..rule() })]);
    for service in [Service::Panel, Service::Webmail] {
        let use_at = at(NOW, WEBMAIL, service);
        let outcome = tried(&rules, &record, &typed, &use_at, WEBMAIL);
        assert_eq!(outcome, Err(WebmailMismatch::OutOfScope));
    }
}

#[test]
fn from_the_browser_only_where_it_is_said_and_only_from_that_one() {
    let (record, typed) = minted();
    let rules =
        WebmailRules::from([("roundcube".into(), WebmailRule { from_browser: true, ..rule() })]);
    for (from, via, good) in [
        (BROWSER, BROWSER, true),
        ("192.0.2.8", "192.0.2.8", false),
        // Somebody says that it comes from there.
        (BROWSER, "192.0.2.8", false),
        ("?", "?", false),
    ] {
        let use_at = at(NOW, from, Service::Imap);
        assert_eq!(tried(&rules, &record, &typed, &use_at, via).is_ok(), good, "{from} {via}");
    }
}

#[test]
fn what_is_configured_now_counts() {
    let (record, typed) = minted();
    let use_at = |seconds| at(seconds, WEBMAIL, Service::Imap);
    let with = |rule| WebmailRules::from([("roundcube".to_owned(), rule)]);
    let shorter = with(WebmailRule { absolute_seconds: 20, ..rule() });
    assert!(tried(&shorter, &record, &typed, &use_at(NOW + 19), WEBMAIL).is_ok());
    let ended = tried(&shorter, &record, &typed, &use_at(NOW + 20), WEBMAIL);
    assert_eq!(ended, Err(WebmailMismatch::Ended));
    let lazy = with(WebmailRule { idle_seconds: 5, ..rule() });
    let ended = tried(&lazy, &record, &typed, &use_at(NOW + 5), WEBMAIL);
    assert_eq!(ended, Err(WebmailMismatch::Ended));
    let longer = with(WebmailRule { idle_seconds: 9_999, absolute_seconds: 9_999, ..rule() });
    let ended = tried(&longer, &record, &typed, &use_at(NOW + 100), WEBMAIL);
    assert_eq!(ended, Err(WebmailMismatch::Ended), "a token that exists does not live longer");
    let gone = tried(&WebmailRules::new(), &record, &typed, &use_at(NOW), WEBMAIL);
    assert_eq!(gone, Err(WebmailMismatch::OutOfScope));
}

#[test]
fn what_changes_the_mailbox_ends_it_even_if_nobody_thinks_of_it() {
    let (record, typed) = minted();
    let use_at = at(NOW, WEBMAIL, Service::Imap);
    let changes: [fn(&mut MailboxRecord); 3] = [
        |record| record.password_hash = Some(SecretText::new("{PLAIN}x".into())),
        |record| record.locked = Some(UnixMillis::from_seconds(1)),
        |record| record.sessions.clear(),
    ];
    for change in changes {
        let mut record = record.clone();
        change(&mut record);
        let outcome = tried(&rules(), &record, &typed, &use_at, WEBMAIL);
        assert_eq!(outcome, Err(WebmailMismatch::Wrong));
    }
}

#[test]
fn another_secret_number_or_mailbox_is_none() {
    let (record, typed) = minted();
    let use_at = at(NOW, WEBMAIL, Service::Imap);
    let other = TypedWebmailToken::generate(7, &[4; SECRET_CHARACTERS]);
    for wrong in [other, typed.of_session(8)] {
        let outcome = tried(&rules(), &record, &wrong, &use_at, WEBMAIL);
        assert_eq!(outcome, Err(WebmailMismatch::Wrong));
    }
    let bob = Mailbox::new("bob@example.org").unwrap();
    assert!(find(&rules(), &typed, &record, &bob, &key(), use_at.at).is_err());
    // A session of a mail program is no token, whatever its hash.
    let mut plain = record;
    plain.sessions[0].webmail = None;
    let outcome = tried(&rules(), &plain, &typed, &use_at, WEBMAIL);
    assert_eq!(outcome, Err(WebmailMismatch::Wrong));
}

#[test]
fn tokens_and_sign_ins_make_room_among_their_kind() {
    use crate::base::limits::{SESSIONS, WEBMAIL_TOKENS};
    let now = UnixMillis::from_seconds(NOW);
    let policy = SessionPolicy { per_mailbox: 30, ..SessionPolicy::default() };
    let (token, _) = minted();
    let token = token.sessions[0].clone();
    let mut sessions = Vec::new();
    for n in 0..100_u8 {
        let digest = Digest::from_bytes([n; 32]);
        let opened = at(NOW + u64::from(n), BROWSER, Service::Imap);
        let new = match n % 2 {
            0 => Session { digest, last_use: opened, ..token.clone() },
            _ => policy.open(digest, opened, u64::from(n)),
        };
        sessions = policy.with(sessions, new, now);
        let tokens = sessions.iter().filter(|session| session.webmail.is_some()).count();
        assert!(tokens <= WEBMAIL_TOKENS && sessions.len() <= SESSIONS);
        assert_eq!(sessions.last().unwrap().digest, digest);
    }
    assert_eq!(sessions.len(), SESSIONS);
    // Switched off, sign-ins of mail programs leave tokens alone.
    let off = SessionPolicy { absolute_seconds: 0, per_mailbox: 1, ..policy };
    let new = off.open(Digest::from_bytes([200; 32]), at(NOW, BROWSER, Service::Imap), 200);
    let left = off.with(sessions, new, now);
    assert_eq!(left.iter().filter(|session| session.webmail.is_some()).count(), 16);
}
