//! Levels of enforcement on the command line.

use super::{ALICE, Site, code};

/// Puts a section into the configuration.
fn configure(site: &Site, section: &str) {
    let path = site.path("mail2fa.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{section}\n{text}")).unwrap();
}

#[test]
fn a_level_from_first_to_last() {
    for source in ["store", "dovecot"] {
        let site = Site::new(source);
        if source == "store" {
            site.add(ALICE);
        }
        let show = || site.run(&["--json", "policy", "show", "Alice"]).json();
        assert_eq!((&show()["level"], &show()["source"]), (&"optional".into(), &"server".into()));
        let set = site.run(&["--json", "policy", "set", ALICE, "required"]).json();
        assert_eq!((&set["required"], &set["source"]), (&true.into(), &"mailbox".into()));
        assert_eq!(set, show());
        let text = site.run(&["policy", "show", ALICE]).ok();
        for words in [
            "level:     required\n",
            "whose:     its own, since 2",
            "off, and required",
            "imap:      nothing",
        ] {
            assert!(text.contains(words), "{words} in {text}");
        }
        let text = site.run(&["policy", "set", ALICE, "--from", "2999-03-01"]).ok();
        assert!(
            text.contains("required from 2999-03-01T00:00:00Z (") && text.contains(" days left)")
        );
        let left = show()["days_left"].as_u64().unwrap();
        assert!(left > 300_000, "{left}");
        site.run(&["policy", "set", ALICE, "inherit"]).ok();
        assert_eq!(show()["source"], "server");
    }
}

#[test]
fn off_keeps_people_from_enrolling_and_not_from_their_factor() {
    let site = Site::new("dovecot");
    site.run(&["policy", "set", ALICE, "off"]).ok();
    site.run(&["totp", "enable", ALICE]).fails(78, "policy set alice@example.org optional");
    site.run(&["policy", "set", ALICE, "required"]).ok();
    let secret = site.enable(ALICE);
    site.run(&["totp", "confirm", ALICE, &code(&secret)]).ok();
    let text = site.run(&["policy", "set", ALICE, "off"]).ok();
    assert!(
        text.contains("2-factor:  on") && text.contains("imap:      password+code,app_password")
    );
    assert!(site.totp_is_on(ALICE));
    site.run(&["policy", "set", ALICE, "required"]).ok();
    let text = site.run(&["totp", "disable", ALICE, "--yes"]).ok();
    assert!(text.contains("its password opens nothing"), "{text}");
    site.run(&["policy", "set", ALICE, "inherit"]).ok();
    site.run(&["mailbox", "show", ALICE]).fails(67, "keeps nothing about");
}

#[test]
fn what_is_configured_is_shown() {
    let site = Site::new("dovecot");
    configure(
        &site,
        "[enforcement]\nrequired_from = 2999-03-01\nexempt_networks = [\"192.0.2.0/24\"]\n\
         webmail_networks = [\"203.0.113.9\"]\n\
         [[enforcement.domain]]\nname = \"example.org\"\nlevel = \"off\"\ndry_run = true\n\
         [enforcement.services]\npop3 = \"off\"",
    );
    let json = site.run(&["policy", "show", "--json"]).json();
    assert_eq!(
        (&json["level"], &json["required_from"]),
        (&"required_from".into(), &32_477_241_600_u64.into())
    );
    assert_eq!(json["domains"][0]["name"], "example.org");
    let text = site.run(&["policy", "show"]).ok();
    for words in [
        "required from 2999-03-01T00:00:00Z",
        "exempt:      192.0.2.0/24",
        "pop3:        off",
        "domain example.org: off, dry run",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    let text = site.run(&["policy", "show", ALICE]).ok();
    for words in ["its domain's", "dry run:   yes", "pop3:      nothing", "others:    nothing"] {
        assert!(text.contains(words), "{words} in {text}");
    }
}

#[test]
fn levels_that_are_none() {
    let site = Site::new("store");
    for (arguments, exit, message) in [
        (&["set", ALICE][..], 64, "required"),
        (&["set", ALICE, "harsh"], 64, "possible values: off, optional, required, inherit"),
        (&["set", ALICE, "off", "--from", "2027-03-01"], 64, "\"required\" only"),
        (&["set", ALICE, "--from", "soon"], 64, "2027-03-01"),
        (&["set", ALICE, "required"], 67, "there is no mailbox"),
        (&["show", ALICE], 67, "there is no mailbox"),
        (&["set", "a b", "required"], 65, "white space"),
    ] {
        site.run(&[&["policy"], arguments].concat()).fails(exit, message);
    }
}
