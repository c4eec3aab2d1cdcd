//! Just enough of a browser: one connection, cookies, forms.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use anyhow::{Context, Result};

/// An answer.
pub struct Page {
    pub status: u16,
    pub body: Vec<u8>,
}

/// One browser.
pub struct Browser {
    port: u16,
    connection: Option<BufReader<TcpStream>>,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub fn new(port: u16) -> Self {
        Self { port, connection: None, cookies: BTreeMap::new() }
    }

    pub fn get(&mut self, path: &str) -> Result<Page> {
        self.send("GET", path, "")
    }

    pub fn post(&mut self, path: &str, body: &str) -> Result<Page> {
        self.send("POST", path, body)
    }

    /// Sends a form with the token of the first page.
    pub fn submit(&mut self, path: &str, fields: &str) -> Result<Page> {
        let page = String::from_utf8(self.get("")?.body)?;
        let token = page
            .split_once("name=\"form\" value=\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map(|(token, _)| token)
            .context("a page without a token")?;
        self.post(path, &format!("form={token}&{fields}"))
    }

    fn send(&mut self, method: &str, path: &str, body: &str) -> Result<Page> {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = format!(
            "{method} /{path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            cookies.join("; "),
            body.len()
        );
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => self.connection.insert(open(self.port)?),
        };
        connection.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        connection.read_line(&mut line)?;
        let status = line.split(' ').nth(1).context("no answer")?.parse()?;
        let mut length = 0;
        loop {
            line.clear();
            connection.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            match name {
                "content-length" => length = value.parse()?,
                "set-cookie" => {
                    let pair = value.split(';').next().unwrap_or_default();
                    let (name, value) = pair.split_once('=').context("a cookie without a name")?;
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
                _ => {}
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body)?;
        Ok(Page { status, body })
    }
}

fn open(port: u16) -> Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}
