//! Handing a mail over: to a relay by SMTP, over TCP or a Unix socket, or to the sendmail program.
//!
//! No TLS and no login: the relay is on this machine. Time limits are the caller's; what is dropped
//! ends, the sendmail program too.
//!
//! # Security
//!
//! The relay's answers and what the program prints are bounded, and are shown as one line.

use std::{
    fmt, io,
    net::SocketAddr,
    path::PathBuf,
    pin::Pin,
    process::Stdio,
    task::{Context, Poll},
};

use lettre::{
    address::Envelope,
    transport::smtp::{
        client::{AsyncSmtpConnection, AsyncTokioStream},
        extension::ClientId,
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::UnixStream,
    process::Command,
};

use super::letter::Letter;
use crate::{base::limits::NOTICE_REASON_CHARACTERS, ports::BoxFuture};

/// Why a mail was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Trying again may help.
    #[error("{0}")]
    Later(String),
    /// It does not.
    #[error("{0}")]
    Never(String),
}

/// Who takes mail.
pub trait Transport: Send + Sync {
    /// Hands one over; when it returns `Ok` the other side has taken it on.
    fn send<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<(), SendError>>;
}

/// Where a relay listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relay {
    /// An address and port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// SMTP.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// Where.
    pub relay: Relay,
    /// What we call ourselves in EHLO, a domain.
    pub name: String,
}

impl Smtp {
    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let name = ClientId::Domain(self.name.clone());
        let failed = |why: &dyn fmt::Display| SendError::Later(format!("{}: {why}", self.relay));
        match &self.relay {
            Relay::Tcp(address) => {
                AsyncSmtpConnection::connect_tokio1(address, None, &name, None, None).await
            }
            Relay::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(|error| failed(&error))?;
                AsyncSmtpConnection::connect_with_transport(Box::new(Local(stream)), &name).await
            }
        }
        .map_err(|error| failed(&one_line(&error_chain(&error))))
    }
}

impl Transport for Smtp {
    fn send<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            let mut connection = self.connect().await?;
            match connection.send(&letter.envelope, &letter.bytes).await {
                Ok(_) => {
                    // The mail is taken; a relay that does not say goodbye changes nothing.
                    let _ = connection.quit().await;
                    Ok(())
                }
                Err(error) => {
                    let why = one_line(&error_chain(&error));
                    let never = error.is_permanent() || error.is_client();
                    Err(if never { SendError::Never(why) } else { SendError::Later(why) })
                }
            }
        })
    }
}

/// A Unix socket as lettre wants its streams.
#[derive(Debug)]
struct Local(UnixStream);

impl AsyncTokioStream for Local {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl AsyncRead for Local {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Local {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// The sendmail program of Postfix, Exim and others. Not lettre's own transport: that one cannot
/// say that there is no sender.
#[derive(Clone, Debug)]
pub struct Sendmail {
    /// The program.
    pub program: PathBuf,
}

impl Transport for Sendmail {
    fn send<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            let failed =
                |error: io::Error| SendError::Later(format!("{}: {error}", self.program.display()));
            let mut child = command(&self.program, &letter.envelope).spawn().map_err(failed)?;
            let (input, errors) = (child.stdin.take(), child.stderr.take());
            let said = async {
                let mut said = Vec::new();
                if let Some(errors) = errors {
                    // What is beyond the bound is not read; the program is told by a broken pipe.
                    let _ = errors.take(4_096).read_to_end(&mut said).await;
                }
                String::from_utf8_lossy(&said).into_owned()
            };
            let fed = async {
                if let Some(mut input) = input {
                    // One that does not read all of it says by its status whether it is content.
                    let _ = input.write_all(&unix_lines(&letter.bytes)).await;
                    let _ = input.shutdown().await;
                }
            };
            let ((), said, status) = tokio::join!(fed, said, child.wait());
            let status = status.map_err(failed)?;
            if status.success() {
                return Ok(());
            }
            let why = format!("{} ended with {status}: {said}", self.program.display());
            Err(SendError::Later(one_line(&why)))
        })
    }
}

/// The arguments that all of them know. `--` ends the options, so that no address is one.
fn command(program: &PathBuf, envelope: &Envelope) -> Command {
    let mut command = Command::new(program);
    let sender = envelope.from().map(ToString::to_string).unwrap_or_default();
    command.arg("-i").arg("-f").arg(sender).arg("--");
    command.args(envelope.to().iter().map(ToString::to_string));
    command.env_clear().current_dir("/").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Programs are given lines as text files have them.
fn unix_lines(bytes: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if !(byte == b'\r' && rest.peek() == Some(&b'\n')) {
            lines.push(byte);
        }
    }
    lines
}

/// An error with what caused it.
fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}

/// Bounded, and without line ends and other controls.
pub(super) fn one_line(text: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().take(NOTICE_REASON_CHARACTERS).map(visible).collect()
}
