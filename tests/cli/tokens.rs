//! Tokens, a new phone and the end of all sign-ins on the command line.

use super::{ALICE, Site, code};

#[test]
fn tokens_from_first_to_last() {
    let site = Site::new("dovecot");
    let add =
        ["token", "add", "panel", "--scope", "totp:read,totp:write", "--domain", "example.org"];
    let added = site.run(&[&add[..], &["--expires", "90d", "--json"]].concat()).json();
    let token = added["token"].as_str().unwrap();
    assert!(token.starts_with("m2f_") && token.len() == 43, "{token}");
    let list = site.run(&["token", "list"]).ok();
    assert!(list.contains("panel") && list.contains("totp:read") && !list.contains(&token[13..]));
    let shown = site.run(&["token", "add", "other", "--scope", "*"]).ok();
    assert!(shown.contains("not shown again"), "{shown}");
    site.run(&["token", "add", "panel", "--scope", "*"]).fails(73, "already");
    site.run(&["token", "add", "x", "--scope", "everything"]).fails(65, "a token has scopes");
    site.run(&["token", "add", "x", "--scope", "*", "--expires", "soon"])
        .fails(64, "after a while");
    site.run(&["token", "revoke", "panel"]).ok();
    site.run(&["token", "revoke", "panel"]).fails(67, "no token of this name");
    let audit = site.run(&["audit"]).ok();
    assert!(audit.contains("token add") && !audit.contains(&token[13..]), "{audit}");
}

#[test]
fn a_new_phone_and_the_end_of_all_sign_ins() {
    let site = Site::new("dovecot");
    let secret = site.enable(ALICE);
    site.run(&["totp", "move", ALICE]).fails(67, "is off");
    site.run(&["totp", "confirm", ALICE, &code(&secret)]).ok();
    let moved = site.run(&["--json", "totp", "move", ALICE]).json();
    let new = moved["secret"].as_str().unwrap();
    assert_ne!(new, secret);
    site.run(&["totp", "check-move", ALICE, "x"]).fails(65, "six digits");
    assert!(site.run(&["totp", "check-move", ALICE, &code(new)]).ok().contains("finish-move"));
    assert!(site.run(&["totp", "finish-move", ALICE, &code(new)]).ok().contains("no more"));
    assert!(site.run(&["session", "revoke", ALICE, "--all-sign-ins"]).ok().contains("0 sessions"));
}
