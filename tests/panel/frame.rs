//! What every page has: headers, languages, weight, and an answer for every address.

use crate::desk::{Desk, Options};

/// All pages that can be opened by somebody without a factor.
const PAGES: [&str; 7] = [
    "",
    "factor/before",
    "app-passwords",
    "app-passwords/new",
    "sign-ins",
    "recovery-codes",
    "activity",
];

/// And by somebody with one.
const ENROLLED: [&str; 8] = [
    "",
    "factor/disable",
    "factor/disable?recovery",
    "phone",
    "recovery-codes",
    "recovery-codes/new",
    "app-passwords/new",
    "sign-ins",
];

#[tokio::test]
async fn every_answer_has_the_headers() {
    let desk = Desk::with(Options { https: true, ..Options::default() }).await;
    let mut browser = desk.browser();
    for (method, path) in [
        ("GET", "login"),
        ("GET", "panel.css"),
        ("GET", "nothing"),
        ("POST", "panel.css"),
        ("GET", ""),
    ] {
        let page = browser.send(method, path, None).await;
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"));
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("strict-transport-security", "max-age=31536000"),
        ] {
            assert_eq!(page.header(name), Some(value), "{path} {name}");
        }
        let cache = page.header("cache-control").unwrap();
        assert_eq!(cache == "no-store", path != "panel.css" || method == "POST", "{path} {cache}");
    }
}

#[tokio::test]
async fn pages_are_light_and_have_nothing_inline() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    let files: usize =
        [bob.get("panel.css").await.body.len(), bob.get("panel.js").await.body.len()].iter().sum();
    bob.get("factor/before").await;
    bob.submit("factor/begin", &[]).await;
    let heaviest = bob.page.body.len();
    assert!(files + heaviest < 50_000, "{files} + {heaviest}");
    let mut pages = vec![bob.page.clone()];
    let mut alice = desk.alice(0).await;
    for path in PAGES {
        pages.push(bob.get(path).await.clone());
    }
    for path in ENROLLED {
        pages.push(alice.get(path).await.clone());
    }
    for page in pages {
        assert_eq!(page.status, 200);
        for word in
            [" style=", "<style", " onclick", " onload", "javascript:", "http://", "https://"]
        {
            let body = page.body.replace("http://www.w3.org/2000/svg", "");
            assert!(!body.contains(word), "{word} in {}", page.body);
        }
        assert_eq!(page.body.matches("<h1").count(), 1);
        assert_eq!(page.body.matches("<script").count(), 1);
        assert!(page.says("<html lang=\"en\">") && page.says("href=\"#content\""));
        assert!(page.says("Example &lt;Hosting&gt;") && !page.says("<Hosting>"));
        labelled(&page.body);
    }
}

/// Each field has a label, and what it says describes it is there.
fn labelled(body: &str) {
    for (place, _) in body.match_indices("<input").chain(body.match_indices("<select")) {
        let tag = &body[place..place + body[place..].find('>').unwrap()];
        let attribute = |name: &str| {
            let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
            rest.split('"').next()
        };
        if matches!(attribute("type"), Some("hidden" | "checkbox")) {
            continue;
        }
        let id = attribute("id").unwrap();
        assert!(body.contains(&format!("<label for=\"{id}\"")), "{tag}");
        for id in attribute("aria-describedby").into_iter().flat_map(str::split_whitespace) {
            assert_eq!(body.matches(&format!(" id=\"{id}\"")).count(), 1, "{tag}");
        }
    }
}

#[tokio::test]
async fn every_address_has_an_answer() {
    for base in ["/", "/mail/2fa/"] {
        let desk = Desk::with(Options { base, ..Options::default() }).await;
        let mut browser = desk.browser();
        for path in ["nothing", "factor", "../etc/passwd", "%2e%2e/etc/passwd", "login/", "a%00b"] {
            let page = browser.get(path).await;
            assert_eq!(page.status, 404, "{path}");
            assert!(page.says("Page not found"), "{path}");
        }
        for (method, path) in
            [("GET", "logout"), ("DELETE", "login"), ("PUT", ""), ("POST", "panel.js")]
        {
            assert_eq!(browser.send(method, path, None).await.status, 405, "{method} {path}");
            assert!(browser.page.header("allow").is_some());
        }
        let head = browser.send("HEAD", "login", None).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
    }
    let desk = Desk::with(Options { base: "/mail/2fa/", ..Options::default() }).await;
    let bare = crate::desk::exchange(desk.address, b"GET /mail/2fa HTTP/1.0\r\n\r\n").await;
    let bare = String::from_utf8(bare).unwrap();
    assert!(bare.contains(" 308 ") && bare.contains("location: /mail/2fa/\r\n"), "{bare}");
    let outside = crate::desk::exchange(desk.address, b"GET / HTTP/1.0\r\n\r\n").await;
    assert!(String::from_utf8(outside).unwrap().contains(" 404 "));
}

#[tokio::test]
async fn the_language_is_the_chosen_one_or_the_browsers() {
    let desk = Desk::new().await;
    let mut browser = desk.browser();
    for (accepted, tag) in [
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("nl", "nl"),
        ("fr-CA", "fr"),
        ("es", "es"),
        ("ja", "en"),
        ("", "en"),
    ] {
        browser.headers = vec![("accept-language".into(), accepted.into())];
        assert!(browser.get("login").await.says(&format!("<html lang=\"{tag}\">")), "{accepted}");
    }
    browser.post("language", &[("tag", "fr"), ("back", "login")]).await;
    assert_eq!(browser.page.to(), Some("login"));
    assert!(browser.follow().await.says("<html lang=\"fr\">"));
    browser.post("language", &[("tag", "xx"), ("back", "//evil.example/")]).await;
    assert_eq!(browser.page.header("location"), Some("/"));
    assert!(
        browser.get("login").await.says("<html lang=\"fr\">"),
        "an unknown one changes nothing"
    );
}

#[tokio::test]
async fn notices_are_known_texts_only() {
    let desk = Desk::new().await;
    let mut browser = desk.browser();
    assert!(browser.get("login?done=ended").await.says("role=\"status\""));
    for odd in
        ["login?done=<b>", "login?done=language-name", "login?done=notice-ended", "login?done"]
    {
        assert!(!browser.get(odd).await.says("role=\"status\""), "{odd}");
    }
}
