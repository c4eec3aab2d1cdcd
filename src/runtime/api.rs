//! The running API: the control socket, and a place for programs that bring tokens.
//!
//! A change of `[api]` or `[control]` counts after a restart.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::opened::{Opened, OpeningError};
use crate::{
    api::{self, Api, Door},
    config::ApiConfig,
    http::Server,
    service::{admin::Admin, webmail::Webmail},
};

/// Owner only; the peer's user is checked besides.
const CONTROL_MODE: u32 = 0o600;

/// Why the API did not start.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The control socket.
    #[error("control.socket: {0}")]
    Control(OpeningError),
    /// The place for tokens.
    #[error("api.listen: {0}")]
    Listen(OpeningError),
}

/// What serves, and until when.
#[derive(Clone)]
pub struct Service {
    /// Who does what is asked.
    pub admin: watch::Receiver<Arc<Admin>>,
    /// Who gives webmails their tokens.
    pub webmail: Option<Arc<Webmail>>,
    /// When refusals of logins leave.
    pub refusal_delay: Duration,
    /// What is waited for at the end.
    pub tasks: TaskTracker,
    /// When that comes.
    pub stopping: CancellationToken,
}

impl Service {
    /// Serves the control socket. It is there when this returns.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn control(&self, path: &Path) -> Result<(), ApiError> {
        let opened = Opened::socket(path, CONTROL_MODE).map_err(ApiError::Control)?;
        self.serve("control", Door::Control, opened);
        Ok(())
    }

    /// Serves whoever brings a token. The place is there when this returns.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub async fn tokens(&self, config: &ApiConfig) -> Result<(), ApiError> {
        let opened = Opened::at(&config.listen, "the API").await.map_err(ApiError::Listen)?;
        self.serve("api", Door::Token, opened);
        Ok(())
    }

    fn serve(&self, name: &'static str, door: Door, opened: Opened) {
        let routes = api::routes(&Api {
            door,
            admin: self.admin.clone(),
            webmail: self.webmail.clone(),
            refusal_delay: self.refusal_delay,
        });
        let server = Server::new(name, routes, self.stopping.clone(), self.tasks.clone());
        self.tasks.spawn(opened.serve(server));
    }
}
