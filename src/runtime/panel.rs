//! The running User Panel: started from the configuration, and what of it a reload replaces.
//!
//! Where it listens and how it looks counts after a restart. What it does things with, the life of its
//! sessions and its certificate count after a reload.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::opened::{Certificate, PlaceError, Renewal, Wanted};
use crate::{
    base::limits::WEB_LOGO_BYTES,
    config::PanelConfig,
    http::Server,
    service::owner::{Owner, Parts},
    sys::inherited::Inherited,
    web::{self, Languages, Panel, Settings, TextError},
};

/// What systemd calls the socket that it hands over for the panel.
pub const SOCKET: &str = "panel";

/// Where the panel runs.
pub struct Place<'a> {
    /// A socket that systemd opened; it is used in place of `panel.listen`.
    pub inherited: Option<Inherited>,
    /// What is waited for at the end.
    pub tasks: &'a TaskTracker,
    /// When that comes.
    pub stopping: &'a CancellationToken,
}

/// Why the panel did not start.
#[derive(Debug, thiserror::Error)]
pub enum PanelError {
    /// Where it listens, or its certificate.
    #[error("panel.{0}")]
    Place(#[from] PlaceError),
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

/// What a reload replaces.
pub struct Running {
    owner: Arc<Owner>,
    certificate: Certificate,
}

/// What it replaces it by.
pub struct Replacement {
    parts: Parts,
    certificate: Renewal,
}

impl Running {
    /// What the new configuration wants, before anything is replaced.
    ///
    /// # Errors
    ///
    /// When the certificate or its key cannot be used.
    pub fn prepare(&self, config: &PanelConfig, parts: Parts) -> Result<Replacement, PanelError> {
        let certificate = self.certificate.prepare(config.place.tls.as_ref())?;
        Ok(Replacement { parts, certificate })
    }

    /// What is asked from now on is done with these, and who connects gets this certificate.
    pub fn replace(&self, new: Replacement) {
        self.owner.replace(new.parts);
        new.certificate.take_effect();
    }
}

/// Starts it. The listener is there when this returns.
pub async fn start(
    config: &PanelConfig,
    owner: Arc<Owner>,
    place: Place<'_>,
) -> Result<Running, PanelError> {
    let settings = Settings {
        base: config.base.clone(),
        https: config.https,
        proxies: config.proxies.clone(),
        name: config.name.clone(),
        logo: config.logo.as_deref().map(logo).transpose()?,
        accent: config.accent.clone(),
        accent_dark: config.accent_dark.clone(),
    };
    let languages = Arc::new(Languages::built_in()?);
    let pages =
        web::pages(Panel { owner: Arc::clone(&owner), settings: Arc::new(settings), languages });
    let Place { inherited, tasks, stopping } = place;
    let opened = Wanted { what: "the user panel", place: &config.place, inherited }.open().await?;
    let certificate = opened.certificate();
    let server = Server::new("panel", pages, stopping.clone(), tasks.clone());
    tasks.spawn(opened.serve(server));
    Ok(Running { owner, certificate })
}

/// The host's picture and its kind, by what it begins with.
pub(super) fn logo(path: &Path) -> Result<(&'static str, axum::body::Bytes), PanelError> {
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
