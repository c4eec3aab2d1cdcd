//! What ends a connection.
//!
//! Everything here is the fault of the program at the other end of the socket: no mail client can
//! cause it. What a mail client can cause (bad base64, odd names, `*`) is never fatal and ends one
//! request only; see [`Rejection`](super::Rejection). `docs/protocol.md` has the table of both.
//!
//! # Security
//!
//! The texts are fit for a log: none of them holds a byte from the wire.

use super::frame::FrameError;
use crate::base::limits::{AUTH_PARAMETERS, OUTPUT_BYTES};

/// Why a connection cannot go on. It must be closed; the machine stays in this state and gives the
/// same answer for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    /// A line over the limit, or more bytes than there is room for.
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// A NUL byte stands in a line. It is always escaped on the wire.
    #[error("a line holds a NUL byte")]
    NulByte,
    /// The first line is not VERSION.
    #[error("the first line is not VERSION")]
    VersionExpected,
    /// VERSION without two numbers.
    #[error("the VERSION line is malformed")]
    VersionMalformed,
    /// Another major version.
    #[error("the peer speaks major version {0}, not 1")]
    MajorVersion(u32),
    /// The second line of a client is not CPID, or VERSION came twice.
    #[error("the handshake has a command that does not belong there")]
    HandshakeExpected,
    /// CPID without a number, or with 0.
    #[error("the CPID line is malformed or names process 0")]
    ProcessId,
    /// More handshake lines than any server has.
    #[error("the handshake does not end")]
    HandshakeTooLong,
    /// A handshake line without its value, or one that came twice.
    #[error("a handshake line is malformed or came twice")]
    HandshakeMalformed,
    /// DONE before any MECH: not a socket for authentication clients.
    #[error("the server offers no mechanism: is this an authentication client socket?")]
    NoMechanism,
    /// A command or reply that does not exist.
    #[error("unknown command")]
    UnknownCommand,
    /// A command or reply without a 32-bit decimal id, or AUTH with id 0.
    #[error("the request id is malformed")]
    RequestId,
    /// A command that lacks a part it must have.
    #[error("the command lacks its data")]
    Incomplete,
    /// A challenge from the server that is not base64.
    #[error("the server's challenge is not base64")]
    ChallengeMalformed,
    /// AUTH with neither `service=` nor `protocol=`.
    #[error("AUTH names no service")]
    ServiceMissing,
    /// More fields than the limit.
    #[error("more than {AUTH_PARAMETERS} parameters")]
    TooManyParameters,
    /// AUTH for an id that was not answered yet.
    #[error("the request id is in use")]
    DuplicateId,
    /// AUTH although twice the allowed number of requests waits.
    #[error("too many unanswered requests")]
    TooManyRequests,
    /// The peer asks and does not read the answers.
    #[error("more than {OUTPUT_BYTES} bytes of answers wait for the peer")]
    OutputFull,
}
