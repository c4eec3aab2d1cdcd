//! How a command ends when it does not succeed: a message that says what to do, and an exit code
//! of sysexits.h.

use std::{fmt::Display, io};

use crate::{
    api::client::ClientError,
    ports::store::StoreError,
    runtime::{PanelError, ServeError, api::ApiError, compose::ComposeError, opened::PlaceError},
    service::admin::AdminError,
    store::{KeyringError, OpenError},
};

/// Exit codes of sysexits.h that are used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The command line is wrong.
    Usage = 64,
    /// What was given cannot be used.
    Data = 65,
    /// It does not exist.
    NoUser = 67,
    /// Something needed is not there.
    Unavailable = 69,
    /// A bug.
    Software = 70,
    /// The operating system.
    System = 71,
    /// It exists already, or cannot be made.
    CannotCreate = 73,
    /// Reading or writing failed.
    Io = 74,
    /// Try again.
    Temporary = 75,
    /// Not allowed.
    NoPermission = 77,
    /// The configuration.
    Config = 78,
}

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// To be told.
    #[error("{message}")]
    Told {
        /// The exit code.
        exit: Exit,
        /// What happened and what to do.
        message: String,
    },
    /// An administrator's request was not done.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// Somebody was asked and said no.
    #[error("nothing was changed")]
    Declined,
    /// The reader of standard output has gone (`| head`): nothing to say, nothing wrong.
    #[error("the reader has gone")]
    ReaderGone,
}

impl Failure {
    /// A message with its code.
    pub fn new(exit: Exit, message: impl Display) -> Self {
        Self::Told { exit, message: message.to_string() }
    }

    /// The exit code, and what goes to standard error.
    pub fn end(&self) -> (u8, Option<String>) {
        match self {
            Self::Told { exit, message } => (*exit as u8, Some(format!("mail2fa: {message}"))),
            Self::Admin(error) => (admin(error) as u8, Some(format!("mail2fa: {error}"))),
            Self::Declined => (1, Some(self.to_string())),
            Self::ReaderGone => (0, None),
        }
    }

    /// Standard output cannot be written.
    pub fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::new(Exit::Io, format!("cannot write the output: {error}")),
        }
    }
}

fn admin(error: &AdminError) -> Exit {
    match error {
        AdminError::BadName { .. }
        | AdminError::BadPassword { .. }
        | AdminError::BadCode
        | AdminError::BadNumber { .. }
        | AdminError::SameName { .. }
        | AdminError::WrongCode { .. }
        | AdminError::BadAppPassword { .. }
        | AdminError::BadAppPasswordId
        | AdminError::BadKind
        | AdminError::BadCursor
        | AdminError::BadToken { .. }
        | AdminError::EnrolmentDropped { .. } => Exit::Data,
        AdminError::NoMailbox { .. }
        | AdminError::NoRecord { .. }
        | AdminError::AlreadyOff { .. }
        | AdminError::NoEnrolment { .. }
        | AdminError::NoAppPassword { .. }
        | AdminError::NoSession { .. }
        | AdminError::NoToken
        | AdminError::NotLocked { .. } => Exit::NoUser,
        AdminError::Exists { .. }
        | AdminError::AlreadyOn { .. }
        | AdminError::AlreadyLocked { .. }
        | AdminError::TokenExists { .. }
        | AdminError::TooManyTokens { .. }
        | AdminError::TooManyAppPasswords { .. } => Exit::CannotCreate,
        AdminError::NotOurPasswords | AdminError::EnrolmentOff { .. } => Exit::Config,
        AdminError::NoScope { .. } | AdminError::OutOfReach => Exit::NoPermission,
        AdminError::NoticeNotSent { .. } => Exit::Unavailable,
        AdminError::Busy | AdminError::Unavailable { .. } | AdminError::Ambiguous { .. } => {
            Exit::Temporary
        }
        AdminError::Storage { .. } => Exit::Io,
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match error {
            ClientError::Admin(error) => return error.into(),
            ClientError::NotAllowed(_) => Exit::NoPermission,
            ClientError::NoDaemon(_) | ClientError::Refused(_) | ClientError::Io { .. } => {
                Exit::Unavailable
            }
            ClientError::Lost(_) | ClientError::Failed(_) => Exit::Temporary,
        };
        Self::new(exit, error)
    }
}

impl From<ComposeError> for Failure {
    fn from(error: ComposeError) -> Self {
        let exit = compose(&error);
        match &error {
            ComposeError::Key(KeyringError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                let hint = "if this is a new installation run `mail2fa init`";
                Self::new(exit, format!("{error}: {hint}"))
            }
            _ => Self::new(exit, error),
        }
    }
}

fn compose(error: &ComposeError) -> Exit {
    match error {
        ComposeError::Store(error) => open(error),
        ComposeError::Key(error) => key(error),
        ComposeError::Clock(_) | ComposeError::Random(_) => Exit::System,
        ComposeError::Hashing(_)
        | ComposeError::NoPanelPasswords
        | ComposeError::NoCredential(_)
        | ComposeError::Vouch { path: _, why: _ } => Exit::Config,
    }
}

fn place(error: &PlaceError) -> Exit {
    match error {
        PlaceError::Listen(_) => Exit::CannotCreate,
        PlaceError::Tls(_) | PlaceError::TlsOverUnix | PlaceError::InClear(_) => Exit::Config,
    }
}

fn key(error: &KeyringError) -> Exit {
    match error {
        KeyringError::Io { source, .. } => io_exit(source),
        KeyringError::AlreadyThere { .. } => Exit::CannotCreate,
        KeyringError::Mode { .. } | KeyringError::Line { .. } | KeyringError::Count { .. } => {
            Exit::Config
        }
        KeyringError::Random(_) => Exit::System,
    }
}

fn open(error: &OpenError) -> Exit {
    match error {
        OpenError::NoStore { .. } | OpenError::Locked { .. } => Exit::Unavailable,
        OpenError::AlreadyThere { .. } => Exit::CannotCreate,
        OpenError::Owner { .. } => Exit::NoPermission,
        OpenError::Mode { .. } | OpenError::WrongKey(_) | OpenError::Newer { .. } => Exit::Config,
        OpenError::Io { source, .. } => io_exit(source),
        OpenError::Damaged { .. } | OpenError::Meta(_) => Exit::Io,
        OpenError::Keyring(error) => key(error),
        OpenError::Store(error) => store(error),
        OpenError::Random(_) => Exit::System,
    }
}

fn store(error: &StoreError) -> Exit {
    match error {
        StoreError::Unavailable(_) | StoreError::Ambiguous(_) => Exit::Temporary,
        StoreError::Damaged(_) | StoreError::Full(_) | StoreError::TooLarge(_) => Exit::Io,
    }
}

/// The code for what a file system said.
pub fn io_exit(error: &io::Error) -> Exit {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Exit::NoPermission,
        io::ErrorKind::NotFound => Exit::Unavailable,
        _ => Exit::Io,
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        let exit = match error {
            ServeError::Compose(error) => return error.into(),
            ServeError::Config(_)
            | ServeError::Unreachable { .. }
            | ServeError::Panel(PanelError::Logo { .. } | PanelError::Texts(_)) => Exit::Config,
            ServeError::Api(ApiError::Place(ref error))
            | ServeError::Panel(PanelError::Place(ref error)) => place(error),
            ServeError::Listen(_) | ServeError::Api(ApiError::Control(_)) => Exit::CannotCreate,
            ServeError::System { .. } => Exit::System,
            ServeError::StoreFailed(_) => Exit::Io,
        };
        Self::new(exit, error)
    }
}
