//! Whether the doors of Dovecot 2.3 and 2.4 lead through mail2fa, as `doveconf` says.
//!
//! It reads its words: what a login process is started with, which socket that makes it ask, and which sockets of
//! the auth service there are. It cannot see what speaks to those, nor another host.
//!
//! # Security
//!
//! The program and what it prints are root's.

use std::path::{Path, PathBuf};

use super::{
    Finding, State,
    doors::{login_listener, same},
    doveconf::Block,
    said,
};
use crate::config::{Config, ListenerConfig, ListenerKind};

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

/// It takes tokens of Dovecot's own, no passwords.
const TOKENS_ONLY: &str = "imap-urlauth-login";

/// The doors of Dovecot.
pub(super) async fn dovecot(config: &Config, file: Option<&Path>) -> Vec<Finding> {
    let looked = look(config, file).await;
    looked.unwrap_or_else(|why| vec![Finding::unseen("dovecot", &why)])
}

async fn look(config: &Config, file: Option<&Path>) -> Result<Vec<Finding>, String> {
    let file = file.map(|file| ("-c", file));
    let ask = async |wanted: &[&str]| said("doveconf", file, wanted).await;
    // 2.4 refuses -h, which would leave the names out, for settings that it finds in several places.
    let (general, services) =
        (ask(&["base_dir", "protocols", "auth_cache_size"]).await?, ask(&["service"]).await?);
    let (general, services) = (read(&general)?, read(&services)?);
    let base = PathBuf::from(general.value("base_dir").ok_or("doveconf names no base_dir")?);
    let mut found = Vec::new();
    for service in services.blocks.iter().filter(|service| takes_passwords(service, &general)) {
        // 2.4 alone has it, and a login process reads it once, for its protocol: what is said of it in
        // `service`, `local` and `remote` does not count (login-common/main.c).
        let filter = format!("protocol={}", protocol(program(service)));
        let setting = ask(&["-f", &filter, "login_socket_path"]).await?;
        let setting = read(&setting)?.value("login_socket_path");
        found.push(login_door(service, setting, &base, &config.listeners));
    }
    found.push(cache(general.value("auth_cache_size").unwrap_or_default()));
    found.extend(auth_sockets(&services, &base, config));
    Ok(found)
}

fn read(text: &str) -> Result<Block<'_>, String> {
    Block::parse(text).ok_or_else(|| "what doveconf prints is not understood".to_owned())
}

/// Of a service that runs: whether it is a login process.
fn takes_passwords(service: &Block<'_>, general: &Block<'_>) -> bool {
    let runs = service.value("protocol").is_none_or(|name| general.lists("protocols", name));
    let program = program(service);
    let login = service.value("type") == Some("login") || program.ends_with("-login");
    service.kind == "service" && runs && login && program != TOKENS_ONLY
}

/// What a service runs, without its folder.
fn program<'a>(service: &Block<'a>) -> &'a str {
    let path = service.value("executable").and_then(|text| text.split(' ').next());
    path.and_then(|path| path.rsplit('/').next()).unwrap_or_default()
}

/// The protocol that a login process has built in, whatever its service is called.
fn protocol(program: &str) -> &str {
    match program.strip_suffix("-login").unwrap_or(program) {
        "managesieve" => "sieve",
        name => name,
    }
}

/// Which socket a login process asks: its argument, else `login_socket_path`, else `login`. `None` if it is started
/// with options that are not known here.
fn asked<'a>(executable: &'a str, setting: Option<&'a str>) -> Option<&'a str> {
    // As the master process does it: two spaces have an empty word between them.
    let mut words = executable.split(' ').skip(1);
    while let Some(word) = words.next() {
        match word {
            "--" => return words.next().or(setting).or(Some("login")),
            "-D" | "-S" => {}
            "-l" | "-R" => {
                words.next()?;
            }
            _ if word.starts_with('-') => return None,
            _ => return Some(word),
        }
    }
    setting.or(Some("login"))
}

fn login_door(
    service: &Block<'_>,
    setting: Option<&str>,
    base: &Path,
    listeners: &[ListenerConfig],
) -> Finding {
    let finding = |state, what| Finding::new("dovecot", service.name, state, what);
    let executable = service.value("executable").unwrap_or_default();
    let Some(socket) = asked(executable, setting) else {
        let what = format!("runs {executable:?}: which socket it asks is not known here");
        return finding(State::Look, what);
    };
    // In a chroot, which is where it looks from; without one it goes to this folder.
    let (root, socket) = match service.value("chroot") {
        Some(root) => (base.join(root), socket.trim_start_matches('/')),
        None => (base.join("login"), socket),
    };
    let socket = root.join(socket);
    match login_listener(listeners, &socket) {
        Some(listener) => finding(State::Good, format!("asks the listener {}", listener.name)),
        None => finding(
            State::Bad,
            format!(
                "asks {}, which is no listener of mail2fa: a password alone opens it; set executable = {} and \
                 the listener's socket below {}",
                socket.display(),
                program(service),
                root.display()
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
fn auth_sockets(services: &Block<'_>, base: &Path, config: &Config) -> Vec<Finding> {
    let mut ours: Vec<&Path> = config.passwords.upstream.as_deref().into_iter().collect();
    ours.extend(config.listeners.iter().filter_map(|listener| match &listener.kind {
        ListenerKind::Login { upstream } => Some(upstream.as_path()),
        ListenerKind::Client { temp_fail: _ } => None,
    }));
    let auth = services.blocks.iter().filter(|service| program(service) == "auth");
    let mut found = Vec::new();
    for listener in auth.flat_map(|service| &service.blocks) {
        let shut = |key| listener.value(key).is_some_and(|value| value.bytes().all(|b| b == b'0'));
        if shut("mode") || shut("port") {
            continue;
        }
        match listener.kind {
            "unix_listener" => {
                // 2.4: the name is only a name where there is a path.
                let path = listener.value("path").unwrap_or(listener.name);
                let socket = base.join(path);
                let internal = INTERNAL.iter().any(|name| same(&base.join(name), &socket));
                if internal || ours.iter().any(|known| same(known, &socket)) {
                    continue;
                }
                let what = "answers passwords without a code: nothing that mail clients reach may ask \
                            there";
                let about = socket.display().to_string();
                found.push(Finding::new("dovecot", about, State::Look, what.into()));
            }
            "inet_listener" => {
                let what =
                    "answers passwords without a code over a network: other hosts can ask there";
                found.push(Finding::new("dovecot", listener.name, State::Look, what.into()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::doctor::doors::tests::{config, state};

    fn door(lines: &str, setting: Option<&str>) -> State {
        let text = format!("service imap-login {{\n{lines}\n}}\n");
        let printed = Block::parse(&text).unwrap();
        let found =
            login_door(&printed.blocks[0], setting, Path::new("/run/d"), &config().listeners);
        assert_eq!((found.check, found.about.as_str()), ("dovecot", "imap-login"));
        found.state
    }

    #[test]
    fn a_login_process_asks_where_its_argument_says() {
        let door =
            |executable: &str| door(&format!("chroot = login\nexecutable = {executable}"), None);
        for good in [
            "imap-login mail2fa/login",
            "/usr/lib/dovecot/imap-login ./mail2fa/login",
            "imap-login /mail2fa/login",
            "imap-login -D -l x mail2fa/login",
            "imap-login -- mail2fa/login",
        ] {
            assert_eq!(door(good), State::Good, "{good}");
        }
        for bad in [
            "imap-login",
            "imap-login login",
            "imap-login -D",
            "imap-login -l mail2fa/login",
            "imap-login --",
            "imap-login  mail2fa/login",
            // A chroot lies around it.
            "imap-login /run/d/login/mail2fa/login",
            // A door of the other kind is none for it.
            "imap-login /var/spool/p/private/mail2fa",
        ] {
            assert_eq!(door(bad), State::Bad, "{bad}");
        }
        assert_eq!(door("imap-login -Q mail2fa/login"), State::Look);
        assert_eq!(door("imap-login -l"), State::Look);
    }

    #[test]
    fn without_a_chroot_the_folder_is_the_same() {
        for socket in ["mail2fa/login", "/run/d/login/mail2fa/login"] {
            let line = format!("chroot = \nexecutable = imap-login {socket}");
            assert_eq!(door(&line, None), State::Good, "{socket}");
        }
    }

    #[test]
    fn an_argument_goes_before_the_setting_of_2_4() {
        let door = |executable: &str, setting| {
            door(&format!("chroot = login\nexecutable = {executable}"), Some(setting))
        };
        assert_eq!(door("imap-login", "mail2fa/login"), State::Good);
        assert_eq!(door("imap-login -D", "mail2fa/login"), State::Good);
        assert_eq!(door("imap-login", "login"), State::Bad);
        assert_eq!(door("imap-login login", "mail2fa/login"), State::Bad);
        assert_eq!(door("imap-login mail2fa/login", "login"), State::Good);
    }

    #[test]
    fn every_login_process_that_runs_is_looked_at() {
        let general = Block::parse("protocols {\n  imap = yes\n  pop3 = no\n}\n").unwrap();
        let takes = |lines: &str| {
            let text = format!("service x {{\n{lines}\n}}\n");
            takes_passwords(&Block::parse(&text).unwrap().blocks[0], &general)
        };
        assert!(takes("executable = imap-login\nprotocol = imap\ntype = login"));
        assert!(takes("executable = /usr/lib/dovecot/imap-login a\nprotocol = imap"));
        assert!(takes("executable = other\ntype = login"));
        assert!(!takes("executable = pop3-login\nprotocol = pop3\ntype = login"));
        assert!(!takes("executable = imap-urlauth-login\nprotocol = imap\ntype = login"));
        assert!(!takes("executable = imap\nprotocol = imap"));
        let named = ["imap-login", "managesieve-login", "other"].map(protocol);
        assert_eq!(named, ["imap", "sieve", "other"]);
    }

    #[test]
    fn sockets_that_know_no_code_are_named() {
        let look = |text: &str| {
            let text = format!("service auth {{\n  executable = auth\n{text}}}\n");
            auth_sockets(&Block::parse(&text).unwrap(), Path::new("/run/d"), &config())
        };
        let found = look(
            "  inet_listener sasl {\n    port = 12345\n  }\n  inet_listener shut {\n    port = 0\n  }\n  \
             unix_listener /var/spool/p/private/auth {\n  }\n  unix_listener auth-userdb {\n  }\n  \
             unix_listener shut {\n    mode = 0\n  }\n  unix_listener named {\n    path = /run/elsewhere\n  }\n  \
             unix_listener auth-login {\n    path = /run/moved\n  }\n  \
             unix_listener login/login {\n  }\n  unix_listener mail2fa-client {\n  }\n  \
             unix_listener also {\n    path = mail2fa-login\n  }\n",
        );
        assert_eq!(found.len(), 4, "{found:?}");
        for about in ["/var/spool/p/private/auth", "sasl", "/run/elsewhere", "/run/moved"] {
            assert_eq!(state(&found, about), State::Look);
        }
        assert_eq!(state(&look(""), "service auth"), State::Good);
        for (size, wanted) in [("0", State::Good), ("0 B", State::Good), ("10 M", State::Bad)] {
            assert_eq!(cache(size).state, wanted, "{size}");
        }
        assert_eq!(cache("").state, State::Look);
    }
}
