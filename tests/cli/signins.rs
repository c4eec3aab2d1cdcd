//! App passwords, recovery codes, sessions and locks on the command line.

use super::{ALICE, Site, code};

/// Enrols Alice; what the confirmation says.
fn enrol(site: &Site) -> serde_json::Value {
    let secret = site.enable(ALICE);
    site.run(&["--json", "totp", "confirm", ALICE, &code(&secret)]).json()
}

#[test]
fn app_passwords_from_first_to_last() {
    for source in ["store", "dovecot"] {
        let site = Site::new(source);
        if source == "store" {
            site.add(ALICE);
        }
        let add = ["app-password", "add", ALICE, "phone", "--service", "imap,smtp"];
        let more = ["--network", "192.0.2.0/24", "--expires", "90d", "--json"];
        let added = site.run(&[&add[..], &more].concat()).json();
        let (id, password) = (added["id"].as_str().unwrap(), added["password"].as_str().unwrap());
        assert!(password.starts_with(&format!("{id}-")) && password.len() == 34, "{password}");
        let list = site.run(&["app-password", "list", "Alice", "--json"]).json();
        let [seen] = &list["app_passwords"].as_array().unwrap()[..] else { panic!("one") };
        assert_eq!((&seen["name"], &seen["id"]), (&"phone".into(), &id.into()));
        assert_eq!(seen["services"], serde_json::json!(["imap", "smtp"]));
        let text = site.run(&["app-password", "list", ALICE]).ok();
        assert!(text.contains("192.0.2.0/24") && !text.contains(password), "{text}");
        let shown = site.run(&["app-password", "add", ALICE, "laptop"]).ok();
        assert!(shown.contains("not shown again"), "{shown}");
        site.run(&["app-password", "revoke", ALICE, id]).ok();
        site.run(&["app-password", "revoke", ALICE, id]).fails(67, "has no app password");
        for (arguments, exit, message) in [
            (&["add", ALICE, "x", "--service", "imapp"][..], 65, "a service is imap"),
            (&["add", ALICE, "x", "--network", "192.0.2.1/8"], 65, "a network is"),
            (&["add", ALICE, "x", "--expires", "soon"], 64, "after a while"),
            (&["add", ALICE, "x", "--expires", "2001-01-01"], 65, "in the future"),
            (&["revoke", ALICE, "abc"], 65, "four characters"),
        ] {
            site.run(&[&["app-password"], arguments].concat()).fails(exit, message);
        }
    }
}

#[test]
fn where_nobody_vouches_it_is_said_that_an_app_password_does_not_open_dovecots_doors() {
    let site = Site::new("dovecot");
    let path = site.path("mail2fa.toml");
    let mut text = std::fs::read_to_string(&path).unwrap();
    assert!(!site.run(&["app-password", "add", ALICE, "a"]).ok().contains("vouch_secret_file"));
    text.push_str(
        "[[listener]]\nname = \"l\"\nkind = \"login\"\nsocket = \"/x/l\"\nupstream = \"/x/u\"\n",
    );
    std::fs::write(&path, text).unwrap();
    let shown = site.run(&["app-password", "add", ALICE, "a"]).ok();
    assert!(shown.contains("passwords.vouch_secret_file is not set"), "{shown}");
}

#[test]
fn recovery_codes_from_first_to_last() {
    let site = Site::new("dovecot");
    site.run(&["recovery-codes", "new", ALICE]).fails(67, "is off");
    let confirmed = enrol(&site);
    assert_eq!(confirmed["recovery_codes"].as_array().unwrap().len(), 10);
    let set = site.run(&["recovery-codes", "new", ALICE, "--json"]).json();
    let code = set["recovery_codes"][9].as_str().unwrap();
    assert!(code.len() == 11 && code.as_bytes()[5] == b'-', "{code}");
    assert_ne!(set["recovery_codes"], confirmed["recovery_codes"]);
    let left = site.run(&["recovery-codes", "left", ALICE]).ok();
    assert_eq!(left, "alice@example.org has 10 of 10 recovery codes left\n");
    let renamed = site.run(&["mailbox", "rename", ALICE, "carol"]).ok();
    assert!(renamed.contains("mail2fa recovery-codes new carol@example.org"), "{renamed}");
    let left = site.run(&["recovery-codes", "left", "carol", "--json"]).json();
    assert_eq!(left["left"], 0);
}

#[test]
fn sessions_and_locks() {
    let site = Site::new("dovecot");
    enrol(&site);
    let list = site.run(&["session", "list", ALICE, "--json"]).json();
    assert_eq!(list, serde_json::json!({ "mailbox": ALICE, "sessions": [] }));
    site.run(&["session", "revoke", ALICE]).fails(64, "<ID>");
    site.run(&["session", "revoke", ALICE, "1", "--all"]).fails(64, "cannot be used with");
    site.run(&["session", "revoke", ALICE, "1"]).fails(67, "has no session 1");
    let ended = site.run(&["session", "revoke", ALICE, "--all"]).ok();
    assert_eq!(ended, "0 sessions of alice@example.org ended\n");
    assert_eq!(site.run(&["lock", "Alice"]).ok(), "alice@example.org is locked: nobody gets in\n");
    site.run(&["lock", ALICE]).fails(73, "is locked: nothing was done");
    let show = site.run(&["mailbox", "show", ALICE, "--json"]).json();
    assert!(show["locked"].is_u64(), "{show}");
    assert!(site.run(&["mailbox", "show", ALICE]).ok().contains("locked:    since"));
    assert!(site.run(&["mailbox", "list"]).ok().contains("locked"));
    site.run(&["unlock", ALICE]).ok();
    site.run(&["unlock", ALICE]).fails(67, "is not locked");
}

#[test]
fn a_link_to_the_panel_is_shown_with_its_whole_address() {
    let site = Site::new("dovecot");
    site.run(&["panel", "link", ALICE]).fails(78, "there is no panel");
    let path = site.path("mail2fa.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let panel = "[panel]\nlisten = \"/x/panel\"\nbase_path = \"/2fa\"\n";
    std::fs::write(&path, format!("{text}{panel}")).unwrap();
    let shown = site.run(&["panel", "link", "Alice"]).ok();
    assert!(shown.starts_with("/2fa/link?t=") && shown.contains("set panel.origin"), "{shown}");
    let origin = "origin = \"https://mail.example.org\"\n";
    std::fs::write(&path, format!("{text}{panel}{origin}")).unwrap();
    let made = site.run(&["panel", "link", ALICE, "--json"]).json();
    let link = made["link"].as_str().unwrap();
    assert!(link.starts_with("https://mail.example.org/2fa/link?t="), "{link}");
    assert_eq!(made["mailbox"], ALICE);
    let trail = site.run(&["audit", ALICE]).ok();
    assert!(trail.contains("panel link; by uid="), "{trail}");
    let token = link.rsplit('=').next().unwrap();
    assert!(!trail.contains(token));
    site.run(&["lock", ALICE]).ok();
    site.run(&["panel", "link", ALICE]).fails(73, "is locked");
}
