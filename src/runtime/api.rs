//! The running API: the control socket, and a place for programs that bring tokens.
//!
//! Where it listens counts after a restart. Who answers, when refusals of logins leave and the certificate
//! count after a reload.

use std::{path::Path, sync::Arc};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::opened::{Certificate, Opened, OpeningError, PlaceError, Wanted};
use crate::{
    api::{self, Api, Door},
    base::Current,
    config::PlaceConfig,
    http::Server,
    sys::inherited::Inherited,
};

/// What systemd calls the socket that it hands over for programs with tokens.
pub const SOCKET: &str = "api";

/// Owner only; the peer's user is checked besides.
const CONTROL_MODE: u32 = 0o600;

/// Why the API did not start.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The control socket.
    #[error("control.socket: {0}")]
    Control(OpeningError),
    /// The place for tokens, or its certificate.
    #[error("api.{0}")]
    Place(#[from] PlaceError),
}

/// What serves, and until when.
#[derive(Clone)]
pub struct Service {
    /// Who does what is asked; a reload replaces it.
    pub parts: Arc<Current<api::Parts>>,
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

    /// Serves whoever brings a token, at the socket that systemd handed over if there is one. The place is
    /// there when this returns. Gives the certificate, for reloads.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub async fn tokens(
        &self,
        place: &PlaceConfig,
        inherited: Option<Inherited>,
    ) -> Result<Certificate, ApiError> {
        let opened = Wanted { what: "the API", place, inherited }.open().await?;
        let certificate = opened.certificate();
        self.serve("api", Door::Token, opened);
        Ok(certificate)
    }

    fn serve(&self, name: &'static str, door: Door, opened: Opened) {
        let routes =
            api::routes(&Api { door, parts: Arc::clone(&self.parts), wrong: Arc::default() });
        let server = Server::new(name, routes, self.stopping.clone(), self.tasks.clone());
        self.tasks.spawn(opened.serve(server));
    }
}
