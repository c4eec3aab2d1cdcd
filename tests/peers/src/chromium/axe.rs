//! What axe-core finds on a page.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Window;
use crate::cache;

/// The rules of WCAG 2.0 to 2.2, A and AA, and what axe-core calls best practices.
const RULES: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// Runs it, and gives its answer to WebDriver.
const RUN: &str = "const [tags, done] = arguments; \
    axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations', 'incomplete'] }) \
       .then(done, (error) => done({ error: String(error) }));";

impl Window {
    /// What is wrong with the page, in words; empty when nothing is.
    ///
    /// # Errors
    /// When axe-core is not there, or cannot look.
    pub fn axe(&self) -> Result<String> {
        let script = std::fs::read_to_string(cache::find("axe.min.js", "--axe")?)?;
        // Over WebDriver, so that the page's own policy does not stop it.
        self.execute(&script, vec![])?;
        let found = self.execute_async(RUN, vec![json!(RULES)])?;
        let violations = found["violations"].as_array().with_context(|| found.to_string())?;
        let mut text = String::new();
        for violation in violations {
            let nodes = violation["nodes"].as_array().into_iter().flatten();
            let nodes: Vec<String> = nodes.map(node).collect();
            let _ = writeln!(
                text,
                "{}: {}\n  {}",
                violation["id"].as_str().unwrap_or_default(),
                violation["help"].as_str().unwrap_or_default(),
                nodes.join("\n  ")
            );
        }
        Ok(text)
    }
}

fn node(node: &Value) -> String {
    let summary = node["failureSummary"].as_str().unwrap_or_default().replace('\n', " ");
    format!("{} {summary}", node["html"].as_str().unwrap_or_default())
}
