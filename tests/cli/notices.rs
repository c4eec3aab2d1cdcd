//! Notices on the command line, and what a command without a daemon tells owners.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use super::{ALICE, Site, code};

/// Adds `[notices]` with a sendmail program of these lines.
fn notices(site: &Site, script: &str, more: &str) {
    let program = site.path("sendmail");
    super::program::write(&program, script);
    let config = site.path("mail2fa.toml");
    let text = fs::read_to_string(&config).unwrap();
    let section = format!(
        "[notices]\nfrom = \"noreply@example.org\"\ntransport = \"sendmail\"\nsendmail = \"{}\"\n{more}\n",
        program.display()
    );
    fs::write(config, format!("{section}{text}")).unwrap();
}

/// Appends each mail to a file.
fn keeping(site: &Site) -> String {
    format!("cat >> {}", site.path("mails").display())
}

fn mails(site: &Site) -> String {
    fs::read_to_string(site.path("mails")).unwrap_or_default()
}

#[test]
fn without_a_daemon_the_command_tells_the_owner() {
    let site = Site::new("dovecot");
    notices(&site, &keeping(&site), "second_factor_on = false");
    let secret = site.enable(ALICE);
    site.run(&["totp", "confirm", ALICE, &code(&secret)]).ok();
    assert_eq!(mails(&site), "", "this kind is off");
    site.run(&["app-password", "add", ALICE, "phone"]).ok();
    site.run(&["totp", "disable", ALICE, "--yes"]).ok();
    let mails = mails(&site);
    assert!(mails.contains("An app password named \"phone\""), "{mails}");
    assert!(mails.contains("2-factor authentication was switched off"), "{mails}");
    assert_eq!(mails.matches(&format!("\nTo: {ALICE}\n")).count(), 2, "{mails}");
    assert!(!mails.contains(&secret), "{mails}");
}

#[test]
fn a_change_stands_although_its_owner_cannot_be_told() {
    let site = Site::new("dovecot");
    notices(&site, "exit 75", "");
    let secret = site.enable(ALICE);
    let done = site.run(&["totp", "confirm", ALICE, &code(&secret)]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.err.contains("done, but the owner could not be told"), "{}", done.err);
    assert!(site.totp_is_on(ALICE));
}

#[test]
fn a_test_says_whether_the_mail_was_taken() {
    let site = Site::new("dovecot");
    site.run(&["notice", "test", ALICE]).fails(69, "notices are switched off");
    notices(&site, &keeping(&site), "");
    let said = site.run(&["notice", "test", "Alice"]).ok();
    assert!(said.contains("took a test notice for alice@example.org"), "{said}");
    assert!(mails(&site).contains("Subject: Test message for alice@example.org"));
    assert_eq!(site.run(&["--json", "notice", "test", ALICE]).json()["sent"], true);
    let site = Site::new("dovecot");
    notices(&site, "echo queue is full >&2; exit 75", "");
    site.run(&["notice", "test", ALICE]).fails(69, "exit status: 75: queue is full");
}

#[test]
fn texts_are_exported_and_used() {
    let site = Site::new("dovecot");
    let listed = site.run(&["notice", "texts"]).ok();
    assert!(listed.contains("app_password_added   {mailbox} {time} {app_password}"), "{listed}");
    let folder = site.path("texts");
    let export = ["notice", "texts", "--language", "nl", "--export", folder.to_str().unwrap()];
    assert!(site.run(&export).ok().contains("9 texts written, 0 left alone"));
    let text = folder.join("nl/test.txt");
    fs::write(&text, "Subject: Hallo\n\nvoor {mailbox}\n").unwrap();
    assert!(site.run(&export).ok().contains("0 texts written, 9 left alone"));
    assert_eq!(mode(&text), 0o644, "the daemon must read it");
    notices(&site, &keeping(&site), &format!("language = \"nl\"\ntexts = {folder:?}"));
    site.run(&["config", "check"]).ok();
    site.run(&["notice", "test", ALICE]).ok();
    assert!(mails(&site).contains("Subject: Hallo\n"), "{}", mails(&site));
    site.run(&["notice", "texts", "--language", "tlh"]).fails(64, "built-in texts in en, nl");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_mistake_in_a_text_is_one_of_the_configuration() {
    let site = Site::new("dovecot");
    let folder = site.path("texts");
    fs::create_dir_all(folder.join("en")).unwrap();
    fs::write(folder.join("en/test.txt"), "Subject: {user}\n\nx\n").unwrap();
    notices(&site, "exit 0", &format!("texts = {folder:?}"));
    let words = "notices.texts: en/test.txt:1: has the unknown placeholder {user}";
    site.run(&["config", "check"]).fails(78, words);
    site.run(&["serve"]).fails(78, words);
    let checked = site.run(&["config", "check", "--json"]);
    assert!(checked.code == 78 && checked.out.contains("en/test.txt:1"), "{}", checked.out);
    let site = Site::new("dovecot");
    notices(&site, "exit 0", "language = \"tlh\"");
    site.run(&["config", "check"]).fails(78, "notices.language: there are no texts in \"tlh\"");
}
