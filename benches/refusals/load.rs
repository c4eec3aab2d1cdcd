//! The load: one refusal at a time on each of many connections, all kinds in random order.
//!
//! One thread for each connection, on blocking sockets; the time of a refusal is taken from before AUTH is
//! written to after FAIL is read, by the monotonic clock.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use mail2fa::runtime::compose;

use crate::{
    kinds::{Door, Kind, THROTTLED},
    servers::Stand,
};

/// Wrong passwords at once after which a mailbox must wait.
const UNTIL_THROTTLED: usize = 31;

struct Question {
    kind: Kind,
    serial: usize,
    mailbox: String,
    /// Where it comes from: another network for each.
    network: u64,
    /// How long the connection is quiet before, microseconds.
    pause: u64,
}

/// Asks for so many refusals of each kind; gives their times in seconds.
pub fn run(
    stand: &Stand,
    door: Door,
    each: usize,
    connections: usize,
) -> Result<Vec<(Kind, Vec<f64>)>> {
    let socket = stand.socket(door);
    fill_up(&socket)?;
    let mut questions = Vec::new();
    for kind in Kind::ALL {
        let mailboxes = kind.mailboxes(each);
        let first = if door == Door::Login { each } else { 0 };
        for serial in first..first + each {
            let mailbox = kind.mailbox(serial % mailboxes);
            let (network, pause) = (random()?, random()? % 10_000);
            questions.push((random()?, Question { kind, serial, mailbox, network, pause }));
        }
    }
    questions.sort_by_key(|(order, _)| *order);
    let questions: Vec<Question> = questions.into_iter().map(|(_, question)| question).collect();
    let part = questions.len().div_ceil(connections).max(1);
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = questions
            .chunks(part)
            .map(|part| {
                let socket = &socket;
                scope.spawn(move || {
                    let mut connection = Connection::open(socket)?;
                    part.iter()
                        .map(|question| Ok((question.kind, connection.ask(question)?)))
                        .collect::<Result<Vec<_>>>()
                })
            })
            .collect();
        threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    let mut times: Vec<(Kind, Vec<f64>)> =
        Kind::ALL.into_iter().map(|kind| (kind, Vec::with_capacity(each))).collect();
    for joined in results {
        let Ok(part) = joined else { bail!("a thread of the load generator panicked") };
        for (kind, time) in part? {
            if let Some((_, own)) = times.iter_mut().find(|(other, _)| *other == kind) {
                own.push(time.as_secs_f64());
            }
        }
    }
    Ok(times)
}

/// Wrong passwords from everywhere, until the mailboxes that must wait do.
fn fill_up(socket: &Path) -> Result<()> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THROTTLED)
            .map(|number| {
                scope.spawn(move || {
                    let mut connection = Connection::open(socket)?;
                    let mut batch = Vec::new();
                    for serial in 0..UNTIL_THROTTLED {
                        let mailbox = Kind::Throttled.mailbox(number);
                        let kind = Kind::Throttled;
                        let question =
                            Question { kind, serial, mailbox, network: random()?, pause: 0 };
                        batch.extend(connection.line(&question)?);
                    }
                    connection.stream.write_all(&batch)?;
                    for _ in 0..UNTIL_THROTTLED {
                        connection.read_line()?;
                    }
                    Ok::<(), anyhow::Error>(())
                })
            })
            .collect();
        for thread in threads {
            let Ok(done) = thread.join() else { bail!("a thread of the load generator panicked") };
            done?;
        }
        Ok(())
    })
}

fn random() -> Result<u64> {
    let mut bytes = [0; 8];
    compose::rng().fill(&mut bytes).map_err(|_| anyhow::anyhow!("no randomness"))?;
    Ok(u64::from_ne_bytes(bytes))
}

struct Connection {
    stream: UnixStream,
    input: Vec<u8>,
    last_id: u32,
}

impl Connection {
    fn open(socket: &Path) -> Result<Self> {
        let mut stream = UnixStream::connect(socket)
            .with_context(|| format!("cannot connect to {}", socket.display()))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(format!("VERSION\t1\t2\nCPID\t{}\n", std::process::id()).as_bytes())?;
        let mut connection = Self { stream, input: Vec::new(), last_id: 0 };
        while connection.read_line()? != "DONE" {}
        Ok(connection)
    }

    fn line(&mut self, question: &Question) -> Result<Vec<u8>> {
        self.last_id += 1;
        let Question { kind, serial, mailbox, network, .. } = question;
        let response = BASE64_STANDARD.encode(format!("\0{mailbox}\0{}", kind.typed(*serial)?));
        let (id, service) = (self.last_id, kind.service());
        let (high, low) = (network >> 16 & 0xffff, network & 0xffff);
        Ok(format!(
            "AUTH\t{id}\tPLAIN\tservice={service}\tlip=192.0.2.25\trip=2001:{high:x}:{low:x}::1\t\
             secured\tresp={response}\n"
        )
        .into_bytes())
    }

    /// Asks and waits; anything but the one refusal there is is an error.
    fn ask(&mut self, question: &Question) -> Result<Duration> {
        std::thread::sleep(Duration::from_micros(question.pause));
        let line = self.line(question)?;
        let begun = Instant::now();
        self.stream.write_all(&line)?;
        let answer = self.read_line()?;
        let elapsed = begun.elapsed();
        let expected = format!("FAIL\t{}\tuser={}", self.last_id, question.mailbox);
        ensure!(answer == expected, "{}: {answer:?}, not {expected:?}", question.kind.name());
        Ok(elapsed)
    }

    fn read_line(&mut self) -> Result<String> {
        let mut buffer = [0; 4_096];
        loop {
            if let Some(end) = self.input.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.input.drain(..=end).collect();
                line.pop();
                return Ok(String::from_utf8(line)?);
            }
            let count = self.stream.read(&mut buffer).context("waiting for an answer")?;
            ensure!(count > 0, "the server closed the connection");
            self.input.extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
    }
}
