//! Holds docs/past-failures.md to what it says: each test it names exists, and each row names one or
//! says "not yet".
//!
//! It reads text, not syntax, and does not run what is named.

use std::{fs, path::Path};

const PAGE: &str = include_str!("../docs/past-failures.md");

/// How a table of the page begins.
const HEAD: [&str; 4] = ["what happened", "where", "what mail2fa does", "shown by"];

/// The cells of each row of a table, with the number of its line.
fn rows(page: &str) -> Vec<(usize, Vec<&str>)> {
    let lines = page.lines().enumerate().map(|(at, line)| (at + 1, line));
    let table = lines.filter(|(_, line)| line.starts_with('|') && !line.starts_with("|--"));
    let cells = table.map(|(number, line)| {
        let cells = line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
        (number, cells)
    });
    cells.filter(|(_, cells)| *cells != HEAD).collect()
}

/// What is wrong with the page. `read` gives the text of a file of the project.
fn complaints(page: &str, read: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    for (line, cells) in rows(page) {
        let [_, _, what, shown_by] = cells.as_slice() else {
            complaints.push(format!("line {line}: {} cells, not four", cells.len()));
            continue;
        };
        if shown_by.is_empty() {
            if !what.contains("**not yet**") {
                complaints.push(format!("line {line}: no test, and no \"not yet\""));
            }
            continue;
        }
        for named in shown_by.split(", ") {
            if let Err(why) = look_up(named, read) {
                complaints.push(format!("line {line}: {named}: {why}"));
            }
        }
    }
    complaints
}

/// Looks for a test that is named as `` `path/of/file.rs::function` ``.
fn look_up(named: &str, read: &dyn Fn(&str) -> Option<String>) -> Result<(), &'static str> {
    let bare = named.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    let (path, name) =
        bare.and_then(|bare| bare.split_once("::")).ok_or("is not `file::function`")?;
    let text = read(path).ok_or("there is no such file")?;
    if is_test(&text, name) { Ok(()) } else { Err("there is no such test in this file") }
}

/// Whether a file has a test of this name that is not ignored.
fn is_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let heads = [format!("fn {name}("), format!("async fn {name}(")];
    lines.iter().enumerate().any(|(at, line)| {
        let above = lines.iter().take(at).rev();
        let attributes: Vec<&&str> =
            above.take_while(|line| line.starts_with("#[") || line.starts_with("//")).collect();
        let has = |start: &str| attributes.iter().any(|line| line.starts_with(start));
        heads.iter().any(|head| line.starts_with(head.as_str()))
            && (has("#[test]") || has("#[tokio::test"))
            && !has("#[ignore")
    })
}

#[test]
fn every_test_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let complaints = complaints(PAGE, &read);
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(rows(PAGE).len() >= 40, "the tables are not read any more");
}

/// The check can fail: it is shown what it must complain about, and its like that it must not.
#[test]
fn the_check_bites() {
    let file = "
        #[test]
        /// Said in between.
        fn good() {}
        #[tokio::test(start_paused = true)]
        async fn also_good() {}
        fn helper() {}
        #[test]
        #[ignore = \"slow\"]
        fn ignored() {}
        #[test]
        fn good_as_well() {}
        // fn gone() {}
    ";
    let read = |path: &str| (path == "tests/x.rs").then(|| file.to_owned());
    let head = format!("| {} |\n|---|---|---|---|\n", HEAD.join(" | "));
    let wrong = |row: &str| !complaints(&format!("{head}{row}\n"), &read).is_empty();
    for row in [
        "| a | b | c | `tests/x.rs::gone` |",
        "| a | b | c | `tests/x.rs::helper` |",
        "| a | b | c | `tests/x.rs::ignored` |",
        "| a | b | c | `tests/x.rs::goo` |",
        "| a | b | c | `tests/y.rs::good` |",
        "| a | b | c | tests/x.rs::good |",
        "| a | b | c | `tests/x.rs` |",
        "| a | b | c | `tests/x.rs::good`, `tests/x.rs::gone` |",
        "| a | b | c | |",
        "| a | b | not yet said plainly | |",
        "| a | b | `tests/x.rs::good` |",
        "| a | b | c | `tests/x.rs::good` | d |",
    ] {
        assert!(wrong(row), "must be complained about: {row}");
    }
    for row in [
        "| a | b | c | `tests/x.rs::good` |",
        "| a | b | c | `tests/x.rs::also_good`, `tests/x.rs::good_as_well` |",
        "| a | b | c: **not yet** | |",
        "Text between tables.",
    ] {
        assert!(!wrong(row), "must not be complained about: {row}");
    }
}
