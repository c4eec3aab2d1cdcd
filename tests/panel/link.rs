//! Into the panel by a one-time link.

use futures_util::future::join_all;
use mail2fa::{
    base::limits::PANEL_LINK_SECONDS,
    service::admin::{Request, Response},
};

use crate::{
    desk::{Browser, Desk, Options, Page, assert_untold, code_of},
    support::{ALICE, ALICE_PASSWORD, BOB, code},
};

/// What a link carries.
async fn link(desk: &Desk, name: &str) -> String {
    let request = Request::PanelLink { mailbox: name.into() };
    match desk.admin.handle(request, "API token \"hosting\"").await {
        Ok(Response::PanelLink { link, .. }) => link.expose().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Opens a link.
async fn open<'a>(browser: &'a mut Browser, link: &str) -> &'a Page {
    browser.get(&format!("link?t={link}")).await
}

/// Presses the button of its page.
async fn press<'a>(browser: &'a mut Browser, link: &str) -> &'a Page {
    browser.post("link", &[("t", link)]).await
}

#[tokio::test]
async fn a_page_that_names_the_mailbox_then_a_button_once() {
    let base = "/mail/2fa/";
    for options in [Options::default(), Options { base, https: true, ..Options::default() }] {
        let desk = Desk::with(options).await;
        let link = link(&desk, ALICE).await;
        let mut browser = desk.browser();
        for method in ["GET", "HEAD", "GET"] {
            let address = format!("link?t={link}");
            assert_eq!(browser.send(method, &address, None).await.status, 200);
        }
        assert!(browser.page.says(&format!("<strong>{ALICE}</strong>")));
        assert!(!browser.page.says("name=\"tag\""), "no switch that leads away");
        assert_eq!(browser.page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(browser.page.header("cache-control"), Some("no-store"));
        assert!(browser.cookies.is_empty(), "nothing has happened");
        press(&mut browser, &link).await;
        assert_eq!(browser.page.to(), Some(""));
        assert!(browser.follow().await.says("2-factor authentication is on"));
        for again in 0..2 {
            let page = match again {
                0 => open(&mut browser, &link).await,
                _ => press(&mut browser, &link).await,
            };
            assert_eq!(page.status, 410);
            assert!(page.says("cannot be used") && !page.says(ALICE));
        }
        assert_eq!(browser.get("").await.status, 200, "the session is another matter");
        assert_untold(&link);
    }
}

#[tokio::test]
async fn of_many_at_once_one_gets_in() {
    let desk = Desk::new().await;
    let link = link(&desk, BOB).await;
    let mut browsers: Vec<_> = (0..16).map(|_| desk.browser()).collect();
    let answers = join_all(browsers.iter_mut().map(|browser| press(browser, &link))).await;
    let mut statuses: Vec<_> = answers.iter().map(|page| page.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[0], 303);
    assert!(statuses[1..].iter().all(|status| *status == 410), "{statuses:?}");
}

#[tokio::test]
async fn it_replaces_whoever_was_there() {
    let desk = Desk::new().await;
    let mut browser = desk.bob().await;
    let before = browser.clone();
    let link = link(&desk, ALICE).await;
    open(&mut browser, &link).await;
    press(&mut browser, &link).await;
    browser.follow().await;
    assert!(browser.page.says(ALICE) && !browser.page.says(BOB));
    let mut old = before;
    assert_eq!(old.get("").await.to(), Some("login?done=ended"), "Bob's session has ended");
}

#[tokio::test]
async fn no_other_site_can_press_the_button() {
    let desk = Desk::new().await;
    let link = link(&desk, BOB).await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let mut browser = desk.browser();
        browser.headers.push((name.into(), value.into()));
        assert_eq!(press(&mut browser, &link).await.status, 403);
        assert!(browser.cookies.is_empty());
    }
    let mut browser = desk.browser();
    // From the hosting panel's page to ours anybody may be led.
    browser.headers = vec![("sec-fetch-site".into(), "cross-site".into())];
    assert_eq!(open(&mut browser, &link).await.status, 200);
    browser.headers.clear();
    assert_eq!(press(&mut browser, &link).await.to(), Some(""), "it is still good");
}

#[tokio::test]
async fn late_or_after_a_change_it_leads_nowhere() {
    let desk = Desk::new().await;
    let late = link(&desk, BOB).await;
    desk.clock.forward(PANEL_LINK_SECONDS);
    assert_eq!(open(&mut desk.browser(), &late).await.status, 410);
    assert_eq!(press(&mut desk.browser(), &late).await.status, 410);
    let before = link(&desk, BOB).await;
    desk.admin.handle(Request::MailboxLock { mailbox: BOB.into() }, "uid=0").await.unwrap();
    desk.admin.handle(Request::MailboxUnlock { mailbox: BOB.into() }, "uid=0").await.unwrap();
    desk.admin.handle(Request::SignInsEnd { mailbox: BOB.into() }, "uid=0").await.unwrap();
    assert_eq!(press(&mut desk.browser(), &before).await.status, 410);
    let removed = link(&desk, BOB).await;
    desk.admin.handle(Request::MailboxRemove { mailbox: BOB.into() }, "uid=0").await.unwrap();
    assert_eq!(press(&mut desk.browser(), &removed).await.status, 410);
    for wrong in ["link", "link?", "link?t=", "link?t=x", "link?t=%00", "link?t=a&t=b", "link?x"] {
        let status = desk.browser().get(wrong).await.status;
        assert!([400, 410].contains(&status), "{wrong} {status}");
    }
    assert_eq!(desk.browser().post("link", &[]).await.status, 410);
    assert_eq!(desk.browser().post("link", &[("t", &"a".repeat(70_000))]).await.status, 413);
}

#[tokio::test]
async fn it_switches_on_but_gives_no_app_password_before_the_password() {
    let desk = Desk::new().await;
    let link = link(&desk, BOB).await;
    let mut bob = desk.browser();
    open(&mut bob, &link).await;
    press(&mut bob, &link).await;
    bob.follow().await;
    bob.submit("factor/begin", &[]).await;
    let secret = bob.page.between("id=\"secret\">", "<").to_owned();
    bob.submit("factor/scan", &[("challenge", &code_of(&secret, 0))]).await;
    assert!(bob.page.says("Keep your recovery codes"), "{:?}", bob.page);
    bob.get("app-passwords/new").await;
    assert_eq!(bob.page.status, 403);
    assert!(bob.page.says("log in with your password first"));
    bob.get("sign-ins").await;
    let token = bob.page.token();
    let form = [("form", token.as_str()), ("name", "phone"), ("code", &code_of(&secret, 1))];
    assert_eq!(bob.post("app-passwords/new", &form).await.status, 403);
    // The login takes the password, and then it is a session like any other.
    bob.get("login").await;
    assert_eq!(bob.page.status, 200);
    assert!(bob.page.says(&format!("value=\"{BOB}\"")));
}

#[tokio::test]
async fn who_logs_in_over_a_link_is_no_longer_by_link() {
    let desk = Desk::new().await;
    let link = link(&desk, ALICE).await;
    let mut alice = desk.browser();
    press(&mut alice, &link).await;
    alice.follow().await;
    assert_eq!(alice.get("app-passwords/new").await.status, 403);
    alice.post("login", &[("name", ALICE), ("password", ALICE_PASSWORD)]).await;
    alice.post("login/code", &[("code", &code(0))]).await;
    assert_eq!(alice.page.to(), Some(""));
    assert_eq!(alice.get("app-passwords/new").await.status, 200);
    alice.get("activity").await;
    assert!(alice.page.says("A link to this panel was made"));
    assert!(alice.page.says("This panel was opened by a link"));
    let opened =
        alice.page.body.split("<li").find(|item| item.contains("opened by a link")).unwrap();
    assert!(!opened.contains("by the administrator"), "who opened it is not known: {opened}");
    assert!(!alice.page.says("hosting"), "who made it is for the administrator");
}
