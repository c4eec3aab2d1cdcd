//! What a door of another program must be to lead through mail2fa: which listener has its socket.

use std::path::{Component, Path, PathBuf};

use crate::config::{ListenerConfig, ListenerKind};

/// The listener for Dovecot's login processes at this socket.
pub(super) fn login_listener<'a>(
    listeners: &'a [ListenerConfig],
    socket: &Path,
) -> Option<&'a ListenerConfig> {
    listeners.iter().find(|listener| {
        matches!(listener.kind, ListenerKind::Login { .. }) && same(&listener.socket, socket)
    })
}

/// The listener for Postfix, Exim and their kind at this socket.
pub(super) fn client_listener<'a>(
    listeners: &'a [ListenerConfig],
    socket: &Path,
) -> Option<&'a ListenerConfig> {
    listeners.iter().find(|listener| {
        matches!(listener.kind, ListenerKind::Client { .. }) && same(&listener.socket, socket)
    })
}

/// Whether two paths lead to one file. A name like `/var/run` may be a link.
pub(super) fn same(a: &Path, b: &Path) -> bool {
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
pub(super) mod tests {
    use crate::{
        config::{Config, SystemAccounts},
        runtime::doctor::{Finding, State},
    };

    const CONFIG: &str = "[passwords]\nsource = \"dovecot\"\nupstream = \"/run/d/mail2fa-client\"\n\
                          [[listener]]\nname = \"d\"\nkind = \"login\"\n\
                          socket = \"/run/d/login/mail2fa/login\"\nupstream = \"/run/d/mail2fa-login\"\n\
                          [[listener]]\nname = \"p\"\nkind = \"client\"\n\
                          socket = \"/var/spool/p/private/mail2fa\"\n\
                          [[listener]]\nname = \"e\"\nkind = \"client\"\ntemp_fail = \"close\"\n\
                          socket = \"/run/mail2fa-exim/auth\"\n";

    pub fn config() -> Config {
        Config::parse(CONFIG, &SystemAccounts).unwrap()
    }

    #[track_caller]
    pub fn state(found: &[Finding], about: &str) -> State {
        found.iter().find(|finding| finding.about == about).expect(about).state
    }
}
