//! Somebody with a browser, done by curl with a jar of cookies.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};

use crate::clients::run_to_end;

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, in lower case.
    pub headers: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
    }
}

/// A browser.
#[derive(Debug)]
pub struct Visitor {
    root: PathBuf,
    jar: PathBuf,
    origin: String,
    address: String,
    /// Headers that it adds to each request.
    pub headers: Vec<String>,
}

impl Visitor {
    pub(super) fn new(root: &Path, origin: String, address: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let jar = root.join(format!("jar-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        Self { root: root.into(), jar, origin, address: address.into(), headers: Vec::new() }
    }

    /// Where the site is, `https://localhost:23456`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Opens a page.
    ///
    /// # Errors
    /// When the web server gives no answer.
    pub fn get(&self, path: &str) -> Result<Answer> {
        self.ask(path, &[], "")
    }

    /// Sends a form, as a browser does that shows the page it is on.
    ///
    /// # Errors
    /// When the web server gives no answer.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        self.post_from(&self.origin, "same-origin", path, fields)
    }

    /// Sends a form from a page of this origin, and with this word on how the two stand to each other.
    ///
    /// # Errors
    /// When the web server gives no answer.
    pub fn post_from(
        &self,
        origin: &str,
        site: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Answer> {
        let mut input = String::new();
        let _ = writeln!(input, "header = \"Origin: {origin}\"");
        if !site.is_empty() {
            let _ = writeln!(input, "header = \"Sec-Fetch-Site: {site}\"");
        }
        for (name, value) in fields {
            let text = format!("{name}={value}").replace('\\', "\\\\").replace('"', "\\\"");
            let _ = writeln!(input, "data-urlencode = \"{text}\"");
        }
        self.ask(path, &[], &input)
    }

    /// One request with more arguments and settings of curl.
    ///
    /// # Errors
    /// When the web server gives no answer.
    pub fn ask(&self, path: &str, arguments: &[&str], input: &str) -> Result<Answer> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "60", "--include", "-K", "-"]);
        curl.args(["--http1.1", "--path-as-is", "--interface", &self.address]);
        curl.arg("--cacert").arg(self.root.join("web.pem"));
        curl.arg("--cookie").arg(&self.jar).arg("--cookie-jar").arg(&self.jar);
        for header in &self.headers {
            curl.args(["--header", header]);
        }
        curl.args(["--header", "Expect:"]).args(arguments).arg(format!("{}{path}", self.origin));
        let output = run_to_end(&mut curl, input)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(!text.is_empty(), "curl: {}", String::from_utf8_lossy(&output.stderr));
        let (headers, body) = text.split_once("\r\n\r\n").context("no end of the headers")?;
        let status = headers.split(' ').nth(1).context("no status")?.parse()?;
        Ok(Answer { status, headers: headers.to_ascii_lowercase(), body: body.to_owned() })
    }
}
