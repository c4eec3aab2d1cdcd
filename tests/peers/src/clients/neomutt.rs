//! NeoMutt, a mail program of the terminal, with the keys that a person would press.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Login, lines};

/// The most that all the keys of one run may take, seconds.
const PATIENCE_SECONDS: &str = "60";

/// Where NeoMutt reads and sends mail.
#[derive(Clone, Copy, Debug)]
pub struct Neomutt<'a> {
    /// The IMAP port.
    pub imap: u16,
    /// The port with SMTP AUTH.
    pub smtp: u16,
    /// A folder for its settings.
    pub folder: &'a Path,
}

impl Neomutt<'_> {
    /// Opens the inbox in a terminal, presses `keys` in NeoMutt's notation and quits. Gives what was
    /// on the screen, which also has an error that came in between.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn press(self, login: Login<'_>, keys: &str) -> Result<String> {
        std::fs::create_dir_all(self.folder)?;
        let settings = self.folder.join("neomuttrc");
        std::fs::write(&settings, self.settings(login))?;
        std::fs::set_permissions(&settings, std::fs::Permissions::from_mode(0o600))?;
        let script = self.folder.join("editor");
        std::fs::write(&script, "#!/bin/sh\necho written in the editor >>\"$1\"\n")?;
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700))?;
        let line = format!("neomutt -n -F {} -e 'push \"{keys}<quit>\"'", settings.display());
        let mut command = Command::new("timeout");
        command.args([PATIENCE_SECONDS, "script", "--quiet", "--return", "--command", &line]);
        command.arg("/dev/null").env("TERM", "xterm").env("HOME", self.folder);
        let output = lines::run(&mut command, "");
        std::fs::remove_file(&settings)?;
        Ok(lines::text(&output?))
    }

    fn settings(self, login: Login<'_>) -> String {
        let Self { imap, smtp, folder } = self;
        let (name, password, folder) = (login.name, login.password, folder.display());
        format!(
            "set folder=\"imap://127.0.0.1:{imap}/\"\n\
             set imap_user=\"{name}\"\n\
             set imap_pass=\"{password}\"\n\
             set imap_authenticators=\"plain\"\n\
             set smtp_url=\"smtp://{name}@127.0.0.1:{smtp}/\"\n\
             set smtp_pass=\"{password}\"\n\
             set smtp_authenticators=\"plain\"\n\
             set ssl_starttls=no\n\
             set ssl_force_tls=no\n\
             set spool_file=\"+INBOX\"\n\
             set record=\"+Sent\"\n\
             set postponed=\"+Drafts\"\n\
             mailboxes +INBOX +Work\n\
             set from=\"{name}\"\n\
             set editor=\"{folder}/editor\"\n\
             set postpone=yes\nset recall=no\nset abort_nosubject=no\nset abort_unmodified=no\n\
             set confirmappend=no\nset delete=yes\nset quit=yes\nset wait_key=no\nset sleep_time=0\n"
        )
    }
}
