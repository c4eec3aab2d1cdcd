//! A private Chromium, driven over WebDriver as a person would: by what stands on labels and buttons.
//!
//! Debian's chromedriver listens on a free loopback port and starts Chromium without a window, with
//! an empty profile of its own for each [`Window`]. Nothing leaves the machine.

mod axe;
pub mod keys;
mod window;

use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::{Value, json};
pub use window::Window;

use crate::folder::Folder;
use crate::group::Group;
use crate::port::Port;
use crate::wait;

/// A running chromedriver. Dropping it ends all its browsers.
#[derive(Debug)]
pub struct Chromium {
    folder: Arc<Folder>,
    port: Port,
    _group: Group,
}

/// What a person has in hand.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Width and height of the page, in CSS pixels.
    pub size: (u32, u32),
    /// Whether it is a phone: with touch, and a narrow page is not made wider.
    pub phone: bool,
    /// Whether dark pages are wanted.
    pub dark: bool,
    /// Whether scripts run.
    pub scripts: bool,
    /// The language that is asked for.
    pub language: &'static str,
}

impl Look {
    /// A window on a desk.
    pub const DESKTOP: Self =
        Self { size: (1280, 800), phone: false, dark: false, scripts: true, language: "en" };
    /// A phone.
    pub const PHONE: Self = Self { size: (390, 844), phone: true, ..Self::DESKTOP };

    /// The same with dark pages.
    #[must_use]
    pub const fn dark(self) -> Self {
        Self { dark: true, ..self }
    }

    /// The same in a browser that runs no scripts.
    #[must_use]
    pub const fn without_scripts(self) -> Self {
        Self { scripts: false, ..self }
    }

    /// The same for a reader of another language.
    #[must_use]
    pub const fn in_language(self, language: &'static str) -> Self {
        Self { language, ..self }
    }
}

impl Chromium {
    /// Starts chromedriver.
    ///
    /// # Errors
    /// When it is not installed or does not listen.
    pub fn start(folder: &Arc<Folder>) -> Result<Self> {
        let port = Port::take()?;
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={}", port.number()));
        // Chromium writes below the home folder even with a profile elsewhere.
        command.env("HOME", folder.sub("chromium")?).env("LC_ALL", "C.UTF-8");
        let group = Group::spawn(folder, command, &folder.path().join("chromedriver.log"))
            .context("run tests/run")?;
        wait::until("chromedriver to listen", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port.number())).ok()
        })
        .with_context(|| folder.logs())?;
        Ok(Self { folder: Arc::clone(folder), port, _group: group })
    }

    /// Opens a browser with an empty profile on pages that begin with `base`.
    ///
    /// # Errors
    /// When Chromium does not start.
    pub fn window(&self, base: &str, look: Look) -> Result<Window> {
        let driver = format!("http://127.0.0.1:{}/", self.port.number());
        let profile = tempfile::Builder::new().prefix("profile").tempdir_in(self.folder.path())?;
        let capabilities = capabilities(look, &profile.path().display().to_string());
        Window::open(&driver, capabilities, base, look, profile).with_context(|| self.folder.logs())
    }
}

/// What chromedriver is told of a new browser.
fn capabilities(look: Look, profile: &str) -> Value {
    let Look { size: (width, height), scripts, language, .. } = look;
    let arguments = [
        "--headless".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--disable-quic".to_owned(),
        "--hide-scrollbars".to_owned(),
        format!("--lang={language}"),
        format!("--window-size={width},{height}"),
        format!("--user-data-dir={profile}"),
    ];
    let scripts = if scripts { 1 } else { 2 };
    json!({
        "browserName": "chrome",
        "goog:chromeOptions": {
            "binary": "/usr/bin/chromium",
            "args": arguments,
            "prefs": {
                "intl.accept_languages": language,
                "profile.managed_default_content_settings.javascript": scripts,
                "credentials_enable_service": false,
            },
        },
    })
}
