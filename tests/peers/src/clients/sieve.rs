//! A ManageSieve login. No client at hand speaks it, so this one is spoken here (RFC 5804).

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Login;
use crate::answer::{Answer, Verdict};

/// Logs in with SASL PLAIN and lists the scripts.
///
/// # Errors
/// When the server cannot be reached or ends the connection.
pub fn sieve_login(port: u16, login: Login<'_>) -> Result<Answer> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(100)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    let mut output = String::new();
    let greeting = reply(&mut reader, &mut output)?;
    if !greeting.starts_with("OK") {
        return Ok(Answer::new(Verdict::Broken, greeting, output));
    }
    let message = STANDARD.encode(format!("\0{}\0{}", login.name, login.password));
    writer.write_all(format!("AUTHENTICATE \"PLAIN\" \"{message}\"\r\n").as_bytes())?;
    let said = reply(&mut reader, &mut output)?;
    if !said.starts_with("OK") {
        let not_now = said.contains("TRYLATER");
        let verdict = match (said.starts_with("NO"), not_now) {
            (true, true) => Verdict::Unavailable,
            (true, false) => Verdict::Refused,
            (false, _) => Verdict::Broken,
        };
        return Ok(Answer::new(verdict, said, output));
    }
    writer.write_all(b"LISTSCRIPTS\r\n")?;
    let listed = reply(&mut reader, &mut output)?;
    let verdict = if listed.starts_with("OK") { Verdict::In } else { Verdict::Broken };
    Ok(Answer::new(verdict, said, output))
}

/// Reads up to the line that ends a reply.
fn reply(reader: &mut BufReader<TcpStream>, output: &mut String) -> Result<String> {
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok("(the server ended the connection)".to_owned());
        }
        output.push_str(&line);
        if ["OK", "NO", "BYE"].iter().any(|word| line.starts_with(word)) {
            return Ok(line.trim_end().to_owned());
        }
    }
}
