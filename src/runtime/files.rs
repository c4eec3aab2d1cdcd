//! The files that the panel and the API are served with, as a start looks at them: certificates with their keys,
//! and the host's picture. Serves nothing.

use crate::{
    config::{Config, ConfigErrors, Mistake, TlsConfig},
    http::Identity,
};

use super::panel::{PanelError, logo};

/// Names every file that cannot be used; a start would end at the first.
///
/// # Errors
///
/// All that is wrong with them, by the key that names them.
pub fn check(config: &Config) -> Result<(), ConfigErrors> {
    let (panel, api) = (config.panel.as_ref(), config.api.as_ref());
    let found = [
        panel.and_then(|panel| certificate("panel.tls", panel.place.tls.as_ref())),
        api.and_then(|api| certificate("api.tls", api.tls.as_ref())),
        panel.and_then(|panel| panel.logo.as_deref()).and_then(|path| match logo(path) {
            Err(PanelError::Logo { path, why }) => {
                Some(mistake("panel.logo", format!("{}: {why}", path.display())))
            }
            Ok(_) | Err(_) => None,
        }),
    ];
    let mistakes: Vec<_> = found.into_iter().flatten().collect();
    if mistakes.is_empty() { Ok(()) } else { Err(ConfigErrors { path: None, mistakes }) }
}

fn certificate(key: &str, tls: Option<&TlsConfig>) -> Option<Mistake> {
    let tls = tls?;
    let error = Identity::read(&tls.certificate, &tls.key).err()?;
    Some(mistake(key, error.to_string()))
}

fn mistake(key: &str, what: String) -> Mistake {
    Mistake { key: key.to_owned(), line: None, what }
}
