//! The settings files of a private Dovecot.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Result, ensure};

use super::{Doors, Generation, PasswordMode, Ports, VOUCH_SECRET};

/// uid and gid of the user `mail`, the same on every Debian, who owns the mail here.
pub(super) const MAIL_ID: u32 = 8;

const SNIPPET_23: &str = include_str!("../../../../config/dovecot-2.3.conf");
const SNIPPET_23_STORE: &str = include_str!("../../../../config/dovecot-2.3-store.conf");
const SNIPPET_24: &str = include_str!("../../../../config/dovecot-2.4.conf");
const SNIPPET_24_STORE: &str = include_str!("../../../../config/dovecot-2.4-store.conf");

/// Writes `dovecot.conf` and what it includes.
pub(super) fn write(
    root: &Path,
    generation: Generation,
    mode: PasswordMode,
    doors: Doors,
    ports: &Ports,
    relay: u16,
    names: &str,
) -> Result<()> {
    let mut text = match generation {
        Generation::V23 => head_23(root, relay),
        Generation::V24 => head_24(root, relay),
    };
    for (service, listener, port) in [
        ("imap-login", "imap", &ports.imap),
        ("pop3-login", "pop3", &ports.pop3),
        ("managesieve-login", "sieve", &ports.sieve),
        ("submission-login", "submission", &ports.submission),
        ("lmtp", "lmtp", &ports.lmtp),
    ] {
        let number = port.number();
        let _ = write!(
            text,
            "service {service} {{\n  inet_listener {listener} {{\n    port = {number}\n  }}\n}}\n"
        );
    }
    text.push_str(UNUSED_LISTENERS);
    text.push_str(passwords(generation, mode, root).as_str());
    text.push_str("!include mail2fa.conf\n");
    let (doors_snippet, store_snippet) = match generation {
        Generation::V23 => (SNIPPET_23, SNIPPET_23_STORE),
        Generation::V24 => (SNIPPET_24, SNIPPET_24_STORE),
    };
    std::fs::write(root.join("mail2fa.conf"), adapted(doors_snippet, doors, root)?)?;
    // App passwords need it also where the passwords are Dovecot's.
    if mode == PasswordMode::Store || doors == Doors::Mail2fa {
        text.push_str("!include mail2fa-store.conf\n");
        std::fs::write(root.join("mail2fa-store.conf"), adapted(store_snippet, doors, root)?)?;
    }
    text.push_str(&names.replace("ROOT", &root.display().to_string()));
    std::fs::write(root.join("dovecot.conf"), text)?;
    write_vouch_files(root)
}

/// A snippet with the paths and the user of this instance. mail2fa runs as root here, since no
/// user can be added to the machine.
fn adapted(snippet: &str, doors: Doors, root: &Path) -> Result<String> {
    let vouch = root.join("vouch");
    let mut text = snippet
        .replace("user = mail2fa\n", "user = root\n")
        .replace("/etc/dovecot/mail2fa-vouch", &vouch.display().to_string());
    ensure!(text.contains("auth_mechanisms"), "the snippet has changed beyond recognition");
    if doors == Doors::Direct {
        text = text.replace("-login mail2fa/login", "-login");
        // Postfix itself connects.
        text = text.replace("    mode = 0600\n", "    mode = 0666\n");
    }
    Ok(text)
}

fn write_vouch_files(root: &Path) -> Result<()> {
    let vouch = root.join("vouch");
    std::fs::write(&vouch, format!("{VOUCH_SECRET}:{{PLAIN}}::::::nopassword\n"))?;
    std::fs::set_permissions(&vouch, std::fs::Permissions::from_mode(0o600))?;
    // The auth process reads it under its own user.
    let dovecot = nix::unistd::User::from_name("dovecot")?.map(|user| user.uid.as_raw());
    std::os::unix::fs::chown(&vouch, dovecot, None)?;
    let secret = root.join("vouch-secret");
    std::fs::write(&secret, format!("{VOUCH_SECRET}\n"))?;
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600))?;
    Ok(())
}

fn head_23(root: &Path, relay: u16) -> String {
    let root = root.display();
    format!(
        "base_dir = {root}/run\n\
         state_dir = {root}/state\n\
         log_path = {root}/dovecot.log\n\
         auth_verbose = yes\n\
         protocols = imap pop3 sieve submission lmtp\n\
         listen = 127.0.0.1\n\
         hostname = mail.example.org\n\
         ssl = no\n\
         disable_plaintext_auth = no\n\
         auth_default_realm = example.org\n\
         first_valid_uid = {MAIL_ID}\n\
         mail_uid = {MAIL_ID}\n\
         mail_gid = {MAIL_ID}\n\
         mail_location = maildir:~/Maildir\n\
         submission_relay_host = 127.0.0.1\n\
         submission_relay_port = {relay}\n\
         {COMMON}"
    )
}

fn head_24(root: &Path, relay: u16) -> String {
    let root = root.display();
    format!(
        "dovecot_config_version = 2.4.0\n\
         dovecot_storage_version = 2.4.0\n\
         base_dir = {root}/run\n\
         state_dir = {root}/state\n\
         log_path = {root}/dovecot.log\n\
         auth_verbose = yes\n\
         protocols = imap pop3 sieve submission lmtp\n\
         listen = 127.0.0.1\n\
         hostname = mail.example.org\n\
         ssl = no\n\
         auth_allow_cleartext = yes\n\
         auth_default_domain = example.org\n\
         first_valid_uid = {MAIL_ID}\n\
         mail_uid = {MAIL_ID}\n\
         mail_gid = {MAIL_ID}\n\
         mail_driver = maildir\n\
         mail_path = ~/Maildir\n\
         submission_relay_host = 127.0.0.1\n\
         submission_relay_port = {relay}\n\
         {COMMON}"
    )
}

/// Dovecot slows every login from an address that failed before, also the good ones, by up to
/// 15 s (the anvil penalty). All clients of a test come from one address, so it is off here: its
/// socket gets no permissions. Its own failure delay is off as well, for the sake of time.
const COMMON: &str = "\
auth_failure_delay = 0
mail_max_userip_connections = 100
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  client_limit = 1000
}
";

/// Listeners that Dovecot opens on its own and that no test uses.
const UNUSED_LISTENERS: &str = "\
service imap-login {
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  inet_listener pop3s {
    port = 0
  }
}
service managesieve-login {
  inet_listener sieve_deprecated {
    port = 0
  }
}
service submission-login {
  inet_listener submissions {
    port = 0
  }
}
";

fn passwords(generation: Generation, mode: PasswordMode, root: &Path) -> String {
    let root = root.display();
    let passdb = match (mode, generation) {
        (PasswordMode::Store, _) => String::new(),
        (PasswordMode::Dovecot, Generation::V23) => {
            format!(
                "passdb {{\n  driver = passwd-file\n  mechanisms = plain login\n  \
                 args = {root}/users\n}}\n"
            )
        }
        (PasswordMode::Dovecot, Generation::V24) => {
            format!(
                "passdb passwd-file {{\n  mechanisms_filter = plain login\n  \
                 passwd_file_path = {root}/users\n}}\n"
            )
        }
    };
    let userdb = match generation {
        Generation::V23 => format!(
            "userdb {{\n  driver = static\n  args = uid={MAIL_ID} gid={MAIL_ID} \
             home={root}/mail/%u allow_all_users=yes\n}}\n"
        ),
        Generation::V24 => format!(
            "userdb static {{\n  allow_all_users = yes\n  fields {{\n    uid = {MAIL_ID}\n    \
             gid = {MAIL_ID}\n    home = {root}/mail/%{{user}}\n  }}\n}}\n"
        ),
    };
    passdb + &userdb
}
