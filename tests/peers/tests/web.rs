//! Real web servers before the User Panel and the API, with the settings of docs/panel.md and docs/api.md.

use peers::web::{Kind, Site, Visitor, Way};
use peers::{Codes, Folder};

const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";
const PASSWORD: &str = "T9D3K!px-long-enough";

/// Where the browsers are. All of the loopback network reaches the web server.
const HOME: &str = "127.0.0.5";

fn log_in(visitor: &Visitor, name: &str) -> peers::web::Answer {
    visitor.post("/2fa/login", &[("name", name), ("password", PASSWORD)]).unwrap()
}

fn behind(kind: Kind) {
    let folder = Folder::new().unwrap();
    let site = Site::start(&folder, kind).unwrap();
    site.mail2fa.set_password(BOB, PASSWORD).unwrap();
    site.mail2fa.set_password(ALICE, PASSWORD).unwrap();
    people_log_in(&site);
    addresses_are_the_web_servers_word(&site);
    other_sites_are_refused(&site);
    odd_requests(&site);
}

fn people_log_in(site: &Site) {
    let bob = site.visitor(HOME);
    let answer = bob.get("/2fa").unwrap();
    assert_eq!((answer.status, answer.header("location")), (308, Some("/2fa/")), "{answer:?}");
    let answer = bob.get("/2fa/").unwrap();
    assert_eq!((answer.status, answer.header("location")), (303, Some("/2fa/login")), "{answer:?}");
    let page = bob.get("/2fa/login").unwrap();
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.header("content-security-policy").is_some(), "{page:?}");
    assert!(page.header("strict-transport-security").is_some(), "{page:?}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(page.body.contains("href=\"/2fa/panel.css\""), "{page:?}");
    let style = bob.get("/2fa/panel.css").unwrap();
    assert_eq!(style.status, 200, "{style:?}");
    assert!(style.header("content-type").unwrap().starts_with("text/css"), "{style:?}");

    let answer = log_in(&bob, BOB);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/2fa/")), "{answer:?}");
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__secure-mail2fa=") && cookie.contains("path=/2fa/"), "{cookie}");
    assert!(cookie.contains("secure") && cookie.contains("httponly"), "{cookie}");
    let page = bob.get("/2fa/").unwrap();
    assert!(page.status == 200 && page.body.contains(BOB), "{page:?}");

    let enrolment = site.mail2fa.enable(ALICE).unwrap();
    let mut codes = Codes::new(enrolment.secret);
    site.mail2fa.confirm(ALICE, &codes.fresh().unwrap()).unwrap();
    let alice = site.visitor(HOME);
    let answer = log_in(&alice, ALICE);
    assert_eq!(answer.header("location"), Some("/2fa/login/code"), "{answer:?}");
    assert_eq!(alice.get("/2fa/").unwrap().status, 303, "the password alone opens nothing");
    let answer = alice.post("/2fa/login/code", &[("code", &codes.fresh().unwrap())]).unwrap();
    assert_eq!(answer.header("location"), Some("/2fa/"), "{answer:?}");
    assert!(alice.get("/2fa/").unwrap().body.contains(ALICE));
}

/// Logs bob in from an address, saying that it is another one; the lines of the log about it.
fn addresses_are_the_web_servers_word(site: &Site) {
    for (address, claims) in [
        ("127.0.0.6", vec![]),
        ("127.0.0.7", vec!["X-Forwarded-For: 192.0.2.66"]),
        (
            "127.0.0.8",
            vec!["X-Forwarded-For: 192.0.2.66, 127.0.0.1", "X-Forwarded-For: 192.0.2.66"],
        ),
        (
            "127.0.0.9",
            vec![
                "Forwarded: for=192.0.2.66",
                "X-Real-IP: 192.0.2.66",
                "X_Forwarded_For: 192.0.2.66",
            ],
        ),
        ("127.0.0.10", vec!["Connection: X-Forwarded-For", "X-Forwarded-For: 192.0.2.66"]),
        ("127.0.0.11", vec!["X-Forwarded-For: \u{ff}"]),
    ] {
        let mut bob = site.visitor(address);
        bob.headers = claims.iter().map(|claim| (*claim).to_owned()).collect();
        assert_eq!(log_in(&bob, BOB).status, 303, "{address}");
        let seen = format!(" rip={address} ");
        peers::wait::until_file_has(&site.mail2fa.log_file(), &seen)
            .unwrap_or_else(|error| panic!("{claims:?}: {error}\n{}", site.mail2fa.log()));
    }
    assert!(!site.mail2fa.log().contains("192.0.2.66"), "{}", site.mail2fa.log());
}

fn other_sites_are_refused(site: &Site) {
    let bob = site.visitor(HOME);
    let form = [("name", BOB), ("password", PASSWORD)];
    let own = bob.origin().to_owned();
    for (origin, fetched) in [
        ("https://evil.example", "cross-site"),
        ("https://evil.example", ""),
        ("null", ""),
        ("https://localhost", ""),
        (own.as_str(), "same-site"),
    ] {
        let answer = bob.post_from(origin, fetched, "/2fa/login", &form).unwrap();
        assert_eq!(answer.status, 403, "{origin} {fetched}: {answer:?}");
        assert!(answer.header("set-cookie").is_none());
    }
    // A browser that does not say how the two stand to each other: Host and Origin must have arrived unchanged.
    let answer = bob.post_from(&own, "", "/2fa/login", &form).unwrap();
    assert_eq!(answer.status, 303, "{answer:?}");
}

fn odd_requests(site: &Site) {
    let bob = site.visitor(HOME);
    for path in [
        "/2fa/../2fa/../etc/passwd",
        "/2fa/%2e%2e/%2e%2e/etc/passwd",
        "/2fa/..%2f..%2fetc/passwd",
        "/2fa//",
    ] {
        let answer = bob.get(path).unwrap();
        // Some web servers tidy the path first. It is no business of the panel then, and Caddy has nothing there.
        let theirs = answer.header("content-security-policy").is_none();
        let refused = (400..500).contains(&answer.status) || answer.status == 303;
        assert!(refused || theirs && answer.body.is_empty(), "{path}: {answer:?}");
    }
    // More than the panel takes, and less and more than the web servers do.
    for length in [200_000, 2_000_000] {
        let file = site.mail2fa.root().join("large");
        std::fs::write(&file, format!("name={}", "x".repeat(length))).unwrap();
        let data = format!("@{}", file.display());
        let answer = bob.ask("/2fa/login", &["--data-binary", &data], "").unwrap();
        // 502 where the web server still writes when the panel has answered and gone.
        assert!([413, 502].contains(&answer.status), "{answer:?}");
    }
    let answer = bob.get("/2fa/login").unwrap();
    assert_eq!(answer.status, 200, "the next one is served: {answer:?}");
}

#[test]
fn behind_nginx() {
    behind(Kind::Nginx);
}

#[test]
fn behind_apache() {
    behind(Kind::Apache);
}

#[test]
fn behind_caddy() {
    behind(Kind::Caddy);
}

/// A program on another host, with its token.
fn program(site: &Site, address: &str, token: &str) -> Visitor {
    let mut program = site.visitor(address);
    program.headers.push(format!("Authorization: Bearer {token}"));
    program
}

fn the_api_behind_nginx(way: Way) {
    let folder = Folder::new().unwrap();
    let site = Site::start_api(&folder, way).unwrap();
    let json = |answer: &peers::web::Answer| -> serde_json::Value {
        serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
    };
    site.mail2fa.set_password(BOB, PASSWORD).unwrap();
    let text = site.mail2fa.cli_text(&["token", "add", "panel", "--scope", "*", "--json"], "");
    let made: serde_json::Value = serde_json::from_str(&text.unwrap()).unwrap();
    let good = program(&site, HOME, made["token"].as_str().unwrap());

    let answer = good.get("/v1/mailboxes").unwrap();
    assert_eq!((answer.status, &json(&answer)["mailboxes"][0]["mailbox"]), (200, &BOB.into()));
    // Names arrive as they were sent, a slash in them too.
    let answer = good.get("/v1/mailboxes/bob%40example.org").unwrap();
    assert_eq!((answer.status, &json(&answer)["mailbox"]), (200, &BOB.into()), "{answer:?}");
    let answer = good.get("/v1/mailboxes/a%2Fb%40example.org/policy").unwrap();
    assert_eq!((answer.status, &json(&answer)["mailbox"]), (404, &"a/b@example.org".into()));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let put =
        ["-X", "PUT", "-H", "Content-Type: application/json", "-d", r#"{"level":"required"}"#];
    let answer = good.ask("/v1/mailboxes/bob%40example.org/policy", &put, "").unwrap();
    assert_eq!((answer.status, &json(&answer)["level"]), (200, &"required".into()), "{answer:?}");

    // Who has no token, or another one; too many of them; and the good one all the same.
    let answer = site.visitor(HOME).get("/v1/mailboxes").unwrap();
    assert_eq!(answer.status, 401, "{answer:?}");
    assert!(answer.header("www-authenticate").is_some_and(|how| how.contains("bearer")));
    let wrong = program(&site, HOME, "m2f_nobody");
    let statuses: Vec<u16> = (0..30).map(|_| wrong.get("/v1/health").unwrap().status).collect();
    assert!(statuses.contains(&401) && statuses.ends_with(&[429]), "{statuses:?}");
    assert_eq!(good.get("/v1/health").unwrap().status, 200);

    // Nothing but the API, and for nobody but whom the snippet allows.
    let answer = good.get("/").unwrap();
    assert!(
        answer.status == 404 && answer.header("content-type") == Some("text/html"),
        "{answer:?}"
    );
    let text = std::fs::read_to_string(folder.path().join("web/nginx.conf")).unwrap();
    assert!(text.contains("allow 127.0.0.0/8;") && text.contains("deny all;"), "{text}");
    let large = ["-H", "Content-Type: application/json", "-d", &"x".repeat(70_000)];
    let answer = good.ask("/v1/mailboxes", &large, "").unwrap();
    assert_eq!(answer.status, 413, "{answer:?}");
    assert!(!site.mail2fa.log().contains("m2f_"), "{}", site.mail2fa.log());
}

#[test]
fn the_api_behind_nginx_by_socket() {
    the_api_behind_nginx(Way::Unix);
}

#[test]
fn the_api_behind_nginx_by_tcp() {
    the_api_behind_nginx(Way::Tcp);
}
