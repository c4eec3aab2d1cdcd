//! OfflineIMAP, which copies all folders of a mailbox both ways, over several connections at once.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Login, lines};
use crate::answer::{Answer, Verdict};

/// Synchronises with the Maildir folders `into/mail`, over up to three connections.
///
/// # Errors
/// When OfflineIMAP cannot be started.
pub fn offlineimap(port: u16, login: Login<'_>, into: &Path) -> Result<Answer> {
    std::fs::create_dir_all(into)?;
    let settings = into.join("offlineimaprc");
    let text = format!(
        "[general]\naccounts = A\nui = basic\nmetadata = {into}/state\n\
         [Account A]\nlocalrepository = Near\nremoterepository = Far\n\
         [Repository Near]\ntype = Maildir\nlocalfolders = {into}/mail\n\
         [Repository Far]\ntype = IMAP\nremotehost = 127.0.0.1\nremoteport = {port}\n\
         ssl = no\nstarttls = no\nauth_mechanisms = PLAIN\nmaxconnections = 3\n\
         remoteuser = {}\nremotepass = {}\n",
        quoted(login.name),
        quoted(login.password),
        into = into.display(),
    );
    std::fs::write(&settings, text)?;
    std::fs::set_permissions(&settings, std::fs::Permissions::from_mode(0o600))?;
    let mut command = Command::new("offlineimap");
    command.arg("-c").arg(&settings);
    let output = lines::run(&mut command, "");
    std::fs::remove_file(&settings)?;
    let output = output?;
    let text = lines::text(&output);
    let refused = lines::last(&text, |line| line.contains("AUTHENTICATIONFAILED"));
    let not_now = lines::last(&text, |line| line.contains("[UNAVAILABLE]"));
    let done = lines::last(&text, |line| line.contains("Finished account"));
    let (verdict, said) = match (refused, not_now, done) {
        (Some(said), _, _) => (Verdict::Refused, said),
        (None, Some(said), _) => (Verdict::Unavailable, said),
        (None, None, Some(said)) if output.status.success() => (Verdict::In, said),
        (None, None, _) => (Verdict::Broken, text.lines().last().unwrap_or_default().to_owned()),
    };
    Ok(Answer::new(verdict, said, text))
}

/// A value in OfflineIMAP's configuration, in which a percent sign begins a reference.
fn quoted(text: &str) -> String {
    text.replace('%', "%%")
}
