//! Every reason there is for refusing, at both kinds of listener and with both password sources: the same bytes
//! but for the id, after the same time.

use mail2fa::{
    base::{RelayedMechanism, Service},
    decision::{
        app_password::{AppPassword, ID_CHARACTERS, SECRET_CHARACTERS, TypedAppPassword},
        enforcement::{Level, OwnLevel, ServiceRule, ServiceRules},
        mechanisms::Mechanisms,
        record::MailboxRecord,
        refusal::Refusal,
        throttle::ThrottlePolicy,
    },
    ports::store::{Change, Commit, Expect, Store},
};
use tokio::time::Instant;

use mail2fa::decision::webmail::MintedOn;

use crate::{
    auth, login,
    signins::app_password,
    support::{
        ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, NOW, code,
        peer::Peer,
        plain_as,
        stand::{DELAY, Kind, Options, Stand, mailbox},
        with_code, wrong_code,
    },
    webmail::mint,
};

const KINDS: [Kind; 4] =
    [Kind::ClientUpstream, Kind::ClientStored, Kind::LoginUpstream, Kind::LoginStored];

/// Replaces Alice's record; `None`: there is no such mailbox.
async fn alice(stand: &Stand, record: Option<MailboxRecord>) {
    let found = stand.store.load(&mailbox(ALICE)).await.unwrap();
    let expect = found.map_or(Expect::Absent, |found| Expect::Version(found.version));
    let record = record.map(Box::new);
    let change = Change::Mailbox { mailbox: mailbox(ALICE), expect, record };
    assert!(matches!(stand.store.commit(vec![change]).await, Ok(Commit::Done(_))));
}

fn options(throttled: bool) -> Options {
    let services = vec![
        (Service::Pop3, ServiceRule::Off),
        (Service::Smtp, ServiceRule::AppPasswords),
        (Service::Sieve, ServiceRule::Full),
    ];
    let mut options = Options {
        throttle: throttled.then(ThrottlePolicy::default),
        mechanisms: Mechanisms::new(vec![RelayedMechanism::OAuthBearer], Vec::new()).unwrap(),
        ..crate::webmail::options()
    };
    options.enforcement.services = ServiceRules::new(services);
    options
}

fn at(service: &str, password: &str) -> String {
    login(1, ALICE, password).replace("service=imap", &format!("service={service}"))
}

/// Makes Alice's mailbox stand so that this reason comes out, and says what is asked then. `None`: this kind of
/// stand cannot refuse so.
async fn arrange(
    stand: &Stand,
    kind: Kind,
    base: &MailboxRecord,
    reason: Refusal,
) -> Option<String> {
    let asks = matches!(kind, Kind::ClientUpstream | Kind::LoginUpstream);
    let mut record = base.clone();
    let (stored, shown) = app_password(stand, ALICE, &[]);
    let line = match reason {
        Refusal::Malformed => auth(1, "CRAM-MD5", None),
        Refusal::BadName => login(1, "al ice@example.org", ALICE_PASSWORD),
        Refusal::EmptyPassword => login(1, ALICE, ""),
        Refusal::TooLong => login(1, ALICE, &"x".repeat(1_100)),
        Refusal::WrongPassword => login(1, ALICE, &with_code("wrong", &code(0))),
        Refusal::MissingCode => login(1, ALICE, ALICE_PASSWORD),
        Refusal::WrongCode => login(1, ALICE, &with_code(ALICE_PASSWORD, &wrong_code())),
        Refusal::UsedCode => {
            record.totp.as_mut().unwrap().last_step = NOW.step() + 10;
            login(1, ALICE, &with_code(ALICE_PASSWORD, &code(0)))
        }
        Refusal::OtherMailboxProtected if asks => {
            stand.upstream.answer("OK\t#\tuser=alice@example.org\n");
            login(1, BOB, BOB_PASSWORD)
        }
        Refusal::MechanismWithoutFactor if asks => {
            stand.upstream.answer("OK\t#\tuser=alice@example.org\n");
            auth(1, "OAUTHBEARER", Some("bj0="))
        }
        // Nobody else names a mailbox, or decides a mechanism.
        Refusal::OtherMailboxProtected | Refusal::MechanismWithoutFactor => return None,
        // Master users are Dovecot's: where passwords are our own there are none.
        Refusal::MasterWithoutFactor if !asks => return None,
        Refusal::MasterWithoutFactor => {
            stand.upstream.answer("OK\t#\tuser=alice@example.org\n");
            auth(1, "PLAIN", Some(&plain_as(ALICE, BOB, BOB_PASSWORD)))
        }
        Refusal::Locked => {
            record.locked = Some(NOW);
            login(1, ALICE, &with_code(ALICE_PASSWORD, &code(0)))
        }
        Refusal::Throttled => login(1, ALICE, &with_code(ALICE_PASSWORD, &code(0))),
        Refusal::AppPasswordWrong => {
            record.app_passwords.push(stored);
            let mut random = [9; ID_CHARACTERS + SECRET_CHARACTERS];
            random[ID_CHARACTERS..].fill(8);
            login(1, ALICE, TypedAppPassword::generate(&random).shown().expose())
        }
        Refusal::AppPasswordExpired => {
            record.app_passwords.push(AppPassword { expires: Some(NOW), ..stored });
            login(1, ALICE, &shown)
        }
        Refusal::AppPasswordOutOfScope => {
            let services = vec![Service::Smtp];
            record.app_passwords.push(AppPassword { services, ..stored });
            login(1, ALICE, &shown)
        }
        Refusal::WebmailTokenWrong => {
            let _token = mint(stand, ALICE, MintedOn::PasswordAndCode, &mut record);
            login(1, ALICE, &format!("m2fw_1_{}_w", "a".repeat(28)))
        }
        Refusal::WebmailTokenEnded => {
            let token = mint(stand, ALICE, MintedOn::PasswordAndCode, &mut record);
            record.sessions[0].ends = NOW;
            login(1, ALICE, &token)
        }
        Refusal::WebmailTokenOutOfScope => {
            let token = mint(stand, ALICE, MintedOn::PasswordAndCode, &mut record);
            at("sieve", &token)
        }
        Refusal::FactorRequired => {
            record.totp = None;
            record.enforcement = Some(OwnLevel { level: Level::Required, set: NOW });
            login(1, ALICE, ALICE_PASSWORD)
        }
        Refusal::ServiceOff => at("pop3", &with_code(ALICE_PASSWORD, &code(0))),
        Refusal::AppPasswordsOnly => at("smtp", &with_code(ALICE_PASSWORD, &code(0))),
        Refusal::FullSignInOnly => {
            record.app_passwords.push(stored);
            at("sieve", &shown)
        }
    };
    alice(stand, Some(record)).await;
    Some(line)
}

/// The refusal of a line, whose bytes must be these after the common time.
async fn refused(stand: &Stand, peer: &mut Peer, line: String, typed: &str, reason: &str) {
    let start = Instant::now();
    let answer = peer.ask(line).await;
    assert_eq!(answer, format!("FAIL\t1\tuser={typed}"), "{reason}");
    assert_eq!(stand.log.last().result, format!("refused {reason}"), "{answer}");
    let (waited, slack) = (start.elapsed(), std::time::Duration::from_millis(5));
    assert!(waited >= DELAY && waited < DELAY + slack, "{reason}: {waited:?}");
}

#[tokio::test(start_paused = true)]
async fn every_reason_has_the_same_bytes_at_the_same_moment() {
    for kind in KINDS {
        let mut seen = 0;
        for reason in Refusal::ALL {
            let stand = Stand::with(kind, options(reason == Refusal::Throttled)).await;
            let greeting = "MECH\tOAUTHBEARER\nMECH\tEXTERNAL";
            let offered = crate::support::upstream::GREETING_23;
            stand.upstream.greet(offered.replace("MECH\tEXTERNAL", greeting));
            let base = stand.store.load(&mailbox(ALICE)).await.unwrap().unwrap().value;
            let Some(line) = arrange(&stand, kind, &base, reason).await else { continue };
            let mut peer = stand.peer().await;
            if reason == Refusal::Throttled {
                let right = [code(-1), code(0), code(1)];
                let codes = (0..1_000_000).map(|n| format!("{n:06}"));
                for (host, wrong) in codes.filter(|code| !right.contains(code)).take(20).enumerate()
                {
                    let line = login(1, ALICE, &with_code(ALICE_PASSWORD, &wrong));
                    let place = format!("rip=2001:db8:{host:x}::1");
                    let _ = peer.ask(line.replace("rip=192.0.2.7", &place)).await;
                }
            }
            // The peer hears the name that it sent; none where nothing was read, or a token hides it.
            let typed = match reason {
                Refusal::Malformed | Refusal::TooLong | Refusal::MechanismWithoutFactor => "",
                Refusal::BadName => "al ice@example.org",
                Refusal::OtherMailboxProtected | Refusal::MasterWithoutFactor => BOB,
                _ => ALICE,
            };
            // What is too long for the decision is too long for the wire before.
            let told = if reason == Refusal::TooLong { Refusal::Malformed } else { reason };
            refused(&stand, &mut peer, line, typed, told.as_str()).await;
            seen += 1;
        }
        // A mailbox that does not exist.
        let stand = Stand::with(kind, options(false)).await;
        alice(&stand, None).await;
        let mut peer = stand.peer().await;
        let line = login(1, ALICE, &with_code("wrong", &code(0)));
        refused(&stand, &mut peer, line, ALICE, "wrong_password").await;
        let asks = matches!(kind, Kind::ClientUpstream | Kind::LoginUpstream);
        assert_eq!(seen, Refusal::ALL.len() - if asks { 0 } else { 3 }, "{kind:?}");
    }
}
