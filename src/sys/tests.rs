//! Sockets on a real file system: modes, stale ones, live ones, inherited ones.

use std::{
    fs,
    io::{Read, Write},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::{UnixDatagram, UnixListener, UnixStream},
    },
    path::Path,
};

use super::socket::{Access, BindError, bind, peer_credentials, sweep};

const PRIVATE: Access = Access { owner: None, group: None, mode: 0o600 };

fn entries(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

#[test]
fn a_fresh_socket_has_its_mode_and_can_be_reached() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("login");
    let listener = bind(&path, &Access { mode: 0o620, ..PRIVATE }).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o620);
    assert_eq!(entries(directory.path()), 1, "no temporary directory is left");
    let mut client = UnixStream::connect(&path).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    client.write_all(b"x").unwrap();
    let mut byte = [0];
    server.set_nonblocking(false).unwrap();
    server.read_exact(&mut byte).unwrap();
    let peer = peer_credentials(&server).unwrap();
    assert_eq!(peer.pid.cast_unsigned(), std::process::id());
}

#[test]
fn owner_and_group_are_given() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: needs root");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("client");
    let _listener =
        bind(&path, &Access { owner: Some(12_345), group: Some(54_321), mode: 0o660 }).unwrap();
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (12_345, 54_321));
}

#[test]
fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    drop(UnixListener::bind(&path).unwrap());
    let listener = bind(&path, &PRIVATE).unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    assert!(matches!(bind(&path, &PRIVATE), Err(BindError::Live(_))));
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
    sweep(&path);
    assert!(path.exists(), "a live socket is not swept away");
    drop(listener);
    sweep(&path);
    assert!(!path.exists());
}

#[test]
fn a_live_socket_with_a_full_queue_is_live() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::new(1).unwrap()).unwrap();
    let _queued: Vec<_> = (0..2).map(|_| UnixStream::connect(&path).unwrap()).collect();
    assert!(matches!(bind(&path, &PRIVATE), Err(BindError::Live(_))));
}

#[test]
fn what_is_no_stream_socket_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "precious").unwrap();
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let datagram = directory.path().join("datagram");
    let _keep = UnixDatagram::bind(&datagram).unwrap();
    let before = entries(directory.path());
    for path in [&file, &link, &datagram] {
        assert!(matches!(bind(path, &PRIVATE), Err(BindError::NotASocket(_))), "{path:?}");
        sweep(path);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert_eq!(entries(directory.path()), before);
}

#[test]
fn missing_directories_and_long_paths_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing/s");
    let error = bind(&missing, &PRIVATE).unwrap_err();
    assert!(matches!(error, BindError::NoDirectory(_)), "{error}");
    let long = directory.path().join("x".repeat(108));
    assert!(matches!(bind(&long, &PRIVATE), Err(BindError::PathTooLong(_))));
}

#[test]
fn the_longest_path_works() {
    let directory = tempfile::tempdir().unwrap();
    let parent = directory.path().join("d".repeat(103 - directory.path().as_os_str().len()));
    fs::create_dir(&parent).unwrap();
    let path = parent.join("abc");
    assert_eq!(path.as_os_str().len(), crate::base::limits::SOCKET_PATH_BYTES + 1);
    assert!(matches!(bind(&path, &PRIVATE), Err(BindError::PathTooLong(_))));
    let path = parent.join("ab");
    assert_eq!(path.as_os_str().len(), crate::base::limits::SOCKET_PATH_BYTES);
    let _listener = bind(&path, &PRIVATE).unwrap();
    UnixStream::connect(&path).unwrap();
    assert_eq!(entries(&parent), 1);
}
