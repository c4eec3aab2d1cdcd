//! Requests that another site, another session or nobody's page sends.

use crate::{
    desk::{Desk, Options},
    support::{BOB, BOB_PASSWORD},
};

/// All forms of somebody who is signed in.
const FORMS: [&str; 15] = [
    "",
    "logout",
    "factor/begin",
    "factor/again",
    "factor/scan",
    "factor/disable",
    "phone/begin",
    "phone/again",
    "phone/scan",
    "recovery-codes/new",
    "recovery-codes/shown",
    "app-passwords/new",
    "app-passwords/shown",
    "app-passwords/revoke",
    "sign-ins/end-all",
];

#[tokio::test]
async fn a_form_without_the_token_of_its_session_does_nothing() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    let others = desk.bob().await.page.token();
    let fields = [
        ("status", "enabled"),
        ("challenge", "000000"),
        ("code", "000000"),
        ("name", "x"),
        ("id", "abcd"),
        ("kept", "yes"),
    ];
    for path in FORMS.into_iter().chain(["sign-ins/end"]) {
        for token in [None, Some(""), Some(others.as_str()), Some("f".repeat(64).as_str())] {
            let sent: Vec<_> =
                token.map(|token| ("form", token)).into_iter().chain(fields).collect();
            bob.post(path, &sent).await;
            assert_eq!(bob.page.status, 403, "{path} {token:?}");
            assert!(bob.page.says("Please try again"));
        }
        // Nor does one without a session, whatever token it has.
        let mut nobody = desk.browser();
        nobody.post(path, &[("form", &others)]).await;
        assert_eq!(nobody.page.to(), Some("login"), "{path}");
    }
    assert_eq!(bob.get("").await.status, 200, "still logged in");
    assert!(bob.page.says("is off"));
}

#[tokio::test]
async fn another_site_cannot_send_forms() {
    let desk = Desk::new().await;
    let login = [("name", BOB), ("password", BOB_PASSWORD)];
    for headers in [
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
        vec![("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        vec![("sec-fetch-site", "same-site")],
    ] {
        let mut bob = desk.bob().await;
        let token = bob.page.token();
        bob.headers =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        bob.post("sign-ins/end-all", &[("form", &token)]).await;
        assert_eq!(bob.page.status, 403, "{headers:?}");
        for path in ["login", "login/code", "language"] {
            assert_eq!(bob.post(path, &login).await.status, 403, "{path} {headers:?}");
        }
    }
    // Its own pages can, also where only Origin and Host are sent.
    let mut bob = desk.browser();
    bob.headers = vec![("origin".into(), format!("http://{}", desk.address))];
    assert_eq!(bob.post("login", &login).await.to(), Some(""));
}

#[tokio::test]
async fn the_host_header_decides_nothing() {
    let desk = Desk::with(Options { base: "/mail/2fa/", ..Options::default() }).await;
    for host in ["evil.example", "evil.example:80@x", "[::1]"] {
        let mut browser = desk.browser();
        browser.headers = vec![
            ("host".into(), host.into()),
            ("x-forwarded-host".into(), "evil.example".into()),
            ("forwarded".into(), "host=evil.example;proto=http".into()),
        ];
        let login = [("name", BOB), ("password", BOB_PASSWORD)];
        browser.post("login", &login).await;
        if browser.page.status != 400 {
            assert_eq!(browser.page.header("location"), Some("/mail/2fa/"));
            assert!(!browser.get("").await.says("evil"));
        }
    }
}

#[tokio::test]
async fn an_address_is_believed_from_proxies_only() {
    let proxies = vec!["127.0.0.1", "198.51.100.0/24"];
    for (proxies, forwarded, seen) in [
        (vec![], "192.0.2.1", "127.0.0.1"),
        (proxies.clone(), "192.0.2.1", "192.0.2.1"),
        (proxies.clone(), "203.0.113.5, 192.0.2.1", "192.0.2.1"),
        (proxies.clone(), "192.0.2.1, 198.51.100.7", "192.0.2.1"),
        // Bytes that are no ASCII hide nothing: the proxy has added what it saw.
        (proxies.clone(), "\u{ff}, 192.0.2.1", "192.0.2.1"),
        (proxies.clone(), "\u{ff}\r\nx-forwarded-for: 192.0.2.1", "192.0.2.1"),
        (proxies.clone(), "198.51.100.7", "127.0.0.1"),
    ] {
        let desk = Desk::with(Options { proxies, ..Options::default() }).await;
        let mut browser = desk.browser();
        browser.headers = vec![("x-forwarded-for".into(), forwarded.into())];
        browser.post("login", &[("name", BOB), ("password", BOB_PASSWORD)]).await;
        assert_eq!(desk.log.last().remote, seen, "{forwarded}");
    }
}

#[tokio::test]
async fn cookies_are_bound_as_tightly_as_can_be() {
    for (options, name, attributes) in [
        (
            Options { https: true, ..Options::default() },
            "__Host-mail2fa",
            "; Path=/; HttpOnly; SameSite=Strict; Secure",
        ),
        (
            Options { https: true, base: "/mail/2fa/", ..Options::default() },
            "__Secure-mail2fa",
            "; Path=/mail/2fa/; HttpOnly; SameSite=Strict; Secure",
        ),
        (Options::default(), "mail2fa", "; Path=/; HttpOnly; SameSite=Strict"),
    ] {
        let desk = Desk::with(options).await;
        let mut browser = desk.browser();
        browser.post("login", &[("name", BOB), ("password", BOB_PASSWORD)]).await;
        let cookie = browser.page.header("set-cookie").unwrap();
        let (pair, rest) = cookie.split_at(cookie.find(';').unwrap());
        let (given, value) = pair.split_once('=').unwrap();
        assert_eq!((given, rest), (name, attributes));
        crate::desk::assert_untold(value);
    }
}

#[tokio::test]
async fn cookies_that_are_none_open_nothing() {
    let desk = Desk::new().await;
    let bob = desk.bob().await;
    let good = bob.cookies["mail2fa"].clone();
    let (name, token) = good.split_once('.').unwrap();
    let alice = crate::support::b64("alice@example.org").replace('=', "");
    for bad in [
        String::new(),
        ".".into(),
        name.to_owned(),
        format!("{name}."),
        format!("{alice}.{token}"),
        format!("{name}.{}", "A".repeat(43)),
        format!("{name}.{token}A"),
        format!("{name}.{}", "A".repeat(5_000)),
    ] {
        let mut thief = desk.browser();
        thief.cookies.insert("mail2fa".into(), bad.clone());
        let to = thief.get("").await.to().map(str::to_owned);
        assert!(to.as_deref().is_some_and(|to| to.starts_with("login")), "{bad} {to:?}");
    }
}
