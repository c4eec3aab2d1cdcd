//! `mail2fa init` and `mail2fa config …`

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
};

use clap::{Args, Subcommand, ValueHint};
use nix::unistd::{Uid, User, chown, geteuid};
use serde::Serialize;

use super::{
    backend::{become_user, runtime},
    failure::{Exit, Failure, io_exit},
    terminal::{print, print_json},
};
use crate::{
    config::{Config, ConfigErrors, KeySource},
    runtime::{
        compose::{self, ComposeError},
        files,
    },
    store::OpenError,
};

/// `init`
#[derive(Debug, Args)]
pub struct Init {
    /// Make the key file only.
    #[arg(long)]
    pub key_only: bool,
    /// User that the daemon runs as; key and store are made for it. Needs root.
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Username)]
    pub user: Option<String>,
}

/// `config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Name every mistake of the configuration, and of the certificates, picture and texts in it.
    Check,
    /// Print the configuration with all defaults filled in.
    Show,
}

/// Reads the configuration for a command.
pub fn load(path: &Path) -> Result<Config, Failure> {
    Config::load(path).map_err(|errors| Failure::new(Exit::Config, errors))
}

/// `config check` and `config show`.
pub fn config(command: &ConfigCommand, path: &Path, json: bool) -> Result<(), Failure> {
    match command {
        ConfigCommand::Show => print(&load(path)?.to_toml()),
        ConfigCommand::Check if json => check_json(path),
        ConfigCommand::Check => {
            check(path).map_err(|errors| Failure::new(Exit::Config, errors))?;
            print(&format!("{}: no mistakes\n", path.display()))
        }
    }
}

/// What a start would refuse: mistakes of the file, and of the texts, certificates and picture that it names.
fn check(path: &Path) -> Result<(), ConfigErrors> {
    let config = Config::load(path)?;
    compose::outfit(&config.notices)
        .map(drop)
        .and_then(|()| files::check(&config))
        .map_err(|errors| ConfigErrors { path: Some(path.into()), ..errors })
}

fn check_json(path: &Path) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Mistake<'a> {
        key: &'a str,
        line: Option<usize>,
        what: &'a str,
    }
    #[derive(Serialize)]
    struct Checked<'a> {
        ok: bool,
        mistakes: Vec<Mistake<'a>>,
    }
    match check(path) {
        Ok(()) => print_json(&Checked { ok: true, mistakes: Vec::new() }),
        Err(ConfigErrors { mistakes, path: _ }) => {
            let listed = mistakes
                .iter()
                .map(|mistake| Mistake {
                    key: &mistake.key,
                    line: mistake.line,
                    what: &mistake.what,
                })
                .collect();
            print_json(&Checked { ok: false, mistakes: listed })?;
            Err(Failure::new(Exit::Config, "the configuration has mistakes"))
        }
    }
}

/// `init`
pub fn init(options: &Init, path: &Path, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Made {
        key_made: bool,
        store_made: Option<bool>,
    }
    let config = load(path)?;
    let user = options.user.as_deref().map(service_user).transpose()?;
    let key_made = make_key(&config, user)?;
    let store_made = if options.key_only { None } else { Some(make_store(&config, user)?) };
    if json {
        return print_json(&Made { key_made, store_made });
    }
    if let KeySource::File(path) = &config.store.key {
        let done =
            if key_made { "was made; keep a copy of it, apart from the store" } else { "is there" };
        print(&format!("key    {}: {done}\n", path.display()))?;
    }
    if let Some(made) = store_made {
        let done = if made { "was made, empty" } else { "is there, and the key fits it" };
        print(&format!("store  {}: {done}\n", config.store.directory.display()))?;
    }
    Ok(())
}

fn service_user(name: &str) -> Result<Uid, Failure> {
    if !geteuid().is_root() {
        return Err(Failure::new(Exit::NoPermission, "--user needs root"));
    }
    match User::from_name(name) {
        Ok(Some(user)) => Ok(user.uid),
        Ok(None) => Err(Failure::new(Exit::NoUser, format!("there is no user {name:?}"))),
        Err(errno) => Err(Failure::new(Exit::System, format!("user {name:?}: {errno}"))),
    }
}

fn make_key(config: &Config, user: Option<Uid>) -> Result<bool, Failure> {
    let KeySource::File(path) = &config.store.key else { return Ok(false) };
    if path.exists() {
        return Ok(false);
    }
    let filled =
        fs::read_dir(&config.store.directory).is_ok_and(|mut files| files.next().is_some());
    if filled {
        let message = format!(
            "there is a store at {} and no key file {}: restore the key from its copy, a new one \
             would not open this store",
            config.store.directory.display(),
            path.display()
        );
        return Err(Failure::new(Exit::Config, message));
    }
    make_parent(path)?;
    let made = compose::create_key(config)?;
    if let Some(user) = user {
        chown(path, Some(user), None).map_err(|errno| unmade(path, &errno.into()))?;
    }
    Ok(made)
}

/// Whether the store was made; one that is there must open with the key.
fn make_store(config: &Config, user: Option<Uid>) -> Result<bool, Failure> {
    let directory = &config.store.directory;
    make_parent(directory)?;
    if let Some(user) = user {
        if !directory.exists() {
            fs::DirBuilder::new()
                .mode(0o700)
                .create(directory)
                .and_then(|()| Ok(chown(directory, Some(user), None)?))
                .map_err(|error| unmade(directory, &error))?;
        }
        become_user(user.as_raw())?;
    }
    let runtime = runtime()?;
    match runtime.block_on(compose::create_store(config)) {
        Ok(_) => Ok(true),
        Err(ComposeError::Store(OpenError::AlreadyThere { dir: _ })) => {
            match runtime.block_on(compose::open_store(config)) {
                // A running daemon has it open, and so the key fits.
                Ok(_) | Err(ComposeError::Store(OpenError::Locked { dir: _ })) => Ok(false),
                Err(error) => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes the missing directories above a path, open to all for passing through; what is inside
/// has permissions of its own.
fn make_parent(path: &Path) -> Result<(), Failure> {
    let Some(parent) = path.parent() else { return Ok(()) };
    if parent.is_dir() {
        return Ok(());
    }
    make_parent(parent)?;
    // The umask is strict; the mode is set afterwards.
    fs::create_dir(parent)
        .and_then(|()| fs::set_permissions(parent, fs::Permissions::from_mode(0o755)))
        .map_err(|error| unmade(parent, &error))
}

fn unmade(path: &Path, error: &io::Error) -> Failure {
    let exit = match io_exit(error) {
        Exit::NoPermission => Exit::NoPermission,
        _ => Exit::CannotCreate,
    };
    Failure::new(exit, format!("{}: cannot be made: {error}", path.display()))
}
