//! The running User Panel: started from the configuration.
//!
//! A change of `[panel]` counts after a restart, what it needs of other sections as well.

use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::net::UnixListener as StdListener,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::net::{TcpListener, UnixListener};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    base::limits::WEB_LOGO_BYTES,
    config::{Listen, PanelConfig},
    http::{Listener, Server},
    service::owner::Owner,
    sys::socket::{self, Access, BindError},
    web::{self, Languages, Panel, Settings, TextError},
};

/// Owner and group: the proxy is in the group.
const MODE: u32 = 0o660;

/// What systemd calls the socket that it hands over for the panel.
pub const SOCKET: &str = "panel";

/// Where the panel runs.
pub struct Place<'a> {
    /// A socket that systemd opened; it is used in place of `panel.listen`.
    pub inherited: Option<StdListener>,
    /// What is waited for at the end.
    pub tasks: &'a TaskTracker,
    /// When that comes.
    pub stopping: &'a CancellationToken,
}

/// Why the panel did not start.
#[derive(Debug, thiserror::Error)]
pub enum PanelError {
    /// Its socket.
    #[error("panel.listen: {0}")]
    Bind(#[from] BindError),
    /// Its address.
    #[error("panel.listen: {0}")]
    Address(#[from] io::Error),
    /// The host's picture.
    #[error("panel.logo: {path}: {why}")]
    Logo {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Its texts.
    #[error(transparent)]
    Texts(#[from] TextError),
}

/// Starts it. The listener is there when this returns.
pub async fn start(
    config: &PanelConfig,
    refusal_delay: std::time::Duration,
    owner: Arc<Owner>,
    place: Place<'_>,
) -> Result<(), PanelError> {
    let settings = Settings {
        base: config.base.clone(),
        https: config.https,
        proxies: config.proxies.clone(),
        name: config.name.clone(),
        logo: config.logo.as_deref().map(logo).transpose()?,
        accent: config.accent.clone(),
        accent_dark: config.accent_dark.clone(),
        refusal_delay,
    };
    let languages = Arc::new(Languages::built_in()?);
    let panel = Panel { owner, settings: Arc::new(settings), languages };
    let Place { inherited, tasks, stopping } = place;
    let mut own = None;
    let listener = match (inherited, &config.listen) {
        (Some(inherited), _) => {
            tracing::info!("the user panel listens at the socket that systemd handed over");
            Listener::Unix(unix(inherited)?)
        }
        (None, Listen::Tcp(address)) => {
            tracing::info!(%address, "the user panel listens");
            Listener::Tcp(TcpListener::bind(address).await?)
        }
        (None, Listen::Unix(path)) => {
            tracing::info!(socket = %path.display(), "the user panel listens");
            let access = Access { owner: None, group: None, mode: MODE };
            own = Some(path.clone());
            Listener::Unix(unix(socket::bind(path, &access)?)?)
        }
    };
    let server = Server::new("panel", web::pages(panel), stopping.clone(), tasks.clone());
    tasks.spawn(async move {
        server.serve(listener).await;
        if let Some(path) = own {
            socket::sweep(&path);
        }
    });
    Ok(())
}

fn unix(listener: StdListener) -> io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

/// The host's picture and its kind, by what it begins with.
fn logo(path: &Path) -> Result<(&'static str, axum::body::Bytes), PanelError> {
    let error = |why: String| PanelError::Logo { path: path.into(), why };
    let most = u64::try_from(WEB_LOGO_BYTES).unwrap_or(u64::MAX);
    let mut picture = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most + 1).read_to_end(&mut picture))
        .map_err(|why| error(why.to_string()))?;
    if picture.len() > WEB_LOGO_BYTES {
        return Err(error(format!("has more than {WEB_LOGO_BYTES} bytes")));
    }
    let text = picture.trim_ascii_start();
    let kind = if picture.starts_with(b"\x89PNG\r\n\x1a\n") {
        "image/png"
    } else if text.starts_with(b"<svg") || text.starts_with(b"<?xml") {
        "image/svg+xml"
    } else {
        return Err(error("is neither an SVG nor a PNG picture".into()));
    };
    Ok((kind, picture.into()))
}
