//! The running User Panel: started from the configuration.
//!
//! A change of `[panel]` counts after a restart, what it needs of other sections as well.

use std::{io, sync::Arc};

use tokio::net::{TcpListener, UnixListener};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::{Listen, PanelConfig},
    service::owner::Owner,
    sys::socket::{self, Access, BindError},
    web::{
        self, Languages, Panel, Settings, TextError,
        server::{self, Listener},
    },
};

/// Owner and group: the proxy is in the group.
const MODE: u32 = 0o660;

/// Why the panel did not start.
#[derive(Debug, thiserror::Error)]
pub enum PanelError {
    /// Its socket.
    #[error("panel.listen: {0}")]
    Bind(#[from] BindError),
    /// Its address.
    #[error("panel.listen: {0}")]
    Address(#[from] io::Error),
    /// Its texts.
    #[error(transparent)]
    Texts(#[from] TextError),
}

/// Starts it. The listener is there when this returns.
pub async fn start(
    config: &PanelConfig,
    refusal_delay: std::time::Duration,
    owner: Arc<Owner>,
    tasks: &TaskTracker,
    stopping: &CancellationToken,
) -> Result<(), PanelError> {
    let settings = Settings {
        base: config.base.clone(),
        https: config.https,
        proxies: config.proxies.clone(),
        name: config.name.clone(),
        logo: None,
        accent: None,
        refusal_delay,
    };
    let languages = Arc::new(Languages::built_in()?);
    let panel = Panel { owner, settings: Arc::new(settings), languages };
    let listener = match &config.listen {
        Listen::Tcp(address) => Listener::Tcp(TcpListener::bind(address).await?),
        Listen::Unix(path) => {
            let access = Access { owner: None, group: None, mode: MODE };
            Listener::Unix(UnixListener::from_std(socket::bind(path, &access)?)?)
        }
    };
    tracing::info!(listen = ?config.listen, "the user panel listens");
    let pages = web::pages(panel);
    tasks.spawn(server::serve(listener, pages, stopping.clone(), tasks.clone()));
    Ok(())
}
