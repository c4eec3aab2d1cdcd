//! The load: AUTH lines made beforehand, sent over a few connections with so many in flight on
//! each, every answer checked.
//!
//! It is hand-made on blocking sockets, one thread for each connection, so that it costs little
//! beside the servers, and it is the same for all of them.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    sync::Barrier,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

/// How requests are sent.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// On the command line.
    pub name: &'static str,
    /// In the report.
    pub title: &'static str,
    /// Connections, each with a thread of its own.
    pub connections: usize,
    /// Requests under way on each connection.
    pub in_flight: usize,
}

/// Many at a time.
pub const PIPELINED: Shape = Shape {
    name: "pipelined",
    title: "pipelined: 4 connections, 16 in flight on each",
    connections: 4,
    in_flight: 16,
};

/// One at a time.
pub const SINGLE: Shape = Shape {
    name: "single",
    title: "one at a time: 1 connection, 1 in flight",
    connections: 1,
    in_flight: 1,
};

/// What one run took.
#[derive(Debug, Default)]
pub struct Run {
    /// Logins, all of them accepted.
    pub logins: usize,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Of each login, from its sending to its answer, nanoseconds.
    pub latencies: Vec<u64>,
}

/// The part of an AUTH line behind its id, as Postfix sends it.
pub fn request(name: &str, password: &str) -> Vec<u8> {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let message = BASE64_STANDARD.encode(format!("\0{name}\0{password}"));
    format!(
        "PLAIN\tservice=smtp\tnologin\tlip=192.0.2.25\trip=198.51.100.7\tsecured\tresp={message}\n"
    )
    .into_bytes()
}

/// Sends all requests and checks all answers. Anything but OK is an error.
pub fn run(socket: &Path, shape: Shape, requests: &[Vec<u8>]) -> Result<Run> {
    let each = requests.len().div_ceil(shape.connections).max(1);
    let connections = requests
        .chunks(each)
        .map(|lines| Ok((Connection::open(socket)?, lines)))
        .collect::<Result<Vec<_>>>()?;
    let start = Barrier::new(connections.len() + 1);
    let (elapsed, results) = std::thread::scope(|scope| {
        let threads: Vec<_> = connections
            .into_iter()
            .map(|(connection, part)| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    connection.drive(part, shape.in_flight)
                })
            })
            .collect();
        start.wait();
        let begun = Instant::now();
        let results: Vec<_> =
            threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        (begun.elapsed(), results)
    });
    let mut run = Run { logins: requests.len(), elapsed, latencies: Vec::new() };
    for joined in results {
        let Ok(latencies) = joined else { bail!("a thread of the load generator panicked") };
        run.latencies.extend(latencies?);
    }
    ensure!(run.latencies.len() == requests.len(), "answers are missing");
    Ok(run)
}

/// The process that answers behind a socket, as its handshake says (SPID).
pub fn server_pid(socket: &Path) -> Result<u32> {
    Connection::open(socket)?.server.context("the server did not say its process id")
}

struct Connection {
    stream: UnixStream,
    server: Option<u32>,
}

impl Connection {
    fn open(socket: &Path) -> Result<Self> {
        let mut stream = UnixStream::connect(socket)
            .with_context(|| format!("cannot connect to {}", socket.display()))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(format!("VERSION\t1\t2\nCPID\t{}\n", std::process::id()).as_bytes())?;
        let mut text = Vec::new();
        let mut buffer = [0; 4_096];
        while !text.ends_with(b"DONE\n") {
            let count = stream.read(&mut buffer).context("waiting for the handshake")?;
            ensure!(count > 0, "{} was closed during the handshake", socket.display());
            text.extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
        let text = String::from_utf8_lossy(&text);
        let server = text.lines().find_map(|line| line.strip_prefix("SPID\t")?.parse().ok());
        Ok(Self { stream, server })
    }

    /// Keeps so many under way until all are answered; gives their latencies.
    fn drive(mut self, requests: &[Vec<u8>], in_flight: usize) -> Result<Vec<u64>> {
        let mut sent: Vec<Option<Instant>> = Vec::with_capacity(requests.len());
        let mut latencies = Vec::with_capacity(requests.len());
        let mut waiting = requests.iter();
        let (mut output, mut input) = (Vec::new(), Vec::new());
        let mut buffer = vec![0; 65_536];
        while latencies.len() < requests.len() {
            output.clear();
            let now = Instant::now();
            for request in waiting.by_ref().take(in_flight - (sent.len() - latencies.len())) {
                sent.push(Some(now));
                write!(output, "AUTH\t{}\t", sent.len())?;
                output.extend_from_slice(request);
            }
            self.stream.write_all(&output)?;
            let count = self.stream.read(&mut buffer).context("waiting for an answer")?;
            ensure!(count > 0, "the server closed a connection with logins under way");
            let now = Instant::now();
            input.extend_from_slice(buffer.get(..count).unwrap_or_default());
            let mut used = 0;
            for line in input.split_inclusive(|byte| *byte == b'\n') {
                if !line.ends_with(b"\n") {
                    break;
                }
                used += line.len();
                let slot = accepted(line)?.checked_sub(1).and_then(|index| sent.get_mut(index));
                let Some(begun) = slot.and_then(Option::take) else {
                    bail!("an answer to nothing: {}", String::from_utf8_lossy(line));
                };
                latencies.push(u64::try_from((now - begun).as_nanos())?);
            }
            input.drain(..used);
        }
        Ok(latencies)
    }
}

/// The id of an OK line.
fn accepted(line: &[u8]) -> Result<usize> {
    let text = std::str::from_utf8(line)?;
    let id = text.strip_prefix("OK\t").and_then(|rest| rest.split(['\t', '\n']).next());
    match id {
        Some(id) => Ok(id.parse()?),
        None => bail!("a login was not accepted: {}", text.trim_end()),
    }
}
