//! Who does what is asked: the running daemon, or this process on the store itself.

use std::{
    ffi::CString,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use nix::unistd::{Uid, User, geteuid, initgroups, setgid, setuid};
use tokio::runtime::{Builder, Runtime};

use super::failure::{Exit, Failure};
use crate::{
    api::client::{self, ClientError},
    config::{Config, ListenerConfig, ListenerKind, PasswordSourceKind},
    notice::Owners,
    runtime::compose::{self, ComposeError},
    service::admin::{Admin, Request, Response},
    store::OpenError,
};

/// How often, and how long, a store that somebody else has open is waited for.
pub(super) const LOCKED_PAUSES: u32 = 15;
pub(super) const LOCKED_PAUSE: Duration = Duration::from_millis(200);

/// Where requests go.
pub struct Backend {
    config: Config,
    socket: PathBuf,
    direct: Option<Box<Direct>>,
}

/// This process's own hold of the store.
struct Direct {
    runtime: Runtime,
    admin: Admin,
    owners: Arc<Owners>,
}

/// Who has the store.
enum Hold {
    Ours(Box<Direct>),
    /// Somebody else; what to say in the end.
    Theirs(Failure),
}

impl Backend {
    /// For this configuration. Nothing is opened before something is asked.
    pub fn new(config: Config) -> Self {
        Self { socket: config.control.socket.clone(), config, direct: None }
    }

    /// Whether passwords are Dovecot's.
    pub fn passwords_are_dovecots(&self) -> bool {
        self.config.passwords.source == PasswordSourceKind::Dovecot
    }

    /// Whether app passwords open what Dovecot serves: it is told, or serves nothing through us.
    pub fn vouches(&self) -> bool {
        let login = |listener: &ListenerConfig| matches!(listener.kind, ListenerKind::Login { .. });
        self.config.passwords.vouch_secret_file.is_some()
            || !self.config.listeners.iter().any(login)
    }

    /// Asks the daemon; `None` if none runs.
    pub fn ask_daemon(&self, request: &Request) -> Result<Option<Response>, Failure> {
        match client::ask(&self.socket, request) {
            Err(ClientError::NoDaemon(_)) => Ok(None),
            done => Ok(Some(done?)),
        }
    }

    /// Asks the daemon; if none runs, does it here. When the store is in use and nobody listens,
    /// a daemon is just starting or stopping, or another command is at work: that is given a
    /// moment.
    pub fn ask(&mut self, request: Request) -> Result<Response, Failure> {
        let mut pauses = 0;
        loop {
            if let Some(direct) = &self.direct {
                return direct.ask(request);
            }
            match client::ask(&self.socket, &request) {
                Err(ClientError::NoDaemon(_)) => {}
                done => return Ok(done?),
            }
            match Direct::open(&self.config)? {
                Hold::Ours(direct) => self.direct = Some(direct),
                Hold::Theirs(why) if pauses == LOCKED_PAUSES => return Err(why),
                Hold::Theirs(_) => std::thread::sleep(LOCKED_PAUSE),
            }
            pauses += 1;
        }
    }
}

impl Direct {
    fn open(config: &Config) -> Result<Hold, Failure> {
        if let Ok(folder) = std::fs::metadata(&config.store.directory) {
            become_user(folder.uid())?;
        }
        let runtime = runtime()?;
        let store = match runtime.block_on(compose::open_store(config)) {
            Ok(store) => store,
            Err(error @ ComposeError::Store(OpenError::Locked { dir: _ })) => {
                return Ok(Hold::Theirs(error.into()));
            }
            Err(error) => return Err(error.into()),
        };
        let hasher = match config.passwords.source {
            PasswordSourceKind::Dovecot => None,
            PasswordSourceKind::Store => Some(compose::hasher(&config.passwords)?),
        };
        let trail = compose::trail(config, &store);
        let owners = {
            let _inside = runtime.enter();
            compose::owners(config, Arc::clone(&store))
                .map_err(|errors| Failure::new(Exit::Config, errors))?
        };
        let admin = compose::admin(config, store, hasher, trail, owners.clone());
        Ok(Hold::Ours(Box::new(Self { runtime, admin, owners })))
    }

    fn ask(&self, request: Request) -> Result<Response, Failure> {
        let by = format!("uid={} (no daemon)", geteuid());
        Ok(self.runtime.block_on(self.admin.handle(request, &by))?)
    }
}

impl Drop for Direct {
    /// Sends what owners are to be told before the command ends.
    fn drop(&mut self) {
        use std::io::Write as _;
        let unsent = self.runtime.block_on(self.owners.finish());
        if unsent > 0 {
            // The change is done, whoever hears of it.
            let _ = writeln!(
                std::io::stderr(),
                "mail2fa: done, but the owner could not be told; try `mail2fa notice test`"
            );
        }
    }
}

/// A small runtime: one command, one store.
pub fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::System, format!("cannot start: {error}")))
}

/// Root takes on the store's owner before it touches the store: files that root made in it the
/// daemon could not read. Anybody else stays who they are.
pub fn become_user(uid: u32) -> Result<(), Failure> {
    let uid = Uid::from_raw(uid);
    if !geteuid().is_root() || uid.is_root() {
        return Ok(());
    }
    let failed = |why: String| {
        let message = format!("cannot become user {uid}, who owns the store: {why}");
        Failure::new(Exit::System, message)
    };
    let user = User::from_uid(uid)
        .map_err(|errno| failed(errno.desc().into()))?
        .ok_or_else(|| failed("there is no such user".into()))?;
    let name = CString::new(std::ffi::OsStr::new(&user.name).as_bytes())
        .map_err(|error| failed(error.to_string()))?;
    initgroups(&name, user.gid)
        .and_then(|()| setgid(user.gid))
        .and_then(|()| setuid(user.uid))
        .map_err(|errno| failed(errno.desc().into()))
}
