//! The User Panel of a stand, and browsers at it.

use std::fmt::Write as _;

use anyhow::Result;

use crate::chromium::{Chromium, Look, Window};
use crate::port::Port;
use crate::stand::Stand;

/// A panel on a loopback port and the Chromium that visits it.
#[derive(Debug)]
pub struct Panel {
    chromium: Chromium,
    port: Port,
}

impl Panel {
    /// Puts a section `[panel]` and `more` into mail2fa's configuration, and starts it again.
    ///
    /// # Errors
    /// When mail2fa or chromedriver does not start.
    pub fn open(stand: &mut Stand, more: &str) -> Result<Self> {
        let chromium = Chromium::start(&stand.folder)?;
        let port = Port::take()?;
        let mail2fa = stand.mail2fa_mut();
        mail2fa.stop();
        let mut text = std::fs::read_to_string(mail2fa.config_file())?;
        write!(
            text,
            "\n[panel]\nlisten = \"127.0.0.1:{}\"\nbase_path = \"/2fa\"\nhttps = false\n\
             name = \"Example Mail\"\n{more}\n",
            port.number()
        )?;
        std::fs::write(mail2fa.config_file(), text)?;
        mail2fa.start_again()?;
        Ok(Self { chromium, port })
    }

    /// Where its pages begin.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}/2fa/", self.port.number())
    }

    /// A new browser, not at any page yet.
    ///
    /// # Errors
    /// When Chromium does not start.
    pub fn window(&self, look: Look) -> Result<Window> {
        self.chromium.window(&self.base(), look)
    }
}
