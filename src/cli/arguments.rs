//! What can be typed. The help, the man pages and the completions come from here.
//!
//! What a command takes stands in the command's own file.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueHint};
use clap_complete::Shell;

use super::{
    app_password::AppPasswordCommand,
    audit::AuditOptions,
    doctor::DoctorOptions,
    mailbox::MailboxCommand,
    notice::NoticeCommand,
    panel::PanelCommand,
    policy::PolicyCommand,
    recovery::RecoveryCommand,
    session::SessionCommand,
    setup::{ConfigCommand, Init},
    store::StoreCommand,
    token::TokenCommand,
    totp::TotpCommand,
};
use crate::config::DEFAULT_PATH;

/// Shown at the end of the help and of the man page.
const AFTER: &str = "\
Exit status (sysexits.h):
  0   done
  1   a question was answered with no
  64  the command line is wrong
  65  what was given cannot be used: a name, password, hash or code
  67  the mailbox, or what is asked of it, does not exist
  69  the daemon or the store cannot be used by this command now
  70  a bug in mail2fa
  71  the operating system refused something
  73  it exists already, or cannot be made
  74  the store is damaged or its disk is full
  75  for the moment only: try again
  77  not allowed for this user
  78  the configuration has mistakes, or does not allow this

First steps:
  mail2fa config check
  mail2fa init --user mail2fa
  mail2fa totp enable alice@example.org

Commands talk to the running daemon over its control socket. When no daemon runs they open the \
store themselves, as the user that owns it.

The environment variable MAIL2FA_CONFIG names another configuration file, as --config does.";

/// Two-factor authentication for mail logins.
///
/// mail2fa stands between the programs that ask "is this login right?" (Dovecot's login processes,
/// Postfix, Exim) and what knows the password. A mailbox with 2-factor authentication on opens
/// only with its password and the code of an authenticator app, typed as one string.
#[derive(Debug, Parser)]
#[command(name = "mail2fa", version, after_long_help = AFTER, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = false)]
pub struct Cli {
    /// Configuration file.
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        env = "MAIL2FA_CONFIG",
        hide_env_values = true,
        default_value = DEFAULT_PATH,
        value_hint = ValueHint::FilePath
    )]
    pub config: PathBuf,
    /// Print JSON, one document for each command; errors go to standard error as text.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the key and the store of a new installation.
    ///
    /// Makes the key file if there is none, then the store. A store that is there is left alone.
    /// Keep a copy of the key file apart from the copies of the store: neither is of use without
    /// the other.
    #[command(after_help = "Examples:\n  mail2fa init --user mail2fa\n  mail2fa init --key-only")]
    Init(Init),
    /// Run the daemon in the foreground.
    ///
    /// SIGTERM finishes what runs and stops; SIGHUP reads the configuration again, one with
    /// mistakes is refused and the old one stays. The unit file mail2fa.service starts it.
    Serve,
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Mailboxes and their passwords.
    ///
    /// With passwords.source = "dovecot" mail2fa has a record only of mailboxes that it was told something of
    /// (2-factor authentication, app passwords, a lock, a level of their own), and no passwords.
    #[command(subcommand)]
    Mailbox(MailboxCommand),
    /// Second factors: codes of an authenticator app.
    #[command(subcommand)]
    Totp(TotpCommand),
    /// App passwords: one for each mail program that cannot ask for a code.
    #[command(subcommand)]
    AppPassword(AppPasswordCommand),
    /// Recovery codes: for when the phone is lost.
    #[command(subcommand)]
    RecoveryCodes(RecoveryCommand),
    /// Sessions: sign-ins that still live.
    #[command(subcommand)]
    Session(SessionCommand),
    /// The User Panel: a way in for whoever must help.
    #[command(subcommand)]
    Panel(PanelCommand),
    /// Let nobody into a mailbox, whatever they know, and end its sessions.
    ///
    /// Mail still arrives. Connections that are open already stay open: they are Dovecot's (`doveadm
    /// kick`).
    Lock {
        /// Name.
        mailbox: String,
    },
    /// Let in again who has what it takes.
    Unlock {
        /// Name.
        mailbox: String,
    },
    /// Show what happened: logins and changes, oldest first.
    ///
    /// With --json each event is one line, as documented in docs/audit.md.
    #[command(
        after_help = "Examples:\n  mail2fa audit alice@example.org --since 1d\n  mail2fa audit --kind \
                      wrong_code\n  mail2fa audit --follow --json"
    )]
    Audit(AuditOptions),
    /// Enforcement: who must have a second factor, and what services may be opened with.
    ///
    /// The levels of server and domains, the rules of services and exempt networks are in the
    /// configuration. The level of a mailbox, which comes first, is set here.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Tokens of the API: what programs that bring one may do, and for which domains.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print the OpenAPI document of the API.
    Openapi,
    /// Notices: what owners are told by mail.
    #[command(subcommand)]
    Notice(NoticeCommand),
    /// Verify the store, and go on after damage.
    ///
    /// These commands work on the store itself, so the daemon must be stopped. They run as the
    /// user that owns the store. Before anything is decided keep a copy of the store's folder, and
    /// restore a backup if there is one.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Look whether everything that is needed is there, and whether the doors lead through mail2fa.
    ///
    /// Looks at sockets, upstreams, the vouching secret, the clock and the daemon, and asks doveconf,
    /// postconf and exim which programs take passwords past mail2fa. Changes nothing. Each line begins with good,
    /// look (somebody has to judge it, or it could not be seen) or bad. Exit status 0: nothing is bad.
    /// 69: something is.
    #[command(after_help = "Example:\n  mail2fa doctor")]
    Doctor(DoctorOptions),
    /// Print a completion script for a shell.
    #[command(after_help = "Example:\n  mail2fa completions bash > \
                      /usr/share/bash-completion/completions/mail2fa")]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the man page, or write all man pages into a directory.
    Man {
        /// Directory for mail2fa.1 and the pages of all commands.
        #[arg(value_hint = ValueHint::DirPath)]
        directory: Option<PathBuf>,
    },
}
