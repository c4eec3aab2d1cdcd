//! The control socket: how the command line talks to the running daemon.
//!
//! One line of JSON each way, one request for each connection:
//!
//! ```text
//! -> {"version":1,"ask":{"do":"totp_status","mailbox":"alice@example.org"}}
//! <- {"version":1,"ok":{"answer":"totp","mailbox":"alice@example.org","enabled":false,…}}
//! <- {"version":1,"error":{"error":"no_mailbox","mailbox":"alice@example.org"}}
//! ```
//!
//! This is not an interface for others: both ends are the same program, and a command and a
//! daemon of different versions say so instead of guessing.
//!
//! # Security
//!
//! Whoever may speak here may switch second factors off. The socket is open to its owner only,
//! and on top of that each peer must be root or the daemon's own user (`SO_PEERCRED`). Lines, the
//! number of connections and the time of both are bounded.

pub mod client;
pub mod server;

use serde::{Deserialize, Serialize};

use crate::service::admin::{AdminError, Request, Response};

/// Version of the form of requests and answers.
const VERSION: u32 = 1;

/// A request on the wire.
#[derive(Debug, Serialize, Deserialize)]
struct Envelope {
    version: u32,
    ask: serde_json::Value,
}

/// An answer on the wire.
#[derive(Debug, Serialize, Deserialize)]
struct Reply {
    version: u32,
    #[serde(flatten)]
    outcome: Outcome,
}

/// What became of a request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// It was done.
    Ok(Response),
    /// It was understood and not done.
    Error(AdminError),
    /// It was not even looked at; the reason, for a person.
    Refused(String),
}

/// Reads the request out of a line; the error is what the peer is told.
fn read_request(line: &[u8]) -> Result<Request, String> {
    let envelope: Envelope =
        serde_json::from_slice(line).map_err(|_| "this is not a request".to_owned())?;
    if envelope.version != VERSION {
        return Err(other_version(envelope.version));
    }
    // The text of a serde error may quote the request, and so a password.
    serde_json::from_value(envelope.ask)
        .map_err(|_| "the daemon does not know this request; is it of another version?".to_owned())
}

fn other_version(theirs: u32) -> String {
    format!(
        "the daemon speaks version {VERSION} of the control protocol and the command version \
         {theirs}: restart the daemon after an upgrade"
    )
}
