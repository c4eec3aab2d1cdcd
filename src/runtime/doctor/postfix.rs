//! Whether the doors of Postfix lead through mail2fa, as `postconf` says.
//!
//! # Security
//!
//! The program and what it prints are root's.

use std::path::Path;

use super::{Finding, State, doors::client_listener, said};
use crate::config::{Config, ListenerConfig};

/// The doors of Postfix.
pub(super) async fn postfix(config: &Config, folder: Option<&Path>) -> Vec<Finding> {
    const MAIN: [&str; 4] =
        ["smtpd_sasl_auth_enable", "smtpd_sasl_type", "smtpd_sasl_path", "queue_directory"];
    const MASTER: [&str; 3] =
        ["*/*/smtpd_sasl_auth_enable", "*/*/smtpd_sasl_type", "*/*/smtpd_sasl_path"];
    let (main, master) = ([&["-x"][..], &MAIN].concat(), [&["-x", "-P"][..], &MASTER].concat());
    let ask = |wanted| said("postconf", folder.map(|folder| ("-c", folder)), wanted);
    let (main, master) = (ask(&main).await, ask(&master).await);
    match (main, master) {
        (Ok(main), Ok(master)) => postfix_doors(&main, &master, &config.listeners),
        (Err(why), _) | (_, Err(why)) => vec![Finding::unseen("postfix", &why)],
    }
}

/// What one smtpd of Postfix does about passwords.
#[derive(Clone, Default)]
struct Smtpd<'a> {
    enable: &'a str,
    kind: &'a str,
    path: &'a str,
}

impl<'a> Smtpd<'a> {
    fn set(&mut self, key: &str, value: &'a str) {
        match key {
            "smtpd_sasl_auth_enable" => self.enable = value,
            "smtpd_sasl_type" => self.kind = value,
            "smtpd_sasl_path" => self.path = value,
            _ => {}
        }
    }
}

fn postfix_doors(main: &str, master: &str, listeners: &[ListenerConfig]) -> Vec<Finding> {
    let settings = |text| {
        let lines = str::lines(text).filter_map(|line| line.split_once('='));
        lines.map(|(key, value)| (key.trim(), value.trim())).collect::<Vec<_>>()
    };
    let (mut general, mut queue) = (Smtpd::default(), "/var/spool/postfix");
    for (key, value) in settings(main) {
        general.set(key, value);
        if key == "queue_directory" {
            queue = value;
        }
    }
    let mut services: Vec<(String, Smtpd<'_>)> = vec![("main.cf".into(), general.clone())];
    for (key, value) in settings(master) {
        let Some((service, key)) = key.rsplit_once('/') else { continue };
        let place = services.iter().position(|(name, _)| name == service);
        if place.is_none() {
            services.push((service.to_owned(), general.clone()));
        }
        let place = place.unwrap_or(services.len() - 1);
        if let Some((_, smtpd)) = services.get_mut(place) {
            smtpd.set(key, value);
        }
    }
    let taking = services.iter().filter(|(_, smtpd)| smtpd.enable == "yes");
    let mut found: Vec<Finding> =
        taking.map(|(name, smtpd)| smtp_door(name, smtpd, Path::new(queue), listeners)).collect();
    if found.is_empty() {
        let what = "takes no passwords".to_owned();
        found.push(Finding::new("postfix", "smtpd", State::Good, what));
    }
    found
}

fn smtp_door(name: &str, smtpd: &Smtpd<'_>, queue: &Path, listeners: &[ListenerConfig]) -> Finding {
    let finding = |state, what| Finding::new("postfix", name, state, what);
    let socket = queue.join(smtpd.path);
    match client_listener(listeners, &socket) {
        Some(listener) if smtpd.kind == "dovecot" => {
            finding(State::Good, format!("asks the listener {}", listener.name))
        }
        Some(_) | None => finding(
            State::Bad,
            format!(
                "takes passwords by smtpd_sasl_type = {} and asks {}, which is no listener of mail2fa: a \
                 password alone opens it; see config/postfix-main.cf",
                smtpd.kind,
                socket.display()
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::doctor::doors::tests::{config, state};

    #[test]
    fn each_smtpd_is_looked_at_with_what_outdoes_main_cf() {
        let listeners = config().listeners;
        let main = "smtpd_sasl_auth_enable = no\nsmtpd_sasl_type = dovecot\n\
                    smtpd_sasl_path = private/mail2fa\nqueue_directory = /var/spool/p\n";
        let found = postfix_doors(main, "", &listeners);
        assert_eq!(state(&found, "smtpd"), State::Good);
        let master = "submission/inet/smtpd_sasl_auth_enable = yes\n\
                      smtps/inet/smtpd_sasl_auth_enable = yes\n\
                      smtps/inet/smtpd_sasl_path = private/auth\n";
        let found = postfix_doors(main, master, &listeners);
        assert_eq!(state(&found, "submission/inet"), State::Good);
        assert_eq!(state(&found, "smtps/inet"), State::Bad);
        assert_eq!(found.len(), 2, "{found:?}");
        let cyrus = main.replace("= no", "= yes").replace("= dovecot", "= cyrus");
        assert_eq!(state(&postfix_doors(&cyrus, "", &listeners), "main.cf"), State::Bad);
    }
}
