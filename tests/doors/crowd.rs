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
const CONNECTION_BYTES: usize = 16_384;

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

#[test]
fn ten_thousand_idle_connections_cost_little_and_logins_go_on() {
    let count = CROWD.min(raise_limit() - RESERVE);
    let mut door = Other::start("crowd::alone_serving");
    let path = PathBuf::from(door.hear());
    // Everything that is made once is there before the memory is looked at.
    bob_logs_in(&mut handshake(&path));
    let before: usize = door.ask("memory").parse().unwrap();
    // Half of them have done their handshake, half have said nothing at all.
    let mut crowd: Vec<UnixStream> = (0..count)
        .map(|number| match number % 2 {
            0 => handshake(&path),
            _ => UnixStream::connect(&path).unwrap(),
        })
        .collect();
    bob_logs_in(&mut handshake(&path));
    let after: usize = door.ask("memory").parse().unwrap();
    let each = after.saturating_sub(before) / usize::try_from(count).unwrap();
    println!("{count} idle connections: {each} bytes each");
    assert!(each <= CONNECTION_BYTES, "{each} bytes for each of {count} connections");
    // One that was idle all the time is served as well.
    bob_logs_in(&mut crowd[0]);
    drop(crowd);
    bob_logs_in(&mut handshake(&path));
}

#[tokio::test]
#[ignore = "started by the test above"]
async fn alone_serving() {
    raise_limit();
    let stand = Stand::new(Kind::ClientStored).await;
    stand.log.forget();
    tell(stand.socket.display());
    let listening = tokio::task::spawn_blocking(|| {
        for line in std::io::stdin().lines() {
            assert_eq!(line.unwrap(), "memory");
            tell(resident_bytes());
        }
    });
    listening.await.unwrap();
}
