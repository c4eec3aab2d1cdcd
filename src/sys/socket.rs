//! Creates listening Unix sockets, and says who is at the other end of a connection.
//!
//! It does not accept, and it does not remove what it did not make: a file that is no socket and a
//! socket that somebody listens on both stop the start with a message.
//!
//! # Security
//!
//! A socket must never be open to more than its configured owner, group and mode, not even between
//! `bind` and `chmod`. So it is made inside a fresh directory that only this process can enter,
//! given its owner and mode there, and then renamed to its place, which also replaces a stale
//! socket in one step. (A bound socket belongs to its inode; its name may change.)
//!
//! The place may lie in a directory that belongs to somebody else, who could exchange ours for
//! one of their own meanwhile: so owner and mode are given through the directory's descriptor,
//! never by a path, and no link is followed.

use std::{
    fs,
    io::{self, ErrorKind},
    os::{
        fd::{AsFd, AsRawFd},
        unix::{
            fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt},
            net::UnixListener,
        },
    },
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags, OFlag, renameat},
    sys::{
        socket::{
            AddressFamily, Backlog, SockFlag, SockType, UnixAddr, connect, getsockopt, listen,
            socket, sockopt,
        },
        stat::{FchmodatFlags, Mode, fchmodat},
    },
    unistd::{Gid, Uid, fchownat, geteuid},
};

use crate::base::{
    PeerCredentials,
    limits::{LISTEN_BACKLOG, SOCKET_PATH_BYTES},
};

/// The socket's name in the temporary directory.
const NAME: &str = "s";

/// The bits of a mode that say who may do what.
const PERMISSIONS: u32 = 0o777;

/// Names tried for the temporary directory before giving up.
const ATTEMPTS: u32 = 100;

/// Who may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Owning user id; `None` leaves the process's own.
    pub owner: Option<u32>,
    /// Owning group id; `None` leaves the process's own.
    pub group: Option<u32>,
    /// Permission bits; connecting needs write permission.
    pub mode: u32,
}

/// Why there is no listening socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody accepts connections there.
    #[error("{0}: another process listens on this socket; stop it, or choose another path")]
    Live(PathBuf),
    /// Something that is not a stream socket is in the way.
    #[error("{0}: a file that is not a stream socket is in the way; it is left alone, move it")]
    NotASocket(PathBuf),
    /// The directory does not exist, or is none.
    #[error(
        "{0}: this directory does not exist; create it, or with systemd let a .socket unit open this socket"
    )]
    NoDirectory(PathBuf),
    /// Longer than a socket address holds.
    #[error("{0}: longer than the {SOCKET_PATH_BYTES} bytes that a socket path can have")]
    PathTooLong(PathBuf),
    /// The owner or group cannot be given.
    #[error(
        "{path}: cannot give the socket its owner and group: {source} (only root can give it to another user)"
    )]
    Owner {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else.
    #[error("{path}: cannot {what}: {source}")]
    Io {
        /// The socket.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// Makes a listening, non-blocking stream socket at `path`, replacing a stale one.
///
/// # Errors
///
/// See [`BindError`]; on an error nothing is left behind.
pub fn bind(path: &Path, access: &Access) -> Result<UnixListener, BindError> {
    if path.as_os_str().len() > SOCKET_PATH_BYTES {
        return Err(BindError::PathTooLong(path.into()));
    }
    let parent = parent_of(path);
    if !parent.is_dir() {
        return Err(BindError::NoDirectory(parent.into()));
    }
    match state(path).map_err(|source| io_error(path, "look at what is there", source))? {
        PathState::Free | PathState::Stale => {}
        PathState::Live => return Err(BindError::Live(path.into())),
        PathState::Foreign => return Err(BindError::NotASocket(path.into())),
    }
    let nursery =
        Nursery::new(parent).map_err(|source| io_error(path, "write to its directory", source))?;
    let listener = listen_at(&nursery, path)?;
    nursery.hand_over(path, access)?;
    Ok(listener)
}

/// Removes a socket that nobody listens on any more; anything else is left alone. For the end of
/// the process, after its own listener is closed.
pub fn sweep(path: &Path) {
    if matches!(state(path), Ok(PathState::Stale)) {
        // A leftover does no harm: the next start replaces it.
        let _ = fs::remove_file(path);
    }
}

/// The process that connected, from `SO_PEERCRED`.
pub fn peer_credentials(connection: &impl AsFd) -> io::Result<PeerCredentials> {
    let peer = getsockopt(connection, sockopt::PeerCredentials)?;
    Ok(PeerCredentials { pid: peer.pid(), uid: peer.uid(), gid: peer.gid() })
}

fn listen_at(nursery: &Nursery, path: &Path) -> Result<UnixListener, BindError> {
    let listener = nursery.bind().map_err(|source| io_error(path, "bind", source))?;
    // Permission bits count from here on only for those who can enter the directory: nobody.
    let backlog = i32::try_from(LISTEN_BACKLOG)
        .map_or(Backlog::MAXCONN, |length| Backlog::new(length).unwrap_or(Backlog::MAXCONN));
    listen(&listener, backlog).map_err(|errno| io_error(path, "listen", errno.into()))?;
    listener
        .set_nonblocking(true)
        .map_err(|source| io_error(path, "make it non-blocking", source))?;
    Ok(listener)
}

fn io_error(path: &Path, what: &'static str, source: io::Error) -> BindError {
    BindError::Io { path: path.into(), what, source }
}

fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What stands at a path before we bind there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PathState {
    Free,
    Stale,
    Live,
    Foreign,
}

fn state(path: &Path) -> io::Result<PathState> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(PathState::Free),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        return Ok(PathState::Foreign);
    }
    // Non-blocking: a live listener whose queue is full must not hang our start.
    let probe = socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        None,
    )?;
    match connect(probe.as_raw_fd(), &UnixAddr::new(path)?) {
        Ok(()) | Err(Errno::EAGAIN) => Ok(PathState::Live),
        Err(Errno::ECONNREFUSED) => Ok(PathState::Stale),
        Err(Errno::ENOENT) => Ok(PathState::Free),
        Err(Errno::EPROTOTYPE) => Ok(PathState::Foreign),
        Err(errno) => Err(errno.into()),
    }
}

/// A directory that nobody else can enter, beside the socket's place; removed when dropped.
struct Nursery {
    path: PathBuf,
    directory: fs::File,
}

impl Nursery {
    fn new(parent: &Path) -> io::Result<Self> {
        let mut last = io::Error::from(ErrorKind::AlreadyExists);
        for attempt in 0..ATTEMPTS {
            let path = parent.join(format!(".m2fa-{}-{attempt}", std::process::id()));
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Self::open(path),
                // Left by a crashed process that had our pid, or ours in another thread.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Holds on to the directory that was made. One that somebody put in its place is another's,
    /// or open to others.
    fn open(path: PathBuf) -> io::Result<Self> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
        let directory = fs::OpenOptions::new().read(true).custom_flags(flags.bits()).open(&path)?;
        let metadata = directory.metadata()?;
        let private = metadata.mode() & PERMISSIONS == 0o700;
        let ours = metadata.uid() == geteuid().as_raw();
        if private && ours {
            Ok(Self { path, directory })
        } else {
            Err(ErrorKind::PermissionDenied.into())
        }
    }

    fn socket(&self) -> PathBuf {
        self.path.join(NAME)
    }

    /// Gives the socket its owner and mode, and moves it to its place.
    fn hand_over(&self, path: &Path, access: &Access) -> Result<(), BindError> {
        let (owner, group) = (access.owner.map(Uid::from_raw), access.group.map(Gid::from_raw));
        fchownat(&self.directory, NAME, owner, group, AtFlags::AT_SYMLINK_NOFOLLOW)
            .map_err(|errno| BindError::Owner { path: path.into(), source: errno.into() })?;
        let mode = Mode::from_bits_truncate(access.mode);
        fchmodat(&self.directory, NAME, mode, FchmodatFlags::FollowSymlink)
            .map_err(|errno| io_error(path, "set its mode", errno.into()))?;
        renameat(&self.directory, NAME, AT_FDCWD, path)
            .map_err(|errno| io_error(path, "move it into place", errno.into()))
    }

    fn bind(&self) -> io::Result<UnixListener> {
        let socket = self.socket();
        if socket.as_os_str().len() <= SOCKET_PATH_BYTES {
            return UnixListener::bind(socket);
        }
        // The final path fits an address and this one does not: reach it through its directory.
        UnixListener::bind(format!("/proc/self/fd/{}/{NAME}", self.directory.as_raw_fd()))
    }
}

impl Drop for Nursery {
    fn drop(&mut self) {
        // The socket is still inside only if something failed after bind.
        let _ = fs::remove_file(self.socket());
        let _ = fs::remove_dir(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_directory_exchanged_for_another_gives_no_foreign_file_away() {
        let folder = tempfile::tempdir().unwrap();
        let precious = folder.path().join("precious");
        fs::write(&precious, "x").unwrap();
        fs::set_permissions(&precious, fs::Permissions::from_mode(0o600)).unwrap();
        let (nursery, path) = (Nursery::new(folder.path()).unwrap(), folder.path().join("socket"));
        let _listener = nursery.bind().unwrap();
        // What the owner of the folder could do between two steps of ours.
        fs::rename(&nursery.path, folder.path().join("aside")).unwrap();
        fs::create_dir(&nursery.path).unwrap();
        symlink(&precious, nursery.socket()).unwrap();
        nursery.hand_over(&path, &Access { owner: None, group: None, mode: 0o666 }).unwrap();
        assert_eq!(fs::metadata(&precious).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::symlink_metadata(&path).unwrap().file_type().is_socket());
    }

    #[test]
    fn a_directory_that_others_may_enter_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("open");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(Nursery::open(path.clone()).is_err());
        let link = folder.path().join("link");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        symlink(&path, &link).unwrap();
        assert!(Nursery::open(link).is_err());
        assert!(Nursery::open(path).is_ok());
    }
}
