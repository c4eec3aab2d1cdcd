//! What the host requires, as the owner sees it.

use mail2fa::{
    base::NetAddress,
    decision::{
        enforcement::{EnforcementPolicy, Level, ServiceRule, ServiceRules},
        place::Network,
    },
};

use crate::{
    desk::{Desk, Options, code_of},
    support::{ALICE, ALICE_PASSWORD, NOW, code},
};

async fn desk(enforcement: EnforcementPolicy) -> Desk {
    Desk::with(Options { enforcement, ..Options::default() }).await
}

#[tokio::test]
async fn who_must_have_a_factor_and_has_none_can_switch_it_on_here() {
    let desk =
        desk(EnforcementPolicy { level: Level::Required, ..EnforcementPolicy::default() }).await;
    let mut bob = desk.bob().await;
    assert!(bob.page.says("can be opened on these pages only"));
    bob.submit("", &[("status", "enabled")]).await;
    bob.submit("factor/begin", &[]).await;
    let secret = bob.page.between("id=\"secret\">", "<").to_owned();
    bob.submit("factor/scan", &[("challenge", &code_of(&secret, 0))]).await;
    assert!(bob.page.says("Keep your recovery codes"));
    assert!(bob.get("").await.says("requires 2-factor authentication."));
    assert!(bob.get("factor/disable").await.says("when it is off"));
}

#[tokio::test]
async fn days_are_counted() {
    let level = Level::RequiredFrom(NOW.plus_seconds(12 * 86_400));
    let desk = desk(EnforcementPolicy { level, ..EnforcementPolicy::default() }).await;
    assert!(desk.bob().await.page.says("12 days are left"));
}

#[tokio::test]
async fn where_it_is_not_offered_nothing_is_switched_on() {
    let desk = desk(EnforcementPolicy { level: Level::Off, ..EnforcementPolicy::default() }).await;
    let mut bob = desk.bob().await;
    assert!(bob.page.says("does not offer") && !bob.page.says("name=\"status\""));
    bob.submit("factor/begin", &[]).await;
    assert!(!bob.page.says("otpauth:"));
}

#[tokio::test]
async fn rules_of_mail_services_and_exempt_networks_are_not_for_the_panel() {
    use mail2fa::base::Service;
    let rules = [Service::Imap, Service::Smtp, Service::Other("x".into())];
    let rules = rules.map(|service| (service, ServiceRule::AppPasswords)).to_vec();
    let here = Network::around(NetAddress::parse("127.0.0.1").ip().unwrap(), 8);
    let desk = desk(EnforcementPolicy {
        services: ServiceRules::new(rules),
        exempt_networks: vec![here],
        ..EnforcementPolicy::default()
    })
    .await;
    let mut alice = desk.browser();
    alice.post("login", &[("name", ALICE), ("password", ALICE_PASSWORD)]).await;
    assert_eq!(alice.page.to(), Some("login/code"), "no network stands for a code here");
    alice.post("login/code", &[("code", &code(0))]).await;
    assert_eq!(alice.page.to(), Some(""));
    alice.get("factor/disable").await;
    alice.submit("factor/disable", &[("code", &code(1))]).await;
    assert!(alice.page.says("is off"));
}
