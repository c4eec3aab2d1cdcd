//! The User Panel: web pages on which the owner of a mailbox looks after it, over `service::owner`.
//!
//! Plain forms and redirects; nothing needs a script. `guard` stands before every page, `visitor` says who is asking, `panel` has the pages, `language` their texts.
//!
//! It decides nothing about passwords and codes and keeps no state of its own.
//!
//! # Security
//!
//! Everything comes from strangers. Sizes, times and, in `http`, the number of connections are bounded before a
//! page is reached; a request that another site may have sent never gets there; pages are built by maud,
//! which escapes all it is given. No page can be framed, sniffed or cached, and the only script and
//! style are files of our own.

mod cookie;
mod form;
mod guard;
mod language;
mod page;
mod panel;
mod repeat;
mod visitor;

use std::{net::IpAddr, sync::Arc};

use axum::Router;
pub use language::{Languages, TextError};

use crate::{decision::place::Network, service::owner::Owner};

/// What the administrator says of the panel.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the panel begins below the host's root: `/` or `/mail/2fa/`, with both slashes.
    pub base: String,
    /// Whether browsers come by HTTPS, to us or to the proxy before us.
    pub https: bool,
    /// Who may say in `X-Forwarded-For` where a browser is.
    pub proxies: Vec<Network>,
    /// What the host calls itself.
    pub name: String,
    /// Its picture: the kind of its content, and the content.
    pub logo: Option<(&'static str, axum::body::Bytes)>,
    /// Its colour of links and buttons on light pages, `#rrggbb`.
    pub accent: Option<String>,
    /// The same on dark pages.
    pub accent_dark: Option<String>,
}

impl Settings {
    /// An address of the panel, `panel.css` or `factor/confirm`, as links and forms need it.
    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Whether this peer may say where a browser is. A peer on a Unix socket may: its owner and mode say who
    /// that is.
    fn is_proxy(&self, peer: Option<IpAddr>) -> bool {
        peer.is_none_or(|peer| self.proxies.iter().any(|network| network.contains(peer)))
    }
}

/// What every page has.
#[derive(Clone)]
pub struct Panel {
    /// The use-cases.
    pub owner: Arc<Owner>,
    /// The administrator's settings.
    pub settings: Arc<Settings>,
    /// The texts.
    pub languages: Arc<Languages>,
}

/// All pages, behind their guard.
pub fn pages(panel: Panel) -> Router {
    let settings = Arc::clone(&panel.settings);
    let pages = panel::routes(&settings).with_state(panel).layer(repeat::extension());
    guard::before(pages, &settings)
}
