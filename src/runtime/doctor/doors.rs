//! Whether the doors of Dovecot and Postfix lead through mail2fa, as `doveconf` and `postconf` say.
//!
//! It reads their words: what a program is started with, and which sockets of the auth service there are. It cannot
//! see what speaks to those, nor another host.
//!
//! # Security
//!
//! Both programs and what they print are root's.

use std::path::{Component, Path, PathBuf};

use super::{Finding, State, said};
use crate::config::{Config, ListenerConfig, ListenerKind};

/// Protocols, and the programs that take their passwords.
const LOGINS: [(&str, &str); 4] = [
    ("imap", "imap-login"),
    ("pop3", "pop3-login"),
    ("sieve", "managesieve-login"),
    ("submission", "submission-login"),
];

/// Sockets of Dovecot's auth service that Dovecot itself uses.
const INTERNAL: [&str; 8] = [
    "auth-client",
    "auth-login",
    "auth-master",
    "auth-userdb",
    "auth-worker",
    "login/login",
    "token-login/tokenlogin",
    "auth-token",
];

/// The doors of Dovecot.
pub(super) async fn dovecot(config: &Config, file: Option<&Path>) -> Vec<Finding> {
    let ask = async |wanted: &[&str]| {
        let file = file.map(|file| file.display().to_string());
        let mut arguments = Vec::new();
        if let Some(file) = &file {
            arguments.extend(["-c", file]);
        }
        arguments.extend(wanted);
        said("doveconf", &arguments).await
    };
    let finding = |about: &str, state, what| Finding::new("dovecot", about, state, what);
    let base = match ask(&["-h", "base_dir"]).await {
        Ok(base) => PathBuf::from(base.trim()),
        Err(why) => {
            let what = format!("was not looked at: {why}");
            return vec![finding("configuration", State::Look, what)];
        }
    };
    let mut found = Vec::new();
    let protocols = ask(&["-h", "protocols"]).await.unwrap_or_default();
    for (protocol, program) in LOGINS {
        if !protocols.split_whitespace().any(|word| word == protocol) {
            continue;
        }
        let executable = ask(&["-h", &format!("service/{program}/executable")]).await;
        found.push(match executable {
            Ok(executable) => login_door(program, executable.trim(), &base, &config.listeners),
            Err(why) => finding(program, State::Look, format!("was not looked at: {why}")),
        });
    }
    if let Ok(size) = ask(&["-h", "auth_cache_size"]).await {
        found.push(cache(size.trim()));
    }
    match ask(&["service/auth"]).await {
        Ok(text) => found.extend(auth_sockets(&text, &base, config)),
        Err(why) => {
            found.push(finding("service auth", State::Look, format!("was not looked at: {why}")));
        }
    }
    found
}

/// Where a login process asks: its first argument, below `<base_dir>/login`.
fn login_door(
    program: &str,
    executable: &str,
    base: &Path,
    listeners: &[ListenerConfig],
) -> Finding {
    let finding = |state, what| Finding::new("dovecot", program, state, what);
    let argument = executable.split_whitespace().nth(1);
    let socket = base.join("login").join(argument.unwrap_or("login"));
    let ours = |listener: &&ListenerConfig| {
        matches!(listener.kind, ListenerKind::Login { .. }) && same(&listener.socket, &socket)
    };
    match listeners.iter().find(ours) {
        Some(listener) => finding(State::Good, format!("asks the listener {}", listener.name)),
        None => finding(
            State::Bad,
            format!(
                "asks {}, which is no listener of mail2fa: a password alone opens it; set executable = \
                 {program} and the listener's socket below {}",
                socket.display(),
                base.join("login").display()
            ),
        ),
    }
}

fn cache(size: &str) -> Finding {
    let number: String = size.chars().take_while(char::is_ascii_digit).collect();
    let (state, what) = match number.parse::<u64>() {
        Ok(0) => (State::Good, "is off".to_owned()),
        Ok(_) => (State::Bad, format!("is {size}, and must be 0: an old password stays good")),
        Err(_) => (State::Look, format!("says {size:?}; it must be 0")),
    };
    Finding::new("dovecot", "auth_cache_size", state, what)
}

/// Sockets at which anybody who can open them may ask for passwords without a code.
fn auth_sockets(text: &str, base: &Path, config: &Config) -> Vec<Finding> {
    let mut ours: Vec<&Path> = config.passwords.upstream.as_deref().into_iter().collect();
    ours.extend(config.listeners.iter().filter_map(|listener| match &listener.kind {
        ListenerKind::Login { upstream } => Some(upstream.as_path()),
        ListenerKind::Client { temp_fail: _ } => None,
    }));
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["unix_listener", name, "{"] if !INTERNAL.contains(&name) => {
                let socket = base.join(name);
                if ours.iter().any(|known| same(known, &socket)) {
                    continue;
                }
                let what = "answers passwords without a code: nothing that mail clients reach may ask \
                            there";
                let about = socket.display().to_string();
                found.push(Finding::new("dovecot", about, State::Look, what.into()));
            }
            ["inet_listener", name, "{"] => {
                let what =
                    "answers passwords without a code over a network: other hosts can ask there";
                found.push(Finding::new("dovecot", name, State::Look, what.into()));
            }
            _ => {}
        }
    }
    if found.is_empty() {
        let what = "has no sockets but Dovecot's own and mail2fa's".to_owned();
        found.push(Finding::new("dovecot", "service auth", State::Good, what));
    }
    found
}

/// The doors of Postfix.
pub(super) async fn postfix(config: &Config, folder: Option<&Path>) -> Vec<Finding> {
    const MAIN: [&str; 4] =
        ["smtpd_sasl_auth_enable", "smtpd_sasl_type", "smtpd_sasl_path", "queue_directory"];
    const MASTER: [&str; 3] =
        ["*/*/smtpd_sasl_auth_enable", "*/*/smtpd_sasl_type", "*/*/smtpd_sasl_path"];
    let ask = async |wanted: &[&str]| {
        let folder = folder.map(|folder| folder.display().to_string());
        let mut arguments = Vec::new();
        if let Some(folder) = &folder {
            arguments.extend(["-c", folder]);
        }
        arguments.extend(wanted);
        said("postconf", &arguments).await
    };
    let main = ask(&[&["-x"][..], &MAIN].concat()).await;
    let master = ask(&[&["-x", "-P"][..], &MASTER].concat()).await;
    match (main, master) {
        (Ok(main), Ok(master)) => postfix_doors(&main, &master, &config.listeners),
        (Err(why), _) | (_, Err(why)) => {
            let what = format!("was not looked at: {why}");
            vec![Finding::new("postfix", "configuration", State::Look, what)]
        }
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
    let ours = |listener: &&ListenerConfig| {
        matches!(listener.kind, ListenerKind::Client { .. }) && same(&listener.socket, &socket)
    };
    match listeners.iter().find(ours) {
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

/// Whether two paths lead to one file. A name like `/var/run` may be a link.
fn same(a: &Path, b: &Path) -> bool {
    let plain = |path: &Path| {
        path.components().filter(|part| *part != Component::CurDir).collect::<PathBuf>()
    };
    let real = |path: &Path| match (path.parent().map(std::fs::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => plain(path),
    };
    plain(a) == plain(b) || real(a) == real(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SystemAccounts;

    const CONFIG: &str = "[passwords]\nsource = \"dovecot\"\nupstream = \"/run/d/mail2fa-client\"\n\
                          [[listener]]\nname = \"d\"\nkind = \"login\"\n\
                          socket = \"/run/d/login/mail2fa/login\"\nupstream = \"/run/d/mail2fa-login\"\n\
                          [[listener]]\nname = \"p\"\nkind = \"client\"\n\
                          socket = \"/var/spool/p/private/mail2fa\"\n";

    fn config() -> Config {
        Config::parse(CONFIG, &SystemAccounts).unwrap()
    }

    fn state(found: &[Finding], about: &str) -> State {
        found.iter().find(|finding| finding.about == about).expect(about).state
    }

    #[test]
    fn a_login_process_asks_where_its_argument_says() {
        let config = config();
        let door = |executable| {
            login_door("imap-login", executable, Path::new("/run/d"), &config.listeners).state
        };
        assert_eq!(door("imap-login mail2fa/login"), State::Good);
        assert_eq!(door("/usr/lib/dovecot/imap-login /run/d/login/./mail2fa/login"), State::Good);
        assert_eq!(door("imap-login"), State::Bad);
        assert_eq!(door("imap-login login"), State::Bad);
        // A door of the other kind is none for it.
        assert_eq!(door("imap-login /var/spool/p/private/mail2fa"), State::Bad);
    }

    #[test]
    fn sockets_that_know_no_code_are_named() {
        let text = "service auth {\n  inet_listener sasl {\n    port = 12345\n  }\n  \
                    unix_listener /var/spool/p/private/auth {\n  }\n  unix_listener auth-userdb {\n  }\n  \
                    unix_listener login/login {\n  }\n  unix_listener mail2fa-client {\n  }\n  \
                    unix_listener mail2fa-login {\n  }\n}\n";
        let found = auth_sockets(text, Path::new("/run/d"), &config());
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(state(&found, "/var/spool/p/private/auth"), State::Look);
        assert_eq!(state(&found, "sasl"), State::Look);
        let found = auth_sockets("service auth {\n}\n", Path::new("/run/d"), &config());
        assert_eq!(state(&found, "service auth"), State::Good);
        for (size, wanted) in [("0", State::Good), ("0 B", State::Good), ("10 M", State::Bad)] {
            assert_eq!(cache(size).state, wanted, "{size}");
        }
        assert_eq!(cache("").state, State::Look);
    }

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
