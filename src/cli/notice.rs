//! `mail2fa notice …`

use std::{
    fmt::Write as _,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::{Subcommand, ValueHint};
use serde::Serialize;

use super::{
    backend::Backend,
    failure::{Exit, Failure, io_exit},
    setup,
    terminal::{print, print_json},
    text::unexpected,
};
use crate::{
    decision::notice::NoticeKind,
    notice::{BUILT_IN, built_in},
    service::admin::{Request, Response},
};

/// `notice`
#[derive(Debug, Subcommand)]
pub enum NoticeCommand {
    /// Send a test notice to the owner of a mailbox, and say whether the mail server took it.
    ///
    /// It is sent as all notices are, by the running daemon, whatever kinds are switched off. The
    /// mailbox needs no second factor.
    #[command(after_help = "Example:\n  mail2fa notice test alice@example.org")]
    Test {
        /// Name.
        mailbox: String,
    },
    /// List the texts of notices with their placeholders, or write the built-in ones as files.
    ///
    /// Files that are there are left alone. Change what you like, delete the rest, and name the
    /// folder in notices.texts.
    #[command(
        after_help = "Examples:\n  mail2fa notice texts\n  mail2fa notice texts --language nl \
                      --export /etc/mail2fa/notices"
    )]
    Texts {
        /// Folder to write the texts into, with a folder for each language.
        #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
        export: Option<PathBuf>,
        /// Only this language.
        #[arg(long, value_name = "TAG")]
        language: Option<String>,
    },
}

/// Runs one of the commands. Only the test needs a configuration.
pub fn run(command: NoticeCommand, config: &Path, json: bool) -> Result<(), Failure> {
    match command {
        NoticeCommand::Test { mailbox } => {
            test(mailbox, &mut Backend::new(setup::load(config)?), json)
        }
        NoticeCommand::Texts { export, language } => {
            let languages = wanted(language.as_deref())?;
            match export {
                Some(folder) => write(&languages, &folder, json),
                None => list(&languages, json),
            }
        }
    }
}

fn test(mailbox: String, backend: &mut Backend, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Sent<'a> {
        mailbox: &'a str,
        sent: bool,
    }
    let response = backend.ask(Request::NoticeTest { mailbox })?;
    let Response::NoticeSent { mailbox } = &response else { return Err(unexpected()) };
    if json {
        return print_json(&Sent { mailbox, sent: true });
    }
    print(&format!(
        "the mail server took a test notice for {mailbox}; whether it arrives stands in its log\n"
    ))
}

fn wanted(language: Option<&str>) -> Result<Vec<&'static str>, Failure> {
    let fits = |tag: &&'static str| language.is_none_or(|wanted| wanted == *tag);
    let found: Vec<_> = BUILT_IN.into_iter().filter(fits).collect();
    if found.is_empty() {
        let message = format!("there are built-in texts in {} only", BUILT_IN.join(", "));
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(found)
}

fn list(languages: &[&str], json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Text {
        kind: &'static str,
        placeholders: Vec<&'static str>,
    }
    #[derive(Serialize)]
    struct Texts<'a> {
        languages: &'a [&'a str],
        texts: Vec<Text>,
    }
    let texts: Vec<Text> = NoticeKind::ALL
        .into_iter()
        .map(|kind| Text {
            kind: kind.as_str(),
            placeholders: kind.placeholders().iter().map(|known| known.as_str()).collect(),
        })
        .collect();
    if json {
        return print_json(&Texts { languages, texts });
    }
    let mut lines = String::new();
    for text in texts {
        let placeholders: Vec<String> =
            text.placeholders.iter().map(|word| format!("{{{word}}}")).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{:<20} {}", text.kind, placeholders.join(" "));
    }
    print(&format!("{lines}in {}\n", languages.join(", ")))
}

/// Writes the built-in texts; a file that is there stays.
fn write(languages: &[&str], folder: &Path, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Written {
        written: usize,
        left_alone: usize,
    }
    let mut done = Written { written: 0, left_alone: 0 };
    for language in languages {
        let folder = folder.join(language);
        make(&folder).map_err(|error| failed(&folder, &error))?;
        for kind in NoticeKind::ALL {
            let Some(text) = built_in(language, kind) else { continue };
            let path = folder.join(format!("{}.txt", kind.as_str()));
            match fs::File::create_new(&path) {
                Ok(mut file) => {
                    file.write_all(text.as_bytes())
                        .and_then(|()| readable(&path, 0o644))
                        .map_err(|error| failed(&path, &error))?;
                    done.written += 1;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => done.left_alone += 1,
                Err(error) => return Err(failed(&path, &error)),
            }
        }
    }
    if json {
        return print_json(&done);
    }
    let Written { written, left_alone } = done;
    print(&format!("{}: {written} texts written, {left_alone} left alone\n", folder.display()))
}

/// Makes a folder and what is missing above it; the daemon's user must read it.
fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make(parent)?;
    }
    fs::create_dir(folder)?;
    readable(folder, 0o755)
}

fn readable(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    let exit = match io_exit(error) {
        Exit::NoPermission => Exit::NoPermission,
        _ => Exit::CannotCreate,
    };
    Failure::new(exit, format!("{}: cannot be written: {error}", path.display()))
}
