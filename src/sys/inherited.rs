//! Listening sockets that systemd opened for us (`LISTEN_FDS`, sd_listen_fds(3)).
//!
//! They are used in place of sockets of the same name in the configuration
//! (`FileDescriptorName=`). This file has the only `unsafe` of the program: a file descriptor
//! number from the environment becomes an owned descriptor.
//!
//! # Security
//!
//! The environment is the service manager's. Each descriptor is still checked to be a listening
//! stream socket, of Unix or TCP, before anything is read from it.

use std::{
    io,
    net::TcpListener,
    os::{
        fd::{FromRawFd, OwnedFd, RawFd},
        unix::net::UnixListener,
    },
    sync::atomic::{AtomicBool, Ordering},
};

use nix::sys::socket::{
    AddressFamily, SockType, SockaddrLike, SockaddrStorage, getsockname, getsockopt, sockopt,
};

/// Why an inherited socket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InheritError {
    /// The variables contradict each other or the descriptors are not open.
    #[error("LISTEN_FDS: {0}")]
    Environment(io::Error),
    /// Not a listening stream socket.
    #[error(
        "the socket {0:?} handed over by the service manager is not a listening stream socket (ListenStream=)"
    )]
    WrongKind(String),
    /// Not one of Unix, for what is never spoken over a network.
    #[error(
        "the socket {0:?} handed over by the service manager is not a Unix socket (ListenStream= with a path)"
    )]
    NotUnix(String),
}

/// A listening socket that was handed over, non-blocking.
#[derive(Debug)]
pub enum Inherited {
    /// `ListenStream=` with a path.
    Unix(UnixListener),
    /// `ListenStream=` with a port, or an address and a port.
    Tcp(TcpListener),
}

static TAKEN: AtomicBool = AtomicBool::new(false);

/// The inherited sockets with their names, non-blocking, in the service manager's order. Empty
/// without socket activation, and on every call after the first: the sockets have an owner then.
pub fn take() -> Result<Vec<(String, Inherited)>, InheritError> {
    if TAKEN.swap(true, Ordering::SeqCst) {
        return Ok(Vec::new());
    }
    let descriptors: Vec<_> =
        sd_notify::listen_fds_with_names().map_err(InheritError::Environment)?.collect();
    descriptors.into_iter().map(|(number, name)| listener(own(number), name)).collect()
}

#[expect(unsafe_code, reason = "sd_listen_fds(3) hands descriptors over as numbers")]
fn own(number: RawFd) -> OwnedFd {
    // SAFETY: the number lies in the range that LISTEN_FDS gives to this very process
    // (LISTEN_PID was compared), sd-notify has just set FD_CLOEXEC on it, so it is open, and
    // `TAKEN` sees to it that nobody owns it twice.
    unsafe { OwnedFd::from_raw_fd(number) }
}

fn listener(socket: OwnedFd, name: String) -> Result<(String, Inherited), InheritError> {
    use std::os::fd::AsRawFd;
    let stream = getsockopt(&socket, sockopt::SockType) == Ok(SockType::Stream);
    let listening = getsockopt(&socket, sockopt::AcceptConn) == Ok(true);
    let family = getsockname::<SockaddrStorage>(socket.as_raw_fd())
        .ok()
        .and_then(|address| address.family())
        .filter(|_| stream && listening);
    let environment = InheritError::Environment;
    let socket = match family {
        Some(AddressFamily::Unix) => {
            let listener = UnixListener::from(socket);
            listener.set_nonblocking(true).map_err(environment)?;
            Inherited::Unix(listener)
        }
        Some(AddressFamily::Inet | AddressFamily::Inet6) => {
            let listener = TcpListener::from(socket);
            listener.set_nonblocking(true).map_err(environment)?;
            Inherited::Tcp(listener)
        }
        _ => return Err(InheritError::WrongKind(name)),
    };
    Ok((name, socket))
}
