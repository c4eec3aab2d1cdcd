//! The daemon from start to end: start, reload, drain, exit.
//!
//! SIGTERM and SIGINT drain: no new logins, the running ones are finished. SIGHUP reads the
//! configuration again; one with a mistake is refused and the old one stays. A listener that cannot be made refuses
//! nothing: what is in force without it is new.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sd_notify::NotifyState;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    api as served,
    compose::{self, ComposeError, DiskStore, Source},
    hardening,
    listeners::{ListenError, Listeners},
    logging::{self, LogHandle},
    opened::Certificate,
    panel,
    reminders::remind,
    upkeep::{housekeeping, keep_trail, notify, watchdog},
};
use crate::{
    api,
    base::{
        Current, Mailbox,
        limits::{DRAIN_SECONDS, SCAN_PAGE},
    },
    config::{Config, ConfigErrors, PanelConfig, PlaceConfig},
    decision::names::NameRules,
    notice::Owners,
    service::{
        admin::Admin, authenticate::Authenticator, owner::Owner, reminders::Plan, trail::Recorder,
        webmail::Webmail,
    },
};

/// How long a stopping daemon writes down its last logins.
const TRAIL_LIMIT: Duration = Duration::from_secs(5);

/// Why the daemon did not start, or ended on its own. Each has an exit code of its own.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The rules for names lead past records: their second factor would not be asked for.
    #[error(
        "[names]: no login leads to {count} of the stored mailboxes any more, {first} for one: it \
         would open without its second factor. Restore the rules; `mail2fa mailbox rename` gives \
         mailboxes the names that they will have under new ones"
    )]
    Unreachable {
        /// How many.
        count: usize,
        /// The first of them.
        first: Mailbox,
    },
    /// A part could not be made.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// A socket.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The control socket, or the API.
    #[error(transparent)]
    Api(#[from] served::ApiError),
    /// The User Panel.
    #[error(transparent)]
    Panel(#[from] panel::PanelError),
    /// The operating system.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What it said.
        source: std::io::Error,
    },
    /// The store failed while the daemon was running.
    #[error("the store has failed, nothing can be decided any more: {0}")]
    StoreFailed(String),
}

fn system(what: &'static str) -> impl Fn(std::io::Error) -> ServeError {
    move |source| ServeError::System { what, source }
}

/// Runs the daemon until it is told to stop.
pub fn serve(path: &Path) -> Result<(), ServeError> {
    hardening::apply().map_err(|errno| system("hardening the process")(errno.into()))?;
    hardening::quiet_panics();
    let config = Config::load(path)?;
    let (log, _log_end) = logging::start(&config.log).map_err(system("starting the log"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(system("starting the runtime"))?;
    let result = runtime.block_on(async {
        let daemon = Daemon::start(path.into(), config, log).await?;
        daemon.run().await
    });
    // Hashing and store threads must not keep a stopped daemon alive.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

struct Daemon {
    path: PathBuf,
    config: Config,
    /// What was in force at the start, and is still where a change counts after a restart.
    started: Config,
    log: LogHandle,
    source: Source,
    authenticator: Arc<Authenticator>,
    store: Arc<DiskStore>,
    trail: Arc<Recorder>,
    listeners: Listeners,
    tasks: TaskTracker,
    stopping: CancellationToken,
    failure: Failure,
    answering: Arc<Current<api::Parts>>,
    /// Of the place for tokens, where there is one.
    certificate: Option<Certificate>,
    panel: Option<panel::Running>,
    owners: Arc<Owners>,
    plan: watch::Sender<Option<Plan>>,
}

/// Set once, when the store has failed.
#[derive(Clone, Default)]
struct Failure {
    reason: Arc<Mutex<Option<String>>>,
    happened: CancellationToken,
}

impl Failure {
    fn set(&self, reason: &str) {
        let mut slot = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert_with(|| reason.into());
        self.happened.cancel();
    }

    fn is_set(&self) -> bool {
        self.happened.is_cancelled()
    }

    fn take(&self) -> Option<String> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Daemon {
    async fn start(path: PathBuf, config: Config, log: LogHandle) -> Result<Self, ServeError> {
        let store = compose::open_store(&config).await?;
        tracing::info!(records = store.records(), "the store is open");
        for (shard, damage) in store.damage() {
            tracing::error!(
                ?shard,
                %damage,
                "the store is damaged: mailboxes of this part get temp_fail until it is repaired"
            );
        }
        check_names(&store, &config.names)?;
        let failure = Failure::default();
        let told = failure.clone();
        store.on_fatal(Box::new(move |reason| told.set(reason)));
        let source = compose::source(&config.passwords)?;
        let trail = compose::trail(&config, &store);
        let owners = compose::owners(&config, Arc::clone(&store))
            .map_err(|errors| ConfigErrors { path: Some(path.clone()), ..errors })?;
        let authenticator = Arc::new(compose::authenticator(
            &config,
            Arc::clone(&store),
            log.has_fields(),
            &trail,
            owners.clone(),
        )?);
        let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
        let mut listeners =
            Listeners::new(Arc::clone(&authenticator), tasks.clone(), stopping.clone())?;
        let for_panel =
            config.panel.as_ref().and_then(|_| listeners.take_inherited(panel::SOCKET, &config));
        let for_api =
            config.api.as_ref().and_then(|_| listeners.take_inherited(served::SOCKET, &config));
        listeners.apply(&config, &source).await?;
        let first = Arc::new(admin(&config, &store, &source, &trail, &owners));
        let parts = api_parts(&config, Arc::clone(&first), &source, &authenticator);
        let answering = Arc::new(Current::new(parts));
        let api = served::Service {
            parts: Arc::clone(&answering),
            tasks: tasks.clone(),
            stopping: stopping.clone(),
        };
        api.control(&config.control.socket)?;
        let certificate = match &config.api {
            Some(config) => Some(api.tokens(config, for_api).await?),
            None => None,
        };
        let place = panel::Place { inherited: for_panel, tasks: &tasks, stopping: &stopping };
        let panel = start_panel(&config, first, &source, &authenticator, place).await?;
        let plan = watch::Sender::new(compose::reminder_plan(&config));
        Ok(Self {
            path,
            started: config.clone(),
            config,
            log,
            source,
            authenticator,
            store,
            trail,
            listeners,
            tasks,
            stopping,
            failure,
            answering,
            certificate,
            panel,
            owners,
            plan,
        })
    }

    async fn run(mut self) -> Result<(), ServeError> {
        let listen = |kind| signal(kind).map_err(system("listening for signals"));
        let mut hangup = listen(SignalKind::hangup())?;
        let (mut term, mut int) =
            (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
        self.tasks.spawn(watchdog(Arc::clone(&self.authenticator), self.stopping.clone()));
        self.tasks.spawn(housekeeping(Arc::clone(&self.store), self.stopping.clone()));
        self.tasks.spawn(keep_trail(Arc::clone(&self.trail), self.stopping.clone()));
        let reminders = compose::reminders(Arc::clone(&self.store), Arc::clone(&self.owners));
        self.tasks.spawn(remind(reminders, self.plan.subscribe(), self.stopping.clone()));
        notify(&[NotifyState::Ready, NotifyState::Status("deciding logins")]);
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "ready");
        loop {
            tokio::select! {
                Some(()) = hangup.recv() => self.reload().await,
                () = first(&mut term, &mut int) => break,
                () = self.failure.happened.cancelled() => break,
            }
        }
        self.drain().await
    }

    /// Reads the configuration again.
    async fn reload(&mut self) {
        let reloading = [Some(NotifyState::Reloading), NotifyState::monotonic_usec_now().ok()];
        notify(&reloading.into_iter().flatten().collect::<Vec<_>>());
        match self.try_reload().await {
            Ok(()) => tracing::info!("the configuration was read again"),
            // The listeners come last, when all else is new already.
            Err(ServeError::Listen(error)) => tracing::error!(
                %error,
                "the new configuration is in force, but not all of its listeners run: the next reload tries again"
            ),
            Err(error) => tracing::error!(%error, "the old configuration stays in force"),
        }
        notify(&[NotifyState::Ready]);
    }

    async fn try_reload(&mut self) -> Result<(), ServeError> {
        let mut config = Config::load(&self.path)?;
        check_names(&self.store, &config.names)?;
        let source = if config.passwords == self.config.passwords {
            self.source.clone()
        } else {
            compose::source(&config.passwords)?
        };
        let outfit = compose::outfit(&config.notices)
            .map_err(|errors| ConfigErrors { path: Some(self.path.clone()), ..errors })?;
        let started = &self.started;
        let fixed = [
            ("store", config.store != started.store),
            ("control", config.control != started.control),
            ("api", PlaceConfig::needs_restart(started.api.as_ref(), config.api.as_ref())),
            ("panel", PanelConfig::needs_restart(started.panel.as_ref(), config.panel.as_ref())),
            ("log.target", config.log.target != started.log.target),
        ];
        for (key, _) in fixed.into_iter().filter(|(_, changed)| *changed) {
            tracing::warn!(key, "this change counts after a restart");
        }
        let admin = Arc::new(Admin {
            panel: compose::panel_address(&self.started),
            ..admin(&config, &self.store, &source, &self.trail, &self.owners)
        });
        // Of a panel that was taken out of the configuration the old settings stay until the restart, and each
        // reload until then replaces what it does things with.
        let panel = config.panel.as_ref().or(self.config.panel.as_ref());
        let replacement = match (&self.panel, panel) {
            (Some(running), Some(panel)) => {
                let delay = config.refusals.delay;
                let parts = compose::owner_parts(panel, delay, Arc::clone(&admin), &source)?;
                Some((running, running.prepare(panel, parts)?))
            }
            _ => None,
        };
        let tls = config.api.as_ref().and_then(|api| api.tls.as_ref());
        let renewal = self.certificate.as_ref().map(|certificate| certificate.prepare(tls));
        let renewal = renewal.transpose().map_err(served::ApiError::from)?;
        self.log.set_level(&config.log.level).map_err(system("log.level"))?;
        // The policy first: a listener of the new kind must not decide by the old one.
        self.authenticator.set_policy(compose::policy(&config, self.store.credential_key()));
        self.owners.equip(outfit);
        self.trail.set_policy(config.audit.clone());
        self.plan.send_replace(compose::reminder_plan(&config));
        self.answering.set(api_parts(&config, admin, &source, &self.authenticator));
        if let Some(renewal) = renewal {
            renewal.take_effect();
        }
        if let Some((running, replacement)) = replacement {
            running.replace(replacement);
        }
        let result = self.listeners.apply(&config, &source).await;
        if self.panel.is_some() && config.panel.is_none() {
            config.panel = self.config.panel.take();
        }
        (self.config, self.source) = (config, source);
        Ok(result?)
    }

    /// Finishes what runs, and ends.
    async fn drain(mut self) -> Result<(), ServeError> {
        notify(&[NotifyState::Stopping]);
        tracing::info!("stopping: running logins are finished");
        self.stopping.cancel();
        self.listeners.stop_all().await;
        self.tasks.close();
        let limit = Duration::from_secs(DRAIN_SECONDS);
        if tokio::time::timeout(limit, self.tasks.wait()).await.is_err() {
            tracing::warn!(seconds = DRAIN_SECONDS, "stopped before all connections had ended");
        }
        // What ended just now may have had something to tell.
        self.owners.finish().await;
        // Nobody logs in any more. A store that has failed takes nothing.
        if self.failure.is_set()
            || tokio::time::timeout(TRAIL_LIMIT, self.trail.finish()).await.is_err()
        {
            tracing::warn!("the last logins are missing in the audit trail");
        }
        match self.failure.take() {
            Some(reason) => Err(ServeError::StoreFailed(reason)),
            None => Ok(()),
        }
    }
}

async fn first(term: &mut Signal, int: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

/// An error when a stored mailbox has a name that is not canonical under these rules.
fn check_names(store: &DiskStore, names: &NameRules) -> Result<(), ServeError> {
    let (mut count, mut first, mut after) = (0, None, None);
    loop {
        let page = store.names(after.as_ref(), SCAN_PAGE);
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        for mailbox in page.into_iter().filter(|mailbox| !names.reaches(mailbox)) {
            count += 1;
            first.get_or_insert(mailbox);
        }
    }
    first.map_or(Ok(()), |first| Err(ServeError::Unreachable { count, first }))
}

/// The administrator's use-cases as this configuration wants them.
fn admin(
    config: &Config,
    store: &Arc<DiskStore>,
    source: &Source,
    trail: &Arc<Recorder>,
    owners: &Arc<Owners>,
) -> Admin {
    let hasher = match source {
        Source::Upstream { .. } => None,
        Source::Stored { hasher, .. } => Some(Arc::clone(hasher)),
    };
    compose::admin(config, Arc::clone(store), hasher, Arc::clone(trail), owners.clone())
}

/// Who answers the API as this configuration wants it. The check of the configuration lets no webmail through
/// without somebody to ask for passwords.
fn api_parts(
    config: &Config,
    admin: Arc<Admin>,
    source: &Source,
    authenticator: &Arc<Authenticator>,
) -> api::Parts {
    let webmail = compose::webmail_parts(Arc::clone(&admin), source)
        .ok()
        .map(|parts| Arc::new(Webmail::new(Arc::clone(authenticator), parts)));
    api::Parts { admin, webmail, refusal_delay: config.refusals.delay }
}

/// The User Panel, where there is one.
async fn start_panel(
    config: &Config,
    admin: Arc<Admin>,
    source: &Source,
    authenticator: &Arc<Authenticator>,
    place: panel::Place<'_>,
) -> Result<Option<panel::Running>, ServeError> {
    let Some(wanted) = &config.panel else { return Ok(None) };
    let parts = compose::owner_parts(wanted, config.refusals.delay, admin, source)?;
    let owner = Arc::new(Owner::new(Arc::clone(authenticator), parts));
    Ok(Some(panel::start(wanted, owner, place).await?))
}
