//! What a person does with Roundcube in a browser, done by curl with a jar of cookies.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};

use crate::clients::{Login, run_to_end};

/// What came back.
#[derive(Clone, Debug)]
pub struct Page {
    /// The status of the answer.
    pub status: u16,
    /// Its body.
    pub text: String,
}

impl Page {
    /// The test fails unless `wanted` is in it.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn must_show(&self, wanted: &str, what: &str) {
        assert!(self.text.contains(wanted), "{what}: no \"{wanted}\" in {self:?}");
    }

    /// Panics unless it is the answer to a click that needed a login which was refused: Roundcube
    /// has nothing to show then.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn must_be_cut_off(&self, what: &str) {
        let told = ["Connection to storage server failed", "Authentication failed."];
        assert!(told.iter().any(|words| self.text.contains(words)), "{what}: {self:?}");
    }

    /// The value of a hidden field.
    fn field(&self, name: &str) -> Result<String> {
        between(&self.text, &format!("name=\"{name}\" value=\""), "\"")
            .with_context(|| format!("no field {name} in {}", self.text))
    }
}

/// A browser with its cookies.
#[derive(Debug)]
pub struct Browser {
    jar: PathBuf,
    base: String,
    request_token: String,
}

impl Browser {
    pub(super) fn new(root: &Path, port: u16) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let jar = root.join(format!("cookies-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        Self { jar, base: format!("http://127.0.0.1:{port}/"), request_token: String::new() }
    }

    /// Fills in the login form and presses the button; on success gives the inbox's page.
    ///
    /// # Errors
    /// When the web server does not answer or shows no form.
    pub fn log_in(&mut self, login: Login<'_>) -> Result<Page> {
        let token = self.get("")?.field("_token")?;
        let fields = [
            ("_token", token.as_str()),
            ("_task", "login"),
            ("_action", "login"),
            ("_timezone", "UTC"),
            ("_url", ""),
            ("_user", login.name),
            ("_pass", login.password),
        ];
        let page = self.ask("?_task=login", &fields)?;
        if page.status != 302 {
            return Ok(page);
        }
        let inbox = self.get("?_task=mail")?;
        self.request_token = between(&inbox.text, "\"request_token\":\"", "\"")
            .with_context(|| format!("no request token in {}", inbox.text))?;
        Ok(inbox)
    }

    /// The list of messages, as the inbox's page asks for it.
    ///
    /// # Errors
    /// When the web server does not answer.
    pub fn list(&self) -> Result<Page> {
        self.get("?_task=mail&_action=list&_mbox=INBOX&_remote=1")
    }

    /// What the page asks for by itself every minute.
    ///
    /// # Errors
    /// When the web server does not answer.
    pub fn refresh(&self) -> Result<Page> {
        let fields = [("_mbox", "INBOX"), ("_list", "1"), ("_folderlist", "1")];
        self.ask("?_task=mail&_action=refresh&_remote=1", &fields)
    }

    /// Opens a message.
    ///
    /// # Errors
    /// When the web server does not answer.
    pub fn read(&self, uid: u32) -> Result<Page> {
        self.get(&format!("?_task=mail&_action=show&_mbox=INBOX&_uid={uid}"))
    }

    /// Writes a message and sends it.
    ///
    /// # Errors
    /// When the web server does not answer or shows no form.
    pub fn send(&self, to: &str, subject: &str) -> Result<Page> {
        let form = self.get("?_task=mail&_action=compose")?;
        let sender = between(&form.text, "name=\"_from\"", "</select>")
            .and_then(|options| between(&options, "value=\"", "\""))
            .with_context(|| format!("no sender in {}", form.text))?;
        let (token, id) = (form.field("_token")?, form.field("_id")?);
        let fields = [
            ("_token", token.as_str()),
            ("_task", "mail"),
            ("_action", "send"),
            ("_id", &id),
            ("_from", &sender),
            ("_to", to),
            ("_subject", subject),
            ("_is_html", "0"),
            ("_framed", "1"),
            ("_store_target", "Sent"),
            ("_message", subject),
        ];
        self.ask("?_task=mail&_action=send&_framed=1", &fields)
    }

    /// Logs out.
    ///
    /// # Errors
    /// When the web server does not answer.
    pub fn log_out(&mut self) -> Result<Page> {
        let token = std::mem::take(&mut self.request_token);
        self.get(&format!("?_task=logout&_token={token}"))
    }

    fn get(&self, path: &str) -> Result<Page> {
        self.ask(path, &[])
    }

    /// One request; with `fields`, a form that is sent off.
    fn ask(&self, path: &str, fields: &[(&str, &str)]) -> Result<Page> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "60", "-K", "-"]);
        curl.args(["--write-out", "\n%{http_code}"]);
        curl.arg("--cookie").arg(&self.jar).arg("--cookie-jar").arg(&self.jar);
        // A person's browser follows the way from the compose button to the form.
        if fields.is_empty() {
            curl.arg("--location");
        }
        if !self.request_token.is_empty() {
            curl.args(["--header", &format!("X-Roundcube-Request: {}", self.request_token)]);
        }
        curl.arg(format!("{}{path}", self.base));
        let mut input = String::new();
        for (name, value) in fields {
            let text = format!("{name}={value}").replace('\\', "\\\\").replace('"', "\\\"");
            let _ = writeln!(input, "data-urlencode = \"{text}\"");
        }
        let output = run_to_end(&mut curl, &input)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "curl: {}", String::from_utf8_lossy(&output.stderr));
        let (text, status) = text.rsplit_once('\n').context("curl printed no status")?;
        Ok(Page { status: status.parse()?, text: text.to_owned() })
    }
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found.to_owned())
}
