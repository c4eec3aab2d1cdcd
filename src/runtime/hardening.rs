//! What the process takes away from itself before it reads anything secret.
//!
//! The service unit does more (namespaces, system calls, no swap); this is what must hold also when
//! the program is started by hand.

use nix::sys::{
    prctl,
    resource::{Resource, getrlimit, setrlimit},
    stat::{Mode, umask},
};

/// No core dumps, no debugger of the same user, no group or world bits on new files. The number
/// of descriptors is raised to what is allowed: each connection is one.
pub fn apply() -> nix::Result<()> {
    umask(Mode::from_bits_truncate(0o077));
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    prctl::set_dumpable(false)?;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(())
}

/// A panic says where, never what: its message may hold what was being worked on.
pub(super) fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, ToString::to_string);
        tracing::error!(%place, "a part of the program panicked: this is a bug, please report it");
    }));
}
