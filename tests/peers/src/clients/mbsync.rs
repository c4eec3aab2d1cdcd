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
    let mail = into.join("mail");
    std::fs::create_dir_all(&mail)?;
    let channel = "Channel all\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSyncState *\n";
    run(&format!("{}{}{channel}", store("far", port, login), near(&mail)), into)
}

/// Synchronises all folders with the Maildir folders `into/mail`, both ways, over two channels that
/// have a connection each.
///
/// # Errors
/// When mbsync cannot be started.
pub fn mbsync_channels(port: u16, login: Login<'_>, into: &Path) -> Result<Answer> {
    let mail = into.join("mail");
    std::fs::create_dir_all(&mail)?;
    let channels = "Channel inbox\nFar :one:\nNear :near:\nPatterns INBOX\nCreate Both\n\
         SyncState *\n\n\
         Channel others\nFar :two:\nNear :near:\nPatterns * !INBOX\nCreate Both\n\
         SyncState *\n\nGroup all\nChannels inbox others\n";
    let (one, two) = (store("one", port, login), store("two", port, login));
    run(&format!("{one}{two}{}{channels}", near(&mail)), into)
}

fn store(name: &str, port: u16, login: Login<'_>) -> String {
    format!(
        "IMAPStore {name}\nHost 127.0.0.1\nPort {port}\nUser \"{}\"\nPass \"{}\"\n\
         SSLType None\nAuthMechs LOGIN\n\n",
        quoted(login.name),
        quoted(login.password),
    )
}

fn near(mail: &Path) -> String {
    let mail = mail.display();
    format!("MaildirStore near\nPath {mail}/\nInbox {mail}/INBOX\nSubFolders Verbatim\n\n")
}

/// Runs the channel or group `all`.
fn run(text: &str, into: &Path) -> Result<Answer> {
    let settings = into.join("mbsyncrc");
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
