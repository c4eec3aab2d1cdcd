//! The running listeners: started from the configuration, replaced when it changes.
//!
//! A listener whose configuration has not changed is left alone by a reload; one that has is
//! drained and started anew. Sockets handed over by systemd are used in place of bound ones.

use std::{
    collections::HashMap, io, os::unix::net::UnixListener as StdListener, sync::Arc, time::Duration,
};

use tokio::{net::UnixListener, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{api, compose::Source, panel};
use crate::{
    config::{Config, ListenerConfig, ListenerKind, PasswordsConfig, TempFail},
    net::{
        client::{self, ClientDoor},
        door::{Door, Shared},
        listener,
        login::{self, LoginDoor},
    },
    service::authenticate::Authenticator,
    sys::{
        inherited::{self, InheritError, Inherited},
        socket::{self, Access, BindError},
    },
};

/// Why a listener could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Its socket.
    #[error("listener {name}: {source}")]
    Bind {
        /// The listener.
        name: String,
        /// What went wrong.
        source: BindError,
    },
    /// The descriptor.
    #[error("listener {name}: {source}")]
    Io {
        /// The listener.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// Socket activation.
    #[error(transparent)]
    Inherit(#[from] InheritError),
    /// The configuration check lets none of these through.
    #[error("listener {0}: there is no password source for its kind")]
    NoSource(String),
}

/// All listeners.
pub struct Listeners {
    authenticator: Arc<Authenticator>,
    tasks: TaskTracker,
    stopping: CancellationToken,
    inherited: HashMap<String, Inherited>,
    running: HashMap<String, Running>,
}

struct Running {
    made_from: MadeFrom,
    stopping: CancellationToken,
    accepting: JoinHandle<()>,
}

/// What a listener depends on: when it changes, the listener is made anew.
#[derive(Clone, PartialEq, Eq)]
struct MadeFrom {
    listener: ListenerConfig,
    passwords: PasswordsConfig,
    refusal_delay: Duration,
}

impl Listeners {
    /// None yet. Takes the sockets that systemd handed over.
    pub fn new(
        authenticator: Arc<Authenticator>,
        tasks: TaskTracker,
        stopping: CancellationToken,
    ) -> Result<Self, ListenError> {
        let inherited = inherited::take()?.into_iter().collect();
        Ok(Self { authenticator, tasks, stopping, inherited, running: HashMap::new() })
    }

    /// A socket that systemd handed over for something that is no listener of the configuration.
    pub fn take_inherited(&mut self, name: &str, config: &Config) -> Option<Inherited> {
        if config.listeners.iter().any(|listener| listener.name == name) {
            return None;
        }
        self.inherited.remove(name)
    }

    /// Makes the running listeners those of the configuration. An error leaves the ones running
    /// that could be started.
    pub async fn apply(&mut self, config: &Config, source: &Source) -> Result<(), ListenError> {
        let wanted: HashMap<String, MadeFrom> = config
            .listeners
            .iter()
            .map(|listener| {
                let made_from = MadeFrom {
                    listener: listener.clone(),
                    passwords: config.passwords.clone(),
                    refusal_delay: config.refusals.delay,
                };
                (listener.name.clone(), made_from)
            })
            .collect();
        let outdated: Vec<String> = self
            .running
            .iter()
            .filter(|(name, running)| wanted.get(*name) != Some(&running.made_from))
            .map(|(name, _)| name.clone())
            .collect();
        for name in outdated {
            self.stop(&name).await;
        }
        for name in self.inherited.keys().filter(|name| !wanted.contains_key(*name)) {
            match name.as_str() {
                panel::SOCKET | api::SOCKET => tracing::warn!(
                    "systemd handed over the socket {name:?}, and nobody serves it: set listen in [{name}], and restart"
                ),
                _ => tracing::warn!(
                    %name,
                    "systemd handed over a socket that no listener is named after"
                ),
            }
        }
        // In the order of the file, so that its first mistake is the one that is told.
        for listener in &config.listeners {
            if self.running.contains_key(&listener.name) {
                continue;
            }
            if let Some(made_from) = wanted.get(&listener.name) {
                self.start(made_from.clone(), source)?;
            }
        }
        Ok(())
    }

    /// Ends all of them and removes their sockets, so that a client is told "not there" rather than
    /// "nobody answers".
    pub async fn stop_all(&mut self) {
        let names: Vec<String> = self.running.keys().cloned().collect();
        for name in names {
            self.stop(&name).await;
        }
    }

    async fn stop(&mut self, name: &str) {
        if let Some(running) = self.running.remove(name) {
            running.stopping.cancel();
            // Its socket is closed when the accept loop has ended.
            let _ = running.accepting.await;
            if !self.inherited.contains_key(name) {
                socket::sweep(&running.made_from.listener.socket);
            }
            tracing::info!(listener = name, "stopped listening");
        }
    }

    fn start(&mut self, made_from: MadeFrom, source: &Source) -> Result<(), ListenError> {
        let config = &made_from.listener;
        let name = config.name.clone();
        let stopping = self.stopping.child_token();
        let shared = Shared {
            name: name.as_str().into(),
            authenticator: Arc::clone(&self.authenticator),
            refusal_delay: made_from.refusal_delay,
            temp_fail: match config.kind {
                ListenerKind::Client { temp_fail } => temp_fail,
                ListenerKind::Login { .. } => TempFail::Answer,
            },
            stopping: stopping.clone(),
        };
        let no_source = || ListenError::NoSource(name.clone());
        let accepting = match (&config.kind, source) {
            (ListenerKind::Client { .. }, Source::Upstream { pool, vouch: _ }) => {
                let passwords = client::Passwords::Upstream(pool.clone().ok_or_else(no_source)?);
                self.spawn(config, ClientDoor::new(shared.clone(), passwords), shared)?
            }
            (ListenerKind::Client { .. }, Source::Stored { hasher, .. }) => {
                let passwords = client::Passwords::Stored(Arc::clone(hasher));
                self.spawn(config, ClientDoor::new(shared.clone(), passwords), shared)?
            }
            (ListenerKind::Login { upstream }, Source::Upstream { pool: _, vouch }) => {
                let passwords = login::Passwords::Upstream { vouch: vouch.clone() };
                let door = LoginDoor::new(shared.clone(), upstream.clone(), passwords);
                self.spawn(config, door, shared)?
            }
            (ListenerKind::Login { upstream }, Source::Stored { hasher, vouch }) => {
                let passwords = login::Passwords::Stored {
                    hasher: Arc::clone(hasher),
                    vouch: vouch.clone().ok_or_else(no_source)?,
                };
                let door = LoginDoor::new(shared.clone(), upstream.clone(), passwords);
                self.spawn(config, door, shared)?
            }
        };
        tracing::info!(listener = %name, socket = %config.socket.display(), "listening");
        self.running.insert(name, Running { made_from, stopping, accepting });
        Ok(())
    }

    fn spawn<D: Door>(
        &self,
        config: &ListenerConfig,
        door: D,
        shared: Shared,
    ) -> Result<JoinHandle<()>, ListenError> {
        let io = |source| ListenError::Io { name: config.name.clone(), source };
        let socket = self.socket(config)?;
        socket.set_nonblocking(true).map_err(io)?;
        let socket = UnixListener::from_std(socket).map_err(io)?;
        let tasks = self.tasks.clone();
        Ok(tokio::spawn(listener::run(socket, Arc::new(door), shared, config.connections, tasks)))
    }

    fn socket(&self, config: &ListenerConfig) -> Result<StdListener, ListenError> {
        match self.inherited.get(&config.name) {
            Some(Inherited::Unix(inherited)) => {
                return inherited
                    .try_clone()
                    .map_err(|source| ListenError::Io { name: config.name.clone(), source });
            }
            Some(Inherited::Tcp(_)) => {
                return Err(InheritError::NotUnix(config.name.clone()).into());
            }
            None => {}
        }
        let access = Access {
            owner: config.owner.as_ref().map(|owner| owner.uid),
            group: config.group.as_ref().map(|group| group.gid),
            mode: config.mode,
        };
        socket::bind(&config.socket, &access)
            .map_err(|source| ListenError::Bind { name: config.name.clone(), source })
    }
}
