//! What the owner is told of logins and changes, and of programs with the bare password.

use mail2fa::{
    base::{NetAddress, Secret, Service},
    decision::flow::{Credential, Request},
    net::client,
    ports::password::{FormLogin, PasswordSources},
    service::authenticate::Circumstances,
};

use crate::{
    desk::Desk,
    support::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, code, stand::Comparing, wrong_code},
};

/// A mail program logs in.
async fn program(desk: &Desk, name: &str, typed: &str) {
    let (from, service) = (NetAddress::parse("192.0.2.7"), Service::Imap);
    let request = Request {
        authzid: Vec::new(),
        authcid: name.into(),
        credential: Credential::Joined(Secret::from_slice(typed.as_bytes())),
        service: service.clone(),
        remote: from,
        via: from,
    };
    let circumstances = Circumstances {
        listener: "dovecot".into(),
        service: service.clone(),
        remote: from,
        mechanism: "PLAIN".into(),
        session: None,
        client: Some("Thunder<b>bird".into()),
    };
    let passwords = client::Passwords::Stored(std::sync::Arc::new(Comparing::default()));
    let source = passwords.for_form(&FormLogin { name: name.as_bytes(), from, service: &service });
    let _ = desk.authenticator.authenticate(request, &circumstances, &*source).await;
}

#[tokio::test]
async fn logins_and_changes_stand_there_in_plain_words() {
    let desk = Desk::new().await;
    program(&desk, ALICE, &format!("{ALICE_PASSWORD}{}", wrong_code())).await;
    program(&desk, ALICE, "guess123456").await;
    program(&desk, BOB, "not hers").await;
    let mut alice = desk.alice(0).await;
    alice.get("recovery-codes/new").await;
    alice.submit("recovery-codes/new", &[("code", &code(1))]).await;
    desk.trail.flush().await;
    alice.get("activity").await;
    for told in [
        "Refused: right password, wrong code",
        "Was that you?",
        "Refused: wrong password",
        "Right password at this panel; the code was asked",
        "Logged in with password and code",
        "New recovery codes were made",
        "at this panel",
        "192.0.2.7",
    ] {
        assert!(alice.page.says(told), "{told}");
    }
    assert_eq!(alice.page.body.matches("Refused: wrong password").count(), 1, "nothing of Bob's");
    assert!(!alice.page.says("uid=") && !alice.page.says("<b>"));
    // And the first page warns.
    assert!(alice.get("").await.says("Somebody has typed your right password"));
    let mut bob = desk.bob().await;
    assert!(!bob.get("").await.says("Somebody has typed"));
    assert!(!bob.get("activity").await.says("right password"));
}

/// A clock that has lost its time shows 1970: what happens then bears the time of what was before.
#[tokio::test]
async fn a_time_that_is_not_known_is_marked() {
    let desk = Desk::new().await;
    program(&desk, BOB, "wrong").await;
    desk.clock.set(mail2fa::base::UnixMillis::from_seconds(59));
    program(&desk, BOB, "wrong").await;
    desk.clock.set(crate::support::NOW.plus_seconds(60));
    let mut bob = desk.bob().await;
    desk.trail.flush().await;
    let known = humantime::format_rfc3339_seconds(
        std::time::UNIX_EPOCH + std::time::Duration::from_secs(crate::support::NOW.seconds()),
    )
    .to_string();
    for (language, words) in [
        ("en", "or later (the server did not know the time)"),
        ("de", "oder später (der Server kannte die Zeit nicht)"),
        ("nl", "of later (de server wist niet hoe laat het was)"),
        ("fr", "ou plus tard (le serveur ne connaissait pas l’heure)"),
        ("es", "o más tarde (el servidor no sabía la hora)"),
    ] {
        bob.headers = vec![("accept-language".into(), language.into())];
        bob.get("activity").await;
        // Two bear that moment, and the later one says that it may have been later.
        let lines = bob.page.all("<li class=\"bad\">", "</li>");
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines.iter().all(|line| line.contains(&known)), "{known} {lines:?}");
        assert!(lines[0].contains(words) && !lines[1].contains(words), "{lines:?}");
    }
}

#[tokio::test]
async fn older_events_follow_and_odd_places_do_not() {
    let desk = Desk::new().await;
    for _ in 0..40 {
        program(&desk, BOB, "wrong").await;
        desk.clock.forward(1);
    }
    let mut bob = desk.bob().await;
    desk.trail.flush().await;
    bob.get("activity").await;
    let first = bob.page.body.matches("Refused: wrong password").count();
    let older = bob.page.between("activity?before=", "\"").to_owned();
    bob.get(&format!("activity?before={older}")).await;
    let second = bob.page.body.matches("Refused: wrong password").count();
    assert_eq!(first + second, 40);
    for odd in ["x", "", "%00", "0-0"] {
        let status = bob.get(&format!("activity?before={odd}")).await.status;
        assert!([200, 303].contains(&status), "{odd}: {status}");
    }
}

#[tokio::test]
async fn programs_with_the_bare_password_are_named_before_it_starts() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    assert!(!bob.get("factor/before").await.says("will need an app password:"), "not the panel");
    program(&desk, BOB, BOB_PASSWORD).await;
    bob.get("factor/before").await;
    assert!(bob.page.says("will need an app password:") && bob.page.says("192.0.2.0/24"));
    assert!(!bob.page.says("<b>"));
}
