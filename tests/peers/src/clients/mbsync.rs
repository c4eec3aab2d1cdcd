//! mbsync (isync), which logs in with IMAP's own LOGIN command and copies the INBOX.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Login, lines};
use crate::answer::{Answer, Verdict};

/// Fetches the INBOX into the folder `into`, which is made and belongs to this mailbox alone.
///
/// # Errors
/// When mbsync cannot be started.
pub fn mbsync(port: u16, login: Login<'_>, into: &Path) -> Result<Answer> {
    std::fs::create_dir_all(into)?;
    let settings = into.join("mbsyncrc");
    let mail = into.join("mail");
    std::fs::create_dir_all(&mail)?;
    let text = format!(
        "IMAPStore far\nHost 127.0.0.1\nPort {port}\nUser \"{}\"\nPass \"{}\"\nSSLType None\n\
         AuthMechs LOGIN\n\nMaildirStore near\nPath {mail}/\nInbox {mail}/INBOX\n\n\
         Channel all\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSyncState *\n",
        quoted(login.name),
        quoted(login.password),
        mail = mail.display(),
    );
    std::fs::write(&settings, text)?;
    std::fs::set_permissions(&settings, std::fs::Permissions::from_mode(0o600))?;
    let mut command = Command::new("mbsync");
    command.arg("-V").arg("-Dn").arg("-c").arg(&settings).arg("all");
    let output = lines::run(&mut command, "");
    std::fs::remove_file(&settings)?;
    let output = output?;
    let text = lines::text(&output);
    let said = lines::last(&text, |line| {
        line.contains(" NO ") || line.contains(" BAD ") || line.contains("Logged in")
    })
    .or_else(|| lines::last(&text, |line| !line.is_empty()))
    .unwrap_or_default();
    let verdict = if output.status.success() {
        Verdict::In
    } else if said.contains("[UNAVAILABLE]") {
        Verdict::Unavailable
    } else if said.contains("[AUTHENTICATIONFAILED]") {
        Verdict::Refused
    } else {
        Verdict::Broken
    };
    Ok(Answer::new(verdict, said, text))
}

/// A quoted string in mbsync's configuration.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
