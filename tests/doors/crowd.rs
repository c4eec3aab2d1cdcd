//! Ten thousand connections that say nothing: each costs little, and logins go on beside them.
//!
//! The door is a process of its own, so that its memory can be read and each side has its descriptors to
//! itself.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::{
    login,
    support::{
        BOB, BOB_PASSWORD,
        peer::HELLO,
        process::{Other, resident_bytes, tell},
        stand::{Kind, Stand},
    },
};

const CROWD: u64 = 10_000;
/// Descriptors for everything else.
const RESERVE: u64 = 500;
/// What one connection may add to the memory of the process, bytes. Its read buffer is 4096 of them.
const CLIENT_BYTES: usize = 16_384;
/// Three descriptors each: the door's, its link's, and the upstream's, which is in the same process.
const LOGIN_CROWD: usize = 4_000;
/// The same of a `login` connection, its link, and what the upstream of the test needs.
const LOGIN_BYTES: usize = 49_152;

/// As many descriptors as the machine gives; how many there are.
fn raise_limit() -> u64 {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    // Only root may raise the hard limit.
    let wanted = hard.max(CROWD + RESERVE);
    let given =
        if setrlimit(Resource::RLIMIT_NOFILE, wanted, wanted).is_ok() { wanted } else { hard };
    setrlimit(Resource::RLIMIT_NOFILE, given, given.max(hard)).unwrap();
    given
}

fn handshake(path: &PathBuf) -> UnixStream {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(HELLO.as_bytes()).unwrap();
    let mut greeting = Vec::new();
    let mut byte = [0; 64];
    while !greeting.ends_with(b"DONE\n") {
        let count = stream.read(&mut byte).unwrap();
        assert!(count > 0, "closed");
        greeting.extend_from_slice(&byte[..count]);
    }
    stream
}

fn bob_logs_in(stream: &mut UnixStream) {
    stream.write_all(login(1, BOB, BOB_PASSWORD).as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    assert_eq!(answer, "OK\t1\tuser=bob@example.org\n");
}

/// Opens that many, half of them with their handshake, half without a word, and gives what each costs.
fn cost_of_idle(child: &str, count: usize) -> usize {
    let mut door = Other::start(child);
    let path = PathBuf::from(door.hear());
    // Everything that is made once is there before the memory is looked at.
    bob_logs_in(&mut handshake(&path));
    let before: usize = door.ask("memory").parse().unwrap();
    let mut crowd: Vec<UnixStream> = (0..count)
        .map(|number| match number % 2 {
            0 => handshake(&path),
            _ => UnixStream::connect(&path).unwrap(),
        })
        .collect();
    bob_logs_in(&mut handshake(&path));
    let after: usize = door.ask("memory").parse().unwrap();
    // One that was idle all the time is served as well, and so is one that comes when all have gone.
    bob_logs_in(&mut crowd[0]);
    drop(crowd);
    bob_logs_in(&mut handshake(&path));
    let each = after.saturating_sub(before) / count;
    println!("{child}: {count} idle connections, {each} bytes each");
    each
}

#[test]
fn ten_thousand_idle_connections_cost_little_and_logins_go_on() {
    let count = CROWD.min(raise_limit() - RESERVE);
    let each = cost_of_idle("crowd::alone_client", usize::try_from(count).unwrap());
    assert!(each <= CLIENT_BYTES, "{each} bytes");
}

#[test]
fn idle_login_processes_cost_little_too() {
    raise_limit();
    let each = cost_of_idle("crowd::alone_login", LOGIN_CROWD);
    assert!(each <= LOGIN_BYTES, "{each} bytes");
}

#[tokio::test]
#[ignore = "started by a test above"]
async fn alone_client() {
    serve(Kind::ClientStored).await;
}

#[tokio::test]
#[ignore = "started by a test above"]
async fn alone_login() {
    serve(Kind::LoginUpstream).await;
}

async fn serve(kind: Kind) {
    raise_limit();
    let stand = Stand::new(kind).await;
    stand.log.forget();
    stand.upstream.keep_nothing();
    tell(stand.socket.display());
    let listening = tokio::task::spawn_blocking(|| {
        for line in std::io::stdin().lines() {
            assert_eq!(line.unwrap(), "memory");
            tell(resident_bytes());
        }
    });
    listening.await.unwrap();
}
