//! Webmail: the exchange of password and code, and its tokens at the doors.

use super::*;
use crate::{
    base::limits::LOGIN_SECONDS,
    decision::{
        enforcement::{Level, ServiceRule, ServiceRules, Unenrolled},
        panel,
        place::Network,
        webmail::{Grant, MintedOn, SECRET_CHARACTERS, WebmailRule, WebmailRules},
    },
};

const ALICE: &str = "alice@example.org";
const CAROL: &str = "carol@example.org";
const WEBMAIL: &str = "127.0.0.1";
const BROWSER: &str = "192.0.2.1";

fn rules() -> WebmailRules {
    let rule = WebmailRule {
        token: None,
        services: vec![Service::Imap, Service::Sieve, Service::Smtp],
        networks: vec![Network::parse(WEBMAIL).unwrap()],
        from_browser: false,
        idle_seconds: 600,
        absolute_seconds: 3_600,
    };
    WebmailRules::from([("roundcube".into(), rule)])
}

fn webmail(passwords: Passwords) -> Policy {
    Policy { webmail: rules(), ..Policy::clone(&policy(passwords)) }
}

/// Mints a token as the service does, without asking for anything.
fn mint(world: &mut World, name: &str, minted_on: MintedOn) -> String {
    let mailbox = Mailbox::new(name).unwrap();
    let mut record = world.records.get(name).map_or_else(
        || MailboxRecord::new(UnixMillis::from_seconds(NOW)),
        |found| found.value.clone(),
    );
    let typed = TypedWebmailToken::generate(record.next_session(), &[5; SECRET_CHARACTERS]);
    let standing = panel::Standing::of(&key(), &mailbox, Some(&record));
    let grant = Grant { webmail: "roundcube".into(), standing, minted_on };
    let opened = Use {
        at: UnixMillis::from_seconds(world.now),
        from: NetAddress::parse(BROWSER),
        service: Service::Webmail,
    };
    let digest = typed.digest(&mailbox, &key());
    record.sessions.push(rules()["roundcube"].open(digest, opened, typed.id, grant));
    world.write(name, record);
    typed.shown().expose().to_owned()
}

fn at_door(user: &str, token: &str, service: Service, via: &str) -> Request {
    Request {
        service,
        remote: NetAddress::parse(via),
        via: NetAddress::parse(via),
        ..request(user, token)
    }
}

fn exchange(user: &str, password: &str, factor: Option<&str>) -> Request {
    let secret = |text: &str| Secret::from_slice(text.as_bytes());
    let credential = Credential::Apart { password: secret(password), factor: factor.map(secret) };
    Request { credential, service: Service::Webmail, ..request(user, "") }
}

/// Drives a login at the world's time and lists the effects.
fn driven(
    world: &mut World,
    policy: &Arc<Policy>,
    request: Request,
    mut meanwhile: impl FnMut(&mut World, &Effect),
) -> (&'static str, Vec<&'static str>) {
    let mut effects = Vec::new();
    let mut next = Flow::start(request, Arc::clone(policy), UnixMillis::from_seconds(world.now));
    loop {
        match next {
            Next::Finish(outcome) => return (word(&outcome), effects),
            Next::Perform(flow, effect) => {
                effects.push(match &effect {
                    Effect::Load(_) => "load",
                    Effect::CheckPassword(_) => "password",
                    Effect::Establish(_) => "establish",
                    Effect::Touch(_) => "touch",
                    Effect::Relook(..) => "relook",
                    Effect::Burn(..) => "burn",
                    Effect::Relay { .. } => "relay",
                    Effect::Counters(_) => "counters",
                    Effect::CodeCounters(..) => "code counters",
                    Effect::Count(_) => "count",
                });
                meanwhile(world, &effect);
                next = flow.step(world.perform(effect));
            }
        }
    }
}

fn tried(world: &mut World, policy: &Arc<Policy>, request: Request) -> &'static str {
    driven(world, policy, request, |_, _| {}).0
}

#[test]
fn a_token_opens_its_doors_and_no_password_is_asked() {
    for passwords in [Passwords::Upstream, Passwords::Stored] {
        let policy = Arc::new(webmail(passwords));
        let mut world = World::sample();
        let token = mint(&mut world, ALICE, MintedOn::PasswordAndCode);
        for (user, token, service, via, expected) in [
            (ALICE, &*token, Service::Imap, WEBMAIL, "webmail_token"),
            ("ALICE@example.org", &token, Service::Smtp, WEBMAIL, "webmail_token"),
            (ALICE, &token, Service::Sieve, WEBMAIL, "webmail_token"),
            (ALICE, &token, Service::Pop3, WEBMAIL, "webmail_token_out_of_scope"),
            (ALICE, &token, Service::parse("webmail"), WEBMAIL, "webmail_token_out_of_scope"),
            (ALICE, &token, Service::Imap, "192.0.2.7", "webmail_token_out_of_scope"),
            (ALICE, "m2fw_1_abcdefghijkmnpqrstuvwxyz2345_w", Service::Imap, WEBMAIL, WRONG),
            ("bob@example.org", &token, Service::Imap, WEBMAIL, WRONG),
            ("nobody@example.org", &token, Service::Imap, WEBMAIL, WRONG),
        ] {
            let (got, effects) =
                driven(&mut world, &policy, at_door(user, token, service, via), |_, _| {});
            assert_eq!(got, expected, "{user} {token} {via}");
            assert!(!effects.contains(&"password") && !effects.contains(&"burn"), "{effects:?}");
            assert_eq!(effects.contains(&"establish"), got == "webmail_token", "{effects:?}");
        }
    }
}

const WRONG: &str = "webmail_token_wrong";

#[test]
fn without_a_webmail_a_string_like_a_token_is_a_password() {
    let token = "m2fw_1_abcdefghijkmnpqrstuvwxyz2345_w";
    let mut world = World::sample();
    world.passwords.insert("bob@example.org".into(), token.into());
    let asked = || at_door("bob@example.org", token, Service::Imap, WEBMAIL);
    assert_eq!(tried(&mut world, &policy(Passwords::Upstream), asked()), "password");
    let policy = Arc::new(webmail(Passwords::Upstream));
    assert_eq!(tried(&mut world, &policy, asked()), WRONG);
}

#[test]
fn a_token_is_no_password_and_no_code_at_the_panel_or_the_exchange() {
    let policy = Arc::new(webmail(Passwords::Upstream));
    for name in [ALICE, "bob@example.org"] {
        let mut world = World::sample();
        let token = mint(&mut world, name, MintedOn::Password);
        for service in [Service::Panel, Service::Webmail] {
            for factor in [None, Some("123456"), Some(&*token)] {
                let request =
                    Request { service: service.clone(), ..exchange(name, &token, factor) };
                assert_eq!(tried(&mut world, &policy, request), "wrong_password");
            }
        }
    }
    // Nor does it open another mailbox by a master user's name.
    let mut world = World::sample();
    let token = mint(&mut world, "chief@example.org", MintedOn::PasswordAndCode);
    let master = at_door("alice@example.org*chief@example.org", &token, Service::Imap, WEBMAIL);
    assert_eq!(tried(&mut world, &policy, master), "webmail_token_out_of_scope");
}

#[test]
fn what_becomes_of_the_mailbox_while_the_mail_server_is_told_counts() {
    type Change = fn(&mut MailboxRecord);
    let table: [(Change, &str); 5] = [
        (|_| {}, "webmail_token"),
        (|record| record.sessions.clear(), WRONG),
        (|record| record.locked = Some(UnixMillis::from_seconds(NOW)), "locked"),
        (|record| record.totp.as_mut().unwrap().secret = Secret::from_slice(&[1; 20]), WRONG),
        (|record| record.disenrol(), WRONG),
    ];
    for (number, (change, expected)) in table.into_iter().enumerate() {
        let policy = Arc::new(webmail(Passwords::Upstream));
        let mut world = World::sample();
        let token = mint(&mut world, ALICE, MintedOn::PasswordAndCode);
        let request = at_door(ALICE, &token, Service::Imap, WEBMAIL);
        let (got, _) = driven(&mut world, &policy, request, |world, effect| {
            if matches!(effect, Effect::Establish(_)) {
                let mut record = world.records[ALICE].value.clone();
                change(&mut record);
                world.write(ALICE, record);
            }
        });
        assert_eq!(got, expected, "{number}");
    }
    let policy = Arc::new(webmail(Passwords::Stored));
    let mut world = World::sample();
    let token = mint(&mut world, ALICE, MintedOn::PasswordAndCode);
    let request = at_door(ALICE, &token, Service::Imap, WEBMAIL);
    let (got, _) = driven(&mut world, &policy, request, |world, effect| {
        if matches!(effect, Effect::Establish(_)) {
            world.records.remove(ALICE);
        }
    });
    assert_eq!(got, WRONG, "removed");
}

#[test]
fn rules_judge_a_token_by_what_it_was_minted_on() {
    let rule =
        |rule| ServiceRules::new(vec![(Service::Sieve, ServiceRule::Full), (Service::Smtp, rule)]);
    for (name, minted_on, level, smtp, expected) in [
        (ALICE, MintedOn::PasswordAndCode, Level::Optional, ServiceRule::Any, [IN, IN]),
        (ALICE, MintedOn::PasswordAndCode, Level::Required, ServiceRule::Full, [IN, IN]),
        (
            ALICE,
            MintedOn::PasswordAndCode,
            Level::Optional,
            ServiceRule::AppPasswords,
            [IN, "app_passwords_only"],
        ),
        (ALICE, MintedOn::PasswordAndCode, Level::Optional, ServiceRule::Off, [IN, "service_off"]),
        (CAROL, MintedOn::Password, Level::Optional, ServiceRule::AppPasswords, [IN, IN]),
        (
            CAROL,
            MintedOn::Password,
            Level::Required,
            ServiceRule::Any,
            ["factor_required", "factor_required"],
        ),
        // Never minted like that; judged all the same.
        (
            ALICE,
            MintedOn::Password,
            Level::Optional,
            ServiceRule::Any,
            ["missing_code", "missing_code"],
        ),
    ] {
        let mut policy = webmail(Passwords::Upstream);
        policy.enforcement.level = level;
        policy.enforcement.services = rule(smtp);
        policy.enforcement.unenrolled = Unenrolled::AppPasswords;
        // No network makes a token more than it is.
        policy.enforcement.exempt_networks = vec![Network::parse(WEBMAIL).unwrap()];
        let policy = Arc::new(policy);
        let mut world = World::sample();
        let token = mint(&mut world, name, minted_on);
        let got = [Service::Sieve, Service::Smtp]
            .map(|service| tried(&mut world, &policy, at_door(name, &token, service, WEBMAIL)));
        assert_eq!(got, expected, "{name} {minted_on:?} {level:?} {smtp:?}");
    }
}

const IN: &str = "webmail_token";

#[test]
fn who_may_have_a_token() {
    let good = code(ALICE, 0);
    for (user, password, factor, level, expected) in [
        (ALICE, "T9D3K!px", Some(&*good), Level::Optional, "password+code"),
        (ALICE, "T9D3K!px", None, Level::Optional, "missing_code"),
        (ALICE, "T9D3K!px", Some("12345"), Level::Optional, "wrong_code"),
        (ALICE, "guess", Some(&*good), Level::Optional, "wrong_password"),
        ("bob@example.org", "hunter123456", None, Level::Optional, "password"),
        // What people come to the panel for is not what they come to their mail for.
        ("bob@example.org", "hunter123456", None, Level::Required, "factor_required"),
        ("alice@example.org*chief@example.org", "boss", None, Level::Optional, "bad_name"),
    ] {
        let mut policy = webmail(Passwords::Upstream);
        policy.enforcement.level = level;
        // Rules of services are for the doors, and no network exempts from the code.
        policy.enforcement.services = ServiceRules::new(vec![
            (Service::Other("x".into()), ServiceRule::Off),
            (Service::Imap, ServiceRule::AppPasswords),
        ]);
        policy.enforcement.exempt_networks = vec![Network::parse(BROWSER).unwrap()];
        let mut world = World::sample();
        let got = tried(&mut world, &Arc::new(policy), exchange(user, password, factor));
        assert_eq!(got, expected, "{user} {password} {factor:?}");
    }
}

#[test]
fn hours_of_one_login_per_request_write_little_and_end() {
    let policy = Arc::new(webmail(Passwords::Upstream));
    let mut world = World::sample();
    let token = mint(&mut world, ALICE, MintedOn::PasswordAndCode);
    let mut touches = 0;
    for minute in 0..60 {
        world.now = NOW + minute * 60;
        for _ in 0..4 {
            let request = at_door(ALICE, &token, Service::Imap, WEBMAIL);
            let (got, effects) = driven(&mut world, &policy, request, |_, _| {});
            assert_eq!(got, IN, "minute {minute}");
            touches += effects.iter().filter(|effect| **effect == "touch").count();
        }
    }
    assert!((20..=31).contains(&touches), "{touches} of 240 logins were written down");
    world.now = NOW + 3_600;
    let request = at_door(ALICE, &token, Service::Imap, WEBMAIL);
    assert_eq!(tried(&mut world, &policy, request), "webmail_token_ended");
}

/// What happens to a mailbox with a token.
#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Back(u64),
    Use(bool, bool, bool),
    Refresh,
    Revoke,
    Password,
    Factor,
    Lock,
    EndAll,
    Mint,
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u64..900).prop_map(Step::Wait),
        1 => (0_u64..400).prop_map(Step::Back),
        9 => any::<(bool, bool, bool)>().prop_map(|(a, b, c)| Step::Use(a, b, c)),
        1 => Just(Step::Refresh),
        1 => Just(Step::Revoke),
        1 => Just(Step::Password),
        1 => Just(Step::Factor),
        1 => Just(Step::Lock),
        1 => Just(Step::EndAll),
        2 => Just(Step::Mint),
    ]
}

/// What must hold of a token, kept by hand.
struct Kept {
    token: String,
    opened: u64,
    /// Not later than this was it used last, and not earlier than that.
    used: u64,
    noted: u64,
    dead: bool,
}

proptest! {
    /// Whatever happens in whatever order: a token is accepted while it must live, and never else.
    #[test]
    fn a_token_lives_exactly_as_long_as_it_may(all in proptest::collection::vec(steps(), 1..60)) {
        let policy = Arc::new(webmail(Passwords::Stored));
        let mut world = World::sample();
        let mut clock = NOW;
        let mut kept: Option<Kept> = None;
        for step in all {
            world.now = clock;
            match step {
                Step::Wait(seconds) => clock += seconds,
                Step::Back(seconds) => clock -= seconds,
                Step::Mint => {
                    if world.records[ALICE].value.locked.is_none() {
                        let token = mint(&mut world, ALICE, MintedOn::PasswordAndCode);
                        kept = Some(Kept {
                            token, opened: clock, used: clock, noted: clock, dead: false,
                        });
                    }
                }
                Step::Use(service, here, long) => {
                    let Some(kept) = &mut kept else { continue };
                    let service = if service { Service::Imap } else { Service::Pop3 };
                    let via = if here { WEBMAIL } else { BROWSER };
                    let scope = service == Service::Imap && here;
                    let token = if long { format!("{}1", kept.token) } else { kept.token.clone() };
                    let got = tried(&mut world, &policy, at_door(ALICE, &token, service, via));
                    let locked = world.records[ALICE].value.locked.is_some();
                    let may = !kept.dead && !locked && scope && !long
                        && clock < kept.opened + 3_600
                        && clock < kept.used + 600
                        && clock + LOGIN_SECONDS >= kept.opened;
                    // A use is noted now and then only: up to an eighth of the idle time is lost.
                    let must = may && clock < kept.noted + 600;
                    prop_assert!(may || got != IN, "{got} at {clock}");
                    prop_assert!(!must || got == IN, "{got} at {clock}");
                    if got == IN {
                        kept.used = kept.used.max(clock);
                        if clock >= kept.noted + 75 {
                            kept.noted = clock;
                        }
                    }
                }
                Step::Refresh => {
                    let mut record = world.records[ALICE].value.clone();
                    for session in &mut record.sessions {
                        let live = session.is_live(UnixMillis::from_seconds(clock));
                        if live && session.last_use.at < UnixMillis::from_seconds(clock) {
                            session.last_use.at = UnixMillis::from_seconds(clock);
                            let named = |token: &str| {
                                TypedWebmailToken::parse(&Secret::from_slice(token.as_bytes()))
                            };
                            if let Some(kept) = &mut kept
                                && named(&kept.token).unwrap().id == session.id
                            {
                                kept.used = clock;
                                kept.noted = clock;
                            }
                        }
                    }
                    world.write(ALICE, record);
                }
                other => {
                    let mut record = world.records[ALICE].value.clone();
                    let at = UnixMillis::from_seconds(clock);
                    match other {
                        Step::Password => {
                            let number = world.clock;
                            record.password_hash = Some(SecretText::new(format!("{number}")));
                        }
                        Step::Factor => {
                            let byte = u8::try_from(world.clock % 250).unwrap();
                            record.totp.as_mut().unwrap().secret = Secret::from_slice(&[byte; 20]);
                        }
                        Step::Lock if record.locked.is_some() => record.locked = None,
                        Step::Lock => {
                            record.locked = Some(at);
                            record.sessions.clear();
                        }
                        _ => record.sessions.clear(),
                    }
                    let unlocked = matches!(other, Step::Lock) && record.locked.is_none();
                    world.write(ALICE, record);
                    if let Some(kept) = &mut kept {
                        kept.dead |= !unlocked;
                    }
                }
            }
        }
    }
}
