//! Takes HTTP connections, over TCP or a Unix socket, with TLS or without, and hands their requests to a router.
//!
//! What the User Panel and the API share. It knows no page, no mailbox and no configuration, and it
//! answers nothing itself but what hyper answers: 400 to what is not HTTP, 431 to headers that are too many.
//!
//! # Security
//!
//! Everything comes from strangers. Connections, headers and times are bounded before a router is asked;
//! who is at the other end is told by the system, never by the request.

mod body;
mod listener;
mod server;
mod sound;
mod tls;

pub use listener::{Listener, Peer};
pub use server::Server;
pub use tls::{Identity, Tls, TlsError};
