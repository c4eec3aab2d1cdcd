//! One browser with its profile: looking, typing, pressing.
//!
//! fantoccini is asynchronous; a person does one thing after the other, so each action here waits until it is done.

use std::future::Future;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use url::{ParseError, Url};

use super::Look;
use crate::wait;

/// A browser. Dropping it closes it.
#[derive(Debug)]
pub struct Window {
    runtime: Runtime,
    client: Client,
    base: String,
    look: Look,
    _profile: TempDir,
}

/// A command of Chromium's own protocol, passed through chromedriver.
#[derive(Debug)]
struct DevTools(Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.0.to_string()))
    }
}

impl Window {
    pub(super) fn open(
        driver: &str,
        capabilities: Value,
        base: &str,
        look: Look,
        profile: TempDir,
    ) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let Value::Object(capabilities) = capabilities else { bail!("no capabilities") };
        let client = runtime
            .block_on(async {
                let mut builder = ClientBuilder::new(HttpConnector::new());
                builder.capabilities(capabilities).connect(driver).await
            })
            .context("Chromium does not start")?;
        let window = Self { runtime, client, base: base.to_owned(), look, _profile: profile };
        let (width, height) = look.size;
        window.dev_tools(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": look.phone }),
        )?;
        window
            .dev_tools("Emulation.setTouchEmulationEnabled", &json!({ "enabled": look.phone }))?;
        window.set_dark(look.dark)?;
        Ok(window)
    }

    /// Wants dark pages, or light ones, from now on.
    ///
    /// # Errors
    /// When Chromium does not answer; the same for all methods below.
    pub fn set_dark(&self, dark: bool) -> Result<()> {
        let value = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": value }]);
        self.dev_tools("Emulation.setEmulatedMedia", &json!({ "features": features })).map(drop)
    }

    /// Turns the phone, or makes the window another size.
    pub fn set_size(&self, (width, height): (u32, u32), phone: bool) -> Result<()> {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone });
        self.dev_tools("Emulation.setDeviceMetricsOverride", &size).map(drop)
    }

    /// A command of Chromium's own protocol.
    pub fn dev_tools(&self, command: &str, parameters: &Value) -> Result<Value> {
        let command = DevTools(json!({ "cmd": command, "params": parameters }));
        self.wait(self.client.issue_cmd(command))
    }

    fn wait<T, E>(&self, what: impl Future<Output = Result<T, E>>) -> Result<T>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        Ok(self.runtime.block_on(what)?)
    }

    /// Runs a script in the page.
    pub fn execute(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        self.wait(self.client.execute(script, arguments))
    }

    /// Runs a script whose answer comes later, to the function behind its arguments.
    pub fn execute_async(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        self.wait(self.client.execute_async(script, arguments))
    }

    /// How it looks.
    pub fn look(&self) -> Look {
        self.look
    }

    // -- going somewhere

    /// Types an address, below the base.
    pub fn open_page(&self, path: &str) -> Result<()> {
        self.wait(self.client.goto(&format!("{}{path}", self.base)))
    }

    /// The button for going back.
    pub fn back(&self) -> Result<()> {
        self.wait(self.client.back())
    }

    /// Loads the page again.
    pub fn reload(&self) -> Result<()> {
        self.wait(self.client.refresh())
    }

    /// Where it is, below the base, with the question.
    pub fn path(&self) -> Result<String> {
        let address = self.wait(self.client.current_url())?.to_string();
        let path = address.strip_prefix(&self.base);
        Ok(path.with_context(|| format!("{address} is no page of ours"))?.to_owned())
    }

    /// Presses a button or link by its text, and waits for the page behind it.
    pub fn press(&self, label: &str) -> Result<()> {
        let element = self.button(label)?;
        self.leave(|| self.wait(element.click()))
            .with_context(|| format!("pressed {label:?} at {:?}", self.path()))
    }

    /// Does something that leads to another page, and waits until that is there.
    pub fn leave(&self, action: impl FnOnce() -> Result<()>) -> Result<()> {
        let before = self.find("html")?;
        action()?;
        wait::until("another page", || {
            let gone = self.wait(before.tag_name()).is_err();
            (gone && self.find("body footer").is_ok()).then_some(())
        })
    }

    /// Presses a button that stays on the page.
    pub fn press_here(&self, label: &str) -> Result<()> {
        let element = self.button(label)?;
        self.wait(element.click())
    }

    /// The visible button or link of this text.
    pub fn button(&self, label: &str) -> Result<Element> {
        let text = quoted(label);
        let path = format!("//button[normalize-space()={text}] | //a[normalize-space()={text}]");
        self.visible(&path).with_context(|| format!("no button or link {label:?}"))
    }

    fn visible(&self, path: &str) -> Result<Element> {
        for element in self.wait(self.client.find_all(Locator::XPath(path)))? {
            if self.wait(element.is_displayed())? {
                return Ok(element);
            }
        }
        bail!("not on {:?}:\n{}", self.path(), self.text()?)
    }

    /// Presses a button twice, as fast as a mouse does, and waits for the page behind it.
    pub fn press_twice(&self, label: &str) -> Result<()> {
        let element = self.button(label)?;
        let there = PointerAction::MoveToElement { element, duration: None, x: 0.0, y: 0.0 };
        let mut mouse = MouseActions::new("mouse".into()).then(there);
        for _ in 0..2 {
            mouse = mouse
                .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
                .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        }
        self.leave(|| self.wait(self.client.perform_actions(mouse)))
    }

    /// Opens a page that is not ours.
    pub fn open_elsewhere(&self, address: &str) -> Result<()> {
        self.wait(self.client.goto(address))
    }

    // -- filling in

    /// The field of a label.
    pub fn field(&self, label: &str) -> Result<Element> {
        let path = format!("//label[normalize-space()={}]", quoted(label));
        let label = self.visible(&path)?;
        match self.wait(label.attr("for"))? {
            Some(id) => self.find(&format!("[id=\"{id}\"]")),
            None => self.wait(label.find(Locator::Css("input"))),
        }
    }

    /// Types into the field of a label, in place of what was there.
    pub fn type_in(&self, label: &str, text: &str) -> Result<()> {
        let field = self.field(label)?;
        self.wait(field.clear())?;
        self.wait(field.send_keys(text))
    }

    /// Ticks the box of a label.
    pub fn tick(&self, label: &str) -> Result<()> {
        let field = self.field(label)?;
        self.wait(field.click())?;
        ensure!(self.wait(field.is_selected())?, "{label:?} is not ticked");
        Ok(())
    }

    /// Chooses from the drop-down of a label.
    pub fn choose(&self, label: &str, choice: &str) -> Result<()> {
        let field = self.field(label)?;
        self.wait(field.select_by_label(choice))
    }

    /// Presses keys where the focus is.
    pub fn keys(&self, keys: &str) -> Result<()> {
        let focused = self.wait(self.client.active_element())?;
        self.wait(focused.send_keys(keys))
    }

    /// What has the focus: its text, or the label of a field.
    pub fn focused(&self) -> Result<String> {
        const ASK: &str = "const e = document.activeElement; \
            const label = e.labels && e.labels[0]; \
            return (label ? label.textContent : e === document.body ? 'body' : e.textContent).trim();";
        let found = self.execute(ASK, vec![])?;
        Ok(found.as_str().unwrap_or_default().to_owned())
    }

    // -- looking

    /// The first element of a CSS selector.
    pub fn find(&self, css: &str) -> Result<Element> {
        self.wait(self.client.find(Locator::Css(css)))
            .with_context(|| format!("no {css} on the page"))
    }

    /// The texts of all elements of a CSS selector, as they are seen.
    pub fn read_all(&self, css: &str) -> Result<Vec<String>> {
        let found = self.wait(self.client.find_all(Locator::Css(css)))?;
        found.iter().map(|element| self.wait(element.text())).collect()
    }

    /// The text of one.
    pub fn read(&self, css: &str) -> Result<String> {
        self.wait(self.find(css)?.text())
    }

    /// An attribute of one, as the page's source has it.
    pub fn attribute(&self, css: &str, name: &str) -> Result<Option<String>> {
        self.wait(self.find(css)?.attr(name))
    }

    /// All that is seen on the page.
    pub fn text(&self) -> Result<String> {
        self.read("body")
    }

    /// Whether the page says this.
    pub fn says(&self, words: &str) -> Result<bool> {
        Ok(self.text()?.contains(words))
    }

    /// Fails unless the page says this, or the one that is on its way.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn must_say(&self, words: &str) {
        if wait::until(words, || self.says(words).ok().filter(|says| *says)).is_err() {
            panic!("no {words:?} on {:?}:\n{}", self.path(), self.text().unwrap_or_default());
        }
    }

    /// Waits until the field or button of this name has the focus: what a page wants to have it gets it with the
    /// first picture, which is later than all of the page is there.
    ///
    /// # Panics
    /// When something else has it.
    #[track_caller]
    pub fn must_focus(&self, label: &str) {
        if wait::until(label, || self.focused().ok().filter(|focused| focused == label)).is_err() {
            panic!("{:?} has the focus on {:?}, not {label:?}", self.focused(), self.path());
        }
    }

    /// The value of a cookie, if there is one.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let cookie = self.wait(self.client.get_named_cookie(name)).ok()?;
        Some(cookie.value().to_owned())
    }

    /// Plants a cookie, as somebody could who has the browser for a moment.
    pub fn plant_cookie(&self, name: &str, value: &str) -> Result<()> {
        let path = Url::parse(&self.base)?.path().to_owned();
        let parameters = json!({ "name": name, "value": value, "url": self.base, "path": path });
        self.dev_tools("Network.setCookie", &parameters).map(drop)
    }

    // -- pictures

    /// The whole page as a PNG, also what one would have to scroll to.
    pub fn picture(&self) -> Result<Vec<u8>> {
        let parameters = json!({ "format": "png", "captureBeyondViewport": true });
        let found = self.dev_tools("Page.captureScreenshot", &parameters)?;
        let text = found["data"].as_str().context("no picture")?;
        Ok(base64::engine::general_purpose::STANDARD.decode(text)?)
    }

    /// What zbarimg reads in a picture of an element.
    pub fn scan(&self, css: &str, folder: &Path) -> Result<String> {
        let element = self.find(css)?;
        let picture = tempfile::Builder::new().suffix(".png").tempfile_in(folder)?;
        std::fs::write(picture.path(), self.wait(element.screenshot())?)?;
        let output = Command::new("zbarimg")
            .args(["--quiet", "--raw"])
            .arg(picture.path())
            .output()
            .context("cannot start zbarimg: run tests/run")?;
        ensure!(output.status.success(), "zbarimg reads nothing in the picture");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.runtime.block_on(self.client.clone().close());
    }
}

/// As XPath wants a text: no text here has both kinds of quotation marks.
fn quoted(text: &str) -> String {
    if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
}
