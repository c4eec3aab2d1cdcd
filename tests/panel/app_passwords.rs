//! App passwords.

use mail2fa::service::admin::{Request, Response};

use crate::{
    desk::{Desk, assert_untold},
    support::{ALICE, BOB, NOW, code},
};

#[tokio::test]
async fn one_is_made_shown_until_it_is_kept_and_revoked() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    assert!(bob.get("app-passwords").await.says("There are no app passwords"));
    bob.get("app-passwords/new").await;
    assert!(!bob.page.says("name=\"code\""), "no code is asked where there is none");
    let fields = [("name", "Laptop <b>"), ("imap", "yes"), ("smtp", "yes"), ("expires", "30")];
    bob.submit("app-passwords/new", &fields).await;
    let password = bob.page.between("id=\"app-password\">", "<").to_owned();
    assert!(bob.page.says("Laptop &lt;b&gt;") && bob.page.says("Thunderbird"));
    assert_untold(&password);
    // Sent twice makes one; loaded again shows it again.
    bob.get("app-passwords/new").await;
    bob.submit("app-passwords/new", &fields).await;
    assert_eq!(bob.page.between("id=\"app-password\">", "<"), password);
    let list = Request::AppPasswordList { mailbox: BOB.into() };
    let Response::AppPasswords { app_passwords, .. } = desk.admin.handle(list, "t").await.unwrap()
    else {
        panic!("a list")
    };
    assert_eq!(app_passwords.len(), 1);
    assert_eq!(app_passwords[0].services, ["imap", "smtp"]);
    assert_eq!(app_passwords[0].expires, Some(NOW.seconds() + 30 * 86_400));
    bob.submit("app-passwords/shown", &[]).await;
    assert!(bob.page.says("Begins with") && !bob.page.says(&password));
    assert_eq!(bob.get("app-passwords/shown").await.to(), Some("app-passwords"));
    let revoke = format!("app-passwords/revoke?id={}", app_passwords[0].id);
    bob.get(&revoke).await;
    let (id, page) = (app_passwords[0].id.clone(), bob.page.clone());
    bob.submit("app-passwords/revoke", &[("id", &id)]).await;
    assert!(bob.page.says("The app password is revoked"));
    bob.page = page;
    bob.submit("app-passwords/revoke", &[("id", &id)]).await;
    assert!(bob.page.says("The app password is revoked"), "twice is harmless");
    assert!(bob.page.says("There are no app passwords"));
}

#[tokio::test]
async fn where_there_is_a_factor_a_code_is_asked() {
    let desk = Desk::new().await;
    let mut alice = desk.alice(0).await;
    alice.get("app-passwords/new").await;
    assert!(alice.page.says("name=\"code\""));
    alice.submit("app-passwords/new", &[("name", "x"), ("pop3", "yes"), ("code", "000000")]).await;
    assert_eq!(alice.page.status, 422);
    assert!(alice.page.says("value=\"x\""), "what was typed is still there");
    assert!(alice.page.says("name=\"pop3\" value=\"yes\" checked"));
    alice.submit("app-passwords/new", &[("name", "x"), ("code", &code(1))]).await;
    assert!(alice.page.says("Your new app password"));
    assert!(alice.page.says("Everything"));
}

#[tokio::test]
async fn a_name_that_is_none_is_said_at_its_field() {
    let desk = Desk::new().await;
    let mut alice = desk.alice(0).await;
    for name in ["", " ", "a\"b", "a\\b", "a\nb", &"x".repeat(200)] {
        alice.get("app-passwords/new").await;
        alice.submit("app-passwords/new", &[("name", name), ("code", &code(1))]).await;
        assert_eq!(alice.page.status, 422, "{name:?}");
        assert!(alice.page.says("aria-describedby=\"name-error name-hint\""), "{name:?}");
    }
    // None of that has cost the code.
    alice.submit("app-passwords/new", &[("name", "ok"), ("code", &code(1))]).await;
    assert!(alice.page.says("Your new app password"));
}

#[tokio::test]
async fn there_are_not_more_than_there_may_be() {
    use mail2fa::{base::limits::APP_PASSWORDS, service::admin::NewAppPassword};
    let desk = Desk::new().await;
    for n in 0..APP_PASSWORDS {
        let wanted = NewAppPassword { name: n.to_string(), ..NewAppPassword::default() };
        let add = Request::AppPasswordAdd { mailbox: BOB.into(), wanted };
        desk.admin.handle(add, "t").await.unwrap();
    }
    let mut bob = desk.bob().await;
    bob.get("app-passwords/new").await;
    bob.submit("app-passwords/new", &[("name", "one more")]).await;
    assert_eq!(bob.page.status, 422);
    assert!(bob.page.says(&format!("at most {APP_PASSWORDS} app passwords")));
}

#[tokio::test]
async fn nobody_revokes_those_of_others() {
    let desk = Desk::new().await;
    let mut alice = desk.alice(0).await;
    alice.get("app-passwords/new").await;
    alice.submit("app-passwords/new", &[("name", "hers"), ("code", &code(1))]).await;
    let id = alice.page.between("id=\"app-password\">", "-").to_owned();
    let mut bob = desk.bob().await;
    bob.submit("app-passwords/revoke", &[("id", &id), ("mailbox", ALICE)]).await;
    assert!(alice.get("app-passwords").await.says("hers"));
    assert_eq!(bob.get(&format!("app-passwords/revoke?id={id}")).await.to(), Some("app-passwords"));
}
