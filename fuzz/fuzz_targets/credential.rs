//! What people type, through the shapes and through the whole decision machine.
//!
//! With 2-factor authentication on the whole string is never taken for the password, what is asked
//! is never blank, and only the right password with a right code, recovery code or app password
//! behind it comes in. Without it no byte is cut off.

#![no_main]

use std::sync::Arc;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use mail2fa::{
    base::{Mailbox, NetAddress, Secret, Service, UnixMillis, limits::CREDENTIAL_BYTES},
    decision::{
        app_password::{AppPassword, TypedAppPassword},
        code::{self, Code},
        digest::CredentialKey,
        enforcement::EnforcementPolicy,
        flow::{
            BurnAnswer, Credential, Effect, Flow, Input, Next, PasswordAnswer, Passwords, Policy,
            Request,
        },
        mechanisms::Mechanisms,
        names::NameRules,
        outcome::{Method, Outcome},
        record::{MailboxRecord, TotpFactor, Version, Versioned},
        recovery::RecoveryCode,
        session::SessionPolicy,
    },
};
use mail2fa_fuzz::hotp;

const SECRET: &[u8; 20] = b"12345678901234567890";
const NOW: u64 = 1_111_111_111;

/// What stands behind the password.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Tail {
    Nothing,
    Code(i8),
    Spaced(i8),
    Recovery,
    RecoveryLoud,
    AppPassword,
}

#[derive(Arbitrary, Debug)]
struct Typed {
    enrolled: bool,
    /// The true password, if it is not what is typed.
    other: Option<Vec<u8>>,
    password: Vec<u8>,
    tail: Tail,
    more: Vec<u8>,
}

fn code_at(offset: i8) -> String {
    hotp(SECRET, (NOW / 30).checked_add_signed(i64::from(offset)).unwrap())
}

fn blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0)
}

/// The shapes by themselves.
fn shapes(typed: &[u8], key: &CredentialKey, alice: &Mailbox) {
    let credential = Secret::from_slice(typed);
    if let Ok(cut) = code::split(&credential) {
        let password = cut.password.expose();
        assert!(!blank(password) && typed.starts_with(password));
        let tail = &typed[password.len()..];
        assert_eq!(Code::parse(tail).as_ref(), Some(&cut.code));
        assert_eq!(tail.iter().filter(|byte| byte.is_ascii_digit()).count(), 6);
        assert!(tail.len() == 6 || tail.len() == 7);
    }
    if let Some((password, code)) = RecoveryCode::split(&credential) {
        let password = password.expose();
        assert!(!blank(password) && typed.starts_with(password));
        assert_eq!(typed.len(), password.len() + 11);
        let again = RecoveryCode::parse(code.shown().expose().as_bytes()).unwrap();
        assert_eq!(again.digest(alice, key), code.digest(alice, key));
        assert!(code::split(&credential).is_err() || typed[typed.len() - 6..].is_ascii());
    }
    if let Some(app) = TypedAppPassword::parse(&credential) {
        let again = Secret::from_slice(app.shown().expose().as_bytes());
        let again = TypedAppPassword::parse(&again).unwrap();
        assert_eq!((again.id, again.digest(alice, key)), (app.id, app.digest(alice, key)));
    }
}

fuzz_target!(|input: Typed| {
    let key = CredentialKey::new(Secret::from_slice(b"key"));
    let alice = Mailbox::new("alice@example.org").unwrap();
    let recovery = RecoveryCode::generate(&[9, 1, 2, 3, 4, 5, 6, 7, 8, 30]);
    let app = TypedAppPassword::generate(&[5; 29]);
    let recovery_text = recovery.shown().expose().to_owned();
    let behind = match input.tail {
        Tail::Nothing => String::new(),
        Tail::Code(offset) => code_at(offset % 4),
        Tail::Spaced(offset) => {
            let code = code_at(offset % 4);
            format!("{} {}", &code[..3], &code[3..])
        }
        Tail::Recovery => recovery_text.clone(),
        Tail::RecoveryLoud => recovery_text.to_uppercase(),
        Tail::AppPassword => app.shown().expose().to_owned(),
    };
    let typed = [&input.password[..], behind.as_bytes(), &input.more].concat();
    shapes(&typed, &key, &alice);

    let mut record = MailboxRecord::new(UnixMillis::from_seconds(1));
    record.app_passwords.push(AppPassword {
        id: app.id,
        digest: app.digest(&alice, &key),
        name: "phone".into(),
        services: Vec::new(),
        networks: Vec::new(),
        created: UnixMillis::from_seconds(1),
        expires: None,
        last_use: None,
    });
    if input.enrolled {
        let enabled = UnixMillis::from_seconds(1);
        let secret = Secret::from_slice(SECRET);
        record.totp = Some(TotpFactor { secret, last_step: 0, enabled });
        record.recovery.push(recovery.digest(&alice, &key));
    }
    let policy = Arc::new(Policy {
        names: NameRules::default(),
        passwords: Passwords::Upstream,
        sessions: SessionPolicy::default(),
        key,
        throttle: None,
        enforcement: EnforcementPolicy::default(),
        mechanisms: Mechanisms::default(),
        webmail: mail2fa::decision::webmail::WebmailRules::new(),
    });
    let request = Request {
        authzid: Vec::new(),
        authcid: b"alice@example.org".to_vec(),
        credential: Credential::Joined(Secret::from_slice(&typed)),
        service: Service::Imap,
        remote: NetAddress::parse("192.0.2.1"),
        via: NetAddress::parse("192.0.2.1"),
    };
    let truth = input.other.as_deref().unwrap_or(&input.password);
    let mut asked = None;
    let mut next = Flow::start(request, policy, UnixMillis::from_seconds(NOW));
    let outcome = loop {
        let (flow, effect) = match next {
            Next::Finish(outcome) => break outcome,
            Next::Perform(flow, effect) => (flow, effect),
        };
        next = flow.step(match effect {
            Effect::Load(_) => {
                let found = Versioned { value: record.clone(), version: Version(1) };
                Input::Loaded(Ok(Some(found)))
            }
            Effect::CheckPassword(question) => {
                let password = question.password.expose().to_vec();
                assert!(typed.starts_with(&password) && !password.is_empty());
                if input.enrolled {
                    assert!(password.len() < typed.len() && !blank(&password));
                } else {
                    assert_eq!(password, typed);
                }
                let right = password == truth;
                asked = Some(password);
                let user = Some(b"alice@example.org".to_vec());
                Input::Password(if right {
                    PasswordAnswer::Right { user, auth_user: None }
                } else {
                    PasswordAnswer::Wrong
                })
            }
            Effect::Establish(_) => Input::Established(PasswordAnswer::Right {
                user: Some(b"alice@example.org".to_vec()),
                auth_user: None,
            }),
            Effect::Burn(write, _) => {
                record = *write.record;
                Input::Burned(BurnAnswer::Burned)
            }
            Effect::Relook(..) => Input::Same,
            Effect::Touch(_) => Input::Touched(BurnAnswer::Burned),
            Effect::Counters(_)
            | Effect::CodeCounters(..)
            | Effect::Count(..)
            | Effect::Relay { .. } => {
                panic!("nothing is throttled or relayed here")
            }
        });
    };
    let loud = |bytes: &[u8]| bytes.to_ascii_lowercase();
    let app_text: Vec<u8> =
        typed.iter().filter(|byte| !b"- ".contains(byte)).map(u8::to_ascii_lowercase).collect();
    let is_app = app_text == app.shown().expose().replace('-', "").as_bytes();
    let tail = asked.as_ref().map(|asked| &typed[asked.len()..]);
    let right = asked.as_deref() == Some(truth);
    if let Outcome::Accepted(accepted) = &outcome {
        let proved = match accepted.method() {
            Method::Password => !input.enrolled && typed == truth,
            Method::PasswordAndCode => {
                let digits: Vec<u8> =
                    tail.unwrap().iter().copied().filter(|byte| *byte != b' ').collect();
                right && (-1..=1).any(|offset| digits == code_at(offset).as_bytes())
            }
            Method::PasswordAndRecoveryCode => {
                right && loud(tail.unwrap()) == recovery_text.as_bytes()
            }
            Method::AppPassword => is_app,
            Method::PasswordAndSession
            | Method::WebmailToken
            | Method::PanelAndCode
            | Method::PanelAndRecoveryCode
            | Method::ExemptNetwork
            | Method::Mechanism
            | Method::MechanismAndFactorElsewhere => false,
        };
        assert!(proved, "{input:?} {outcome:?}");
    }
    // And who has everything right comes in.
    let plain = input.other.is_none() && input.more.is_empty() && typed.len() <= CREDENTIAL_BYTES;
    let whole = match input.tail {
        Tail::Nothing => !input.enrolled && !typed.is_empty(),
        Tail::Code(offset) | Tail::Spaced(offset) => {
            input.enrolled && !blank(&input.password) && (-1..=1).contains(&(offset % 4))
        }
        Tail::Recovery | Tail::RecoveryLoud => input.enrolled && !blank(&input.password),
        Tail::AppPassword => is_app,
    };
    // What names an app password of the mailbox is one, right or wrong.
    let named = is_app || TypedAppPassword::parse(&Secret::from_slice(&typed)).is_none();
    assert!(!(plain && whole && named) || outcome.is_accepted(), "{input:?} {outcome:?}");
});
