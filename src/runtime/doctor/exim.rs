//! Whether the doors of Exim lead through mail2fa, as `exim -bP authenticators` says.
//!
//! Each authenticator for clients is looked at. Whether one is for clients is told as Exim tells it, by the one option
//! that its driver needs for that (src/auths).
//!
//! # Security
//!
//! The program and what it prints are root's. What an authenticator compares passwords with is not shown.

use std::path::Path;

use super::{Finding, State, doors::client_listener, said};
use crate::config::{Config, ListenerConfig, ListenerKind, TempFail};

/// Debian's name, and everybody else's.
const PROGRAMS: [&str; 2] = ["exim4", "exim"];

/// The doors of Exim.
pub(super) async fn exim(config: &Config, file: Option<&Path>) -> Vec<Finding> {
    let file = file.map(|file| ("-C", file));
    let mut failed = Vec::new();
    for program in PROGRAMS {
        match said(program, file, &["-bP", "authenticators"]).await {
            Ok(text) => return exim_doors(&text, &config.listeners),
            Err(why) => failed.push(why),
        }
    }
    vec![Finding::unseen("exim", &failed.join("; "))]
}

/// One authenticator, as it is printed.
struct Authenticator<'a> {
    name: &'a str,
    settings: Vec<(&'a str, &'a str)>,
}

impl<'a> Authenticator<'a> {
    fn value(&self, key: &str) -> &'a str {
        let found = self.settings.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| *value).unwrap_or_default()
    }
}

fn exim_doors(text: &str, listeners: &[ListenerConfig]) -> Vec<Finding> {
    let mut all: Vec<Authenticator<'_>> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_suffix(" authenticator:") {
            all.push(Authenticator { name, settings: Vec::new() });
        } else if let (Some((key, value)), Some(last)) = (line.split_once('='), all.last_mut()) {
            last.settings.push((key.trim(), value.trim()));
        }
    }
    let mut found: Vec<_> = all.iter().filter_map(|one| door(one, listeners)).collect();
    if found.is_empty() {
        let what = "takes no passwords".to_owned();
        found.push(Finding::new("exim", "authenticators", State::Good, what));
    }
    found
}

/// What one of them does, if it is for clients.
fn door(one: &Authenticator<'_>, listeners: &[ListenerConfig]) -> Option<Finding> {
    let finding = |state, what| Some(Finding::new("exim", one.name, state, what));
    let driver = one.value("driver");
    let unless_empty = |key| if one.value(key).is_empty() { None } else { Some(()) };
    match driver {
        "dovecot" => {
            unless_empty("server_socket")?;
            let (state, what) = asks(one.value("server_socket"), listeners);
            return finding(state, what);
        }
        "plaintext" => unless_empty("server_condition")?,
        "cram_md5" => unless_empty("server_secret")?,
        "spa" => unless_empty("server_password")?,
        "cyrus_sasl" | "gsasl" => {}
        "external" => {
            unless_empty("server_condition")?;
            let what =
                "believes a certificate, and asks for no code: see that it is for machines only";
            return finding(State::Look, what.into());
        }
        _ => {
            let what =
                format!("is of driver {driver}, and asks mail2fa for nothing: see whom it lets in");
            return finding(State::Look, what);
        }
    }
    let what = format!(
        "checks passwords by itself (driver {driver}): a password alone opens it; take it out, see \
         config/exim4-auth.conf"
    );
    finding(State::Bad, what)
}

/// Where one of driver dovecot asks.
fn asks(socket: &str, listeners: &[ListenerConfig]) -> (State, String) {
    if socket.starts_with('<') {
        return (State::Look, "does not show its server_socket: run this as root".into());
    }
    let Some(listener) = client_listener(listeners, Path::new(socket)) else {
        let what = format!(
            "asks {socket}, which is no listener of mail2fa: a password alone opens it; see \
             config/exim4-auth.conf"
        );
        return (State::Bad, what);
    };
    match listener.kind {
        ListenerKind::Client { temp_fail: TempFail::Close } => {
            (State::Good, format!("asks the listener {}", listener.name))
        }
        ListenerKind::Client { temp_fail: TempFail::Answer }
        | ListenerKind::Login { upstream: _ } => {
            let what = format!(
                "asks the listener {}, which needs temp_fail = \"close\": Exim takes \"not now\" for a \
                 wrong password",
                listener.name
            );
            (State::Look, what)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::doctor::doors::tests::{config, state};

    fn doors(authenticators: &[(&str, &str)]) -> Vec<Finding> {
        let printed: Vec<_> = authenticators
            .iter()
            .map(|(name, lines)| {
                format!("\n{name} authenticator:\nclient_condition = \n{lines}\nserver_set_id = $auth1\n")
            })
            .collect();
        exim_doors(&printed.concat(), &config().listeners)
    }

    #[test]
    fn one_that_asks_mail2fa_is_good() {
        let found = doors(&[
            ("good", "driver = dovecot\nserver_socket = /run/mail2fa-exim/auth"),
            ("not_now", "driver = dovecot\nserver_socket = /var/spool/p/private/mail2fa"),
            ("past", "driver = dovecot\nserver_socket = /run/dovecot/auth-client"),
            ("login", "driver = dovecot\nserver_socket = /run/d/login/mail2fa/login"),
            ("network", "driver = dovecot\nserver_socket = 192.0.2.1:12345"),
            ("hidden", "driver = dovecot\nserver_socket = <value not displayable>"),
            ("none", "driver = dovecot\nserver_socket = "),
        ]);
        assert_eq!(found.len(), 6, "{found:?}");
        assert_eq!(state(&found, "good"), State::Good);
        assert_eq!(state(&found, "not_now"), State::Look);
        for past in ["past", "login", "network"] {
            assert_eq!(state(&found, past), State::Bad, "{past}");
        }
        assert_eq!(state(&found, "hidden"), State::Look);
    }

    #[test]
    fn one_that_checks_by_itself_leads_past() {
        let found = doors(&[
            ("plain", "driver = plaintext\nserver_condition = ${if eq{$auth3}{x}}"),
            ("cram", "driver = cram_md5\nserver_secret = x"),
            ("spa", "driver = spa\nserver_password = x"),
            ("cyrus", "driver = cyrus_sasl"),
            ("gsasl", "driver = gsasl"),
            ("external", "driver = external\nserver_condition = yes"),
            ("tls", "driver = tls"),
            ("kerberos", "driver = heimdal_gssapi"),
        ]);
        for bad in ["plain", "cram", "spa", "cyrus", "gsasl"] {
            assert_eq!(state(&found, bad), State::Bad, "{bad}");
        }
        for look in ["external", "tls", "kerberos"] {
            assert_eq!(state(&found, look), State::Look, "{look}");
        }
        assert!(found.iter().all(|finding| !finding.what.contains("$auth3")));
    }

    #[test]
    fn one_with_which_exim_itself_logs_in_is_none() {
        let found = doors(&[
            ("plain", "driver = plaintext\nclient_send = ^a^b\nserver_condition = "),
            ("cram", "driver = cram_md5\nclient_name = a\nserver_secret = "),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(state(&found, "authenticators"), State::Good);
        assert_eq!(state(&doors(&[]), "authenticators"), State::Good);
    }
}
