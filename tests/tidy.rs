//! Holds the source to its own rules: layers, words that a layer must not know, headers, sizes, reasons.
//!
//! Each rule is a function from a file's path and text to complaints, so that its own test can show
//! that it does complain. A rule reads text, not syntax: it is meant for honest mistakes.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise, also in its helpers"
)]

#[path = "tidy/summary.rs"]
mod summary;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The rooms of `src` by layer. A room imports rooms of lower layers only, so neighbours never know each
/// other. `sys`, `upstream` and `http` are what several adapters share.
const LAYERS: [&[&str]; 9] = [
    &["base"],
    &["wire", "decision"],
    &["config", "ports"],
    &["service"],
    &["sys"],
    &["upstream", "http"],
    &["store", "password", "net", "api", "audit", "notice", "web"],
    &["runtime"],
    &["cli"],
];

/// Downward imports that are wrong all the same, and why.
const FORBIDDEN: [(&str, &[&str], &str); 9] = [
    ("service", &["wire"], "a use-case knows no protocol"),
    ("config", &["wire"], "what is configured is not what is spoken"),
    ("ports", &["wire", "config"], "a port is the same for every protocol and configuration"),
    (
        "http",
        &["wire", "decision", "config", "ports", "service"],
        "it takes connections, whatever is asked over them",
    ),
    ("store", &["wire", "service", "upstream", "config"], "it only keeps records"),
    ("api", &["wire", "upstream", "config"], "it asks the use-cases"),
    ("notice", &["wire", "upstream", "config", "sys"], "it only tells owners"),
    ("password", &["wire", "service", "upstream", "config"], "it only hashes"),
    (
        "cli",
        &["wire", "net", "upstream"],
        "commands speak to the daemon or the store, not to peers",
    ),
];

/// Words that must not stand in the code of some rooms, and why. Tests inside the files may use them.
const BANNED: [(&[&str], &[&str], &str); 4] = [
    (
        &["base", "wire", "decision"],
        &["tokio", "tracing::", "SystemTime", "Instant", "sled", "std::fs", "fs::", "getrandom"],
        "no input, output, time or chance below the adapters",
    ),
    (
        &["ports", "service", "config"],
        &["tokio", "sled", "SystemTime", "Instant", "getrandom", "UnixStream", "UnixListener"],
        "use-cases and ports know no socket, store or clock",
    ),
    (
        &[
            "net", "upstream", "sys", "http", "api", "audit", "notice", "password", "web",
            "runtime", "cli",
        ],
        &["sled::"],
        "only store/ knows sled",
    ),
    (
        &[
            "store", "password", "net", "api", "audit", "notice", "web", "upstream", "sys", "http",
            "cli",
        ],
        &["SystemTime::now", "getrandom::"],
        "only runtime/ambient.rs asks the machine for time and chance",
    ),
];

/// What shows that a file takes bytes or text from outside the process: it reads a socket, file or
/// terminal, or turns bytes into values.
const INTAKE: [&str; 13] = [
    "fn parse",
    "fn decode",
    "fn receive",
    "Deserialize",
    "from_utf8",
    "serde_json::from_",
    "toml::from_str",
    "try_read(",
    ".read_to_end(",
    ".read_line(",
    "fs::read",
    "File::open",
    ".accept()",
];

/// Rooms whose files need a `# Security` paragraph when they take something from outside.
const EXPOSED: [&str; 12] = [
    "base", "wire", "config", "store", "net", "api", "notice", "upstream", "sys", "password",
    "http", "web",
];

/// Files that take something from outside and need no paragraph of their own, with the reason.
const NOT_EXPOSED: &[(&str, &str)] = &[
    ("src/password/scheme/argon2.rs", HASH),
    ("src/password/scheme/bcrypt.rs", HASH),
    ("src/password/scheme/md5_crypt.rs", HASH),
    ("src/password/scheme/name.rs", HASH),
    ("src/password/scheme/pbkdf2.rs", HASH),
    ("src/password/scheme/sha_crypt.rs", HASH),
    ("src/password/scheme/yescrypt.rs", HASH),
];
const HASH: &str = "one scheme of many: scheme/mod.rs says how stored hashes are read";

/// Longest file of the program, lines.
const FILE_LINES: usize = 500;
/// Longest file of tests: tables of cases are long and read from top to bottom.
const TEST_LINES: usize = 600;

/// Files that may be longer, with the reason.
const LONGER: &[(&str, &str)] = &[];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder whose names end like this, path from the root and text.
fn files(folder: &str, ending: &str) -> BTreeMap<String, String> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, ending, found);
            } else if path.to_str().unwrap().ends_with(ending) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), ending, &mut found);
    let all = found.into_iter().map(|path| {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        (name, text)
    });
    all.collect()
}

/// The room of a file of `src`; `None` for `lib.rs` and `main.rs`.
fn room(path: &str) -> Option<&str> {
    let (room, _) = path.strip_prefix("src/")?.split_once('/')?;
    Some(room)
}

fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

/// Whether all of a file is test code.
fn is_test_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    path.contains("tests/") || ["tests.rs", "testing.rs", "properties.rs"].contains(&name)
}

/// Each line of code with its number: without comments, and without the tests at the end of the file.
fn code(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut all = text.lines().enumerate().peekable();
    while let Some((number, line)) = all.next() {
        let tests_begin = line == "#[cfg(test)]"
            && all.peek().is_some_and(|(_, next)| {
                next.starts_with("mod ") && next.ends_with('{') || next.starts_with("#[")
            });
        if tests_begin {
            break;
        }
        let bare = line.split("//").next().unwrap_or_default();
        if !bare.trim().is_empty() {
            lines.push((number + 1, bare.to_owned()));
        }
    }
    lines
}

/// The rooms that a file imports, with the line that begins the import. `crate::x`, and `crate::{x, y}`.
fn imports(text: &str) -> Vec<(usize, String)> {
    let lines = code(text);
    let joined = lines.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for (at, _) in joined.match_indices("crate::") {
        let before = joined[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let number = lines[joined[..at].matches('\n').count()].0;
        let rest = &joined[at + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            None => vec![name(rest)],
            Some(list) => top_level(list),
        };
        found.extend(names.into_iter().map(|name| (number, name)));
    }
    found
}

fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first names of the parts of a list in braces whose opening brace was taken.
fn top_level(list: &str) -> Vec<String> {
    let (mut depth, mut names, mut fresh) = (0_usize, Vec::new(), true);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if fresh && (c.is_alphanumeric() || c == '_') => {
                names.push(name(&list[at..]));
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

fn check_edges(path: &str, text: &str) -> Vec<String> {
    let Some(own) = room(path) else { return Vec::new() };
    let Some(own_layer) = layer(own) else {
        return vec![format!("{path}: the room {own} is on no layer: add it to LAYERS")];
    };
    let mut complaints = Vec::new();
    for (line, other) in imports(text) {
        if other == own {
            continue;
        }
        // `crate::Name` of lib.rs would be none of the rooms; there is none.
        match layer(&other) {
            None => complaints.push(format!("{path}:{line}: crate::{other} is on no layer")),
            Some(its) if its >= own_layer => {
                complaints.push(format!("{path}:{line}: {own} must not import {other}"));
            }
            Some(_) => {}
        }
        for (from, to, why) in FORBIDDEN {
            if from == own && to.contains(&&*other) {
                complaints.push(format!("{path}:{line}: {own} must not import {other}: {why}"));
            }
        }
    }
    // `super::super::…` must not climb out of the room.
    let depth = path.trim_end_matches("/mod.rs").matches('/').count();
    for (line, code) in code(text) {
        if code.contains(&"super::".repeat(depth)) {
            complaints.push(format!("{path}:{line}: climbs out of its room: write crate::"));
        }
    }
    complaints
}

fn check_words(path: &str, text: &str) -> Vec<String> {
    let Some(own) = room(path).filter(|_| !is_test_file(path)) else { return Vec::new() };
    let mut complaints = Vec::new();
    for (line, code) in code(text) {
        for (rooms, words, why) in BANNED {
            if !rooms.contains(&own) {
                continue;
            }
            for word in words {
                if has_word(&code, word) {
                    complaints.push(format!("{path}:{line}: {word} does not belong here: {why}"));
                }
            }
        }
    }
    complaints
}

/// Whether a word stands in a line and is not the tail or head of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(part);
        let after = line[at + word.len()..].chars().next().is_some_and(part);
        !before && (!after || word.ends_with(':'))
    })
}

fn check_header(path: &str, text: &str) -> Vec<String> {
    let first = text.lines().next().unwrap_or_default();
    let said = first.strip_prefix("//! ").is_some_and(|rest| rest.len() > 10);
    if said { vec![] } else { vec![format!("{path}: does not begin with //! and what it does")] }
}

fn check_size(path: &str, text: &str) -> Vec<String> {
    let (lines, excused) = (text.lines().count(), LONGER.iter().any(|(file, _)| *file == path));
    let limit = if is_test_file(path) { TEST_LINES } else { FILE_LINES };
    match (lines > limit, excused) {
        (true, false) => vec![format!("{path}: {lines} lines, {limit} are the limit")],
        (false, true) => vec![format!("{path}: is short enough now: take it out of LONGER")],
        (true, true) | (false, false) => vec![],
    }
}

fn check_security(path: &str, text: &str) -> Vec<String> {
    let exposed = room(path).is_some_and(|room| EXPOSED.contains(&room)) && !is_test_file(path);
    let word = exposed.then(|| {
        let code = code(text);
        INTAKE.into_iter().find(|word| code.iter().any(|(_, line)| line.contains(word)))
    });
    let has = text.lines().any(|line| {
        let comment = line.trim_start();
        comment == "//! # Security" || comment == "/// # Security"
    });
    let excused = NOT_EXPOSED.iter().any(|(file, _)| *file == path);
    match (word.flatten(), has, excused) {
        (Some(word), false, false) => {
            vec![format!("{path}: takes input ({word}) and has no `# Security` paragraph")]
        }
        (None, _, true) | (_, true, true) => {
            vec![format!("{path}: needs no exception: take it out of NOT_EXPOSED")]
        }
        _ => vec![],
    }
}

/// Nothing is left for later, nothing prints for a debugger. Written so that this file does not trip itself.
fn check_leftovers(path: &str, text: &str) -> Vec<String> {
    let words = [
        concat!("to", "do!"),
        concat!("unimpl", "emented!"),
        concat!("db", "g!"),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("XX", "X"),
    ];
    let mut complaints = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for word in words {
            let bare = word.trim_end_matches('!');
            if has_word(line, bare) && line.contains(word) {
                complaints.push(format!("{path}:{}: {word}", number + 1));
            }
        }
    }
    complaints
}

/// Each dependency of a manifest has its reason behind it; the packages of the project need none.
fn check_reasons(path: &str, text: &str) -> Vec<String> {
    let (mut inside, mut open, mut complaints) = (false, false, Vec::new());
    for (number, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.starts_with('[') && !open {
            inside = trimmed.trim_end_matches(']').ends_with("dependencies");
            // [dependencies.name] is a line nobody can put a reason behind.
            if trimmed.contains("dependencies.") {
                complaints.push(format!("{path}:{}: write it in one line", number + 1));
            }
            continue;
        }
        if !inside || trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let (entry, reason) = trimmed.split_once(" # ").unwrap_or((trimmed, ""));
        open = entry.matches('{').count() + entry.matches('[').count()
            > entry.matches('}').count() + entry.matches(']').count();
        if open {
            complaints.push(format!("{path}:{}: write it in one line", number + 1));
        } else if entry.contains('=') && !entry.contains("path =") && reason.len() < 6 {
            complaints.push(format!("{path}:{}: no reason: {trimmed}", number + 1));
        }
    }
    complaints
}

type Check = fn(&str, &str) -> Vec<String>;

#[track_caller]
fn hold(files: &BTreeMap<String, String>, check: Check) {
    assert!(!files.is_empty());
    let complaints: Vec<String> = files.iter().flat_map(|(path, text)| check(path, text)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Rust files of the package and of the members below `tests`.
fn all_rust() -> BTreeMap<String, String> {
    let mut all = files("src", ".rs");
    all.extend(files("tests", ".rs"));
    all
}

#[test]
fn imports_only_go_down() {
    hold(&files("src", ".rs"), check_edges);
}

#[test]
fn every_room_has_its_layer() {
    let mut rooms: Vec<String> =
        files("src", ".rs").keys().filter_map(|path| room(path)).map(str::to_owned).collect();
    rooms.dedup();
    let mut known: Vec<&str> = LAYERS.concat();
    known.sort_unstable();
    assert_eq!(rooms, known);
}

#[test]
fn no_layer_knows_what_it_must_not_know() {
    hold(&files("src", ".rs"), check_words);
}

#[test]
fn every_file_says_what_it_does() {
    hold(&all_rust(), check_header);
}

#[test]
fn no_file_is_too_long() {
    hold(&all_rust(), check_size);
    for (path, _) in LONGER {
        assert!(root().join(path).exists(), "{path} is gone: take it out of LONGER");
    }
}

#[test]
fn what_takes_input_says_how_it_is_safe() {
    hold(&files("src", ".rs"), check_security);
    for (path, _) in NOT_EXPOSED {
        assert!(root().join(path).exists(), "{path} is gone: take it out of NOT_EXPOSED");
    }
}

#[test]
fn nothing_is_left_for_later() {
    hold(&all_rust(), check_leftovers);
}

#[test]
fn every_dependency_has_its_reason() {
    let mut manifests = files("tests", "Cargo.toml");
    for name in ["Cargo.toml", "fuzz/Cargo.toml"] {
        if let Ok(text) = fs::read_to_string(root().join(name)) {
            manifests.insert(name.to_owned(), text);
        }
    }
    hold(&manifests, check_reasons);
}

/// The rules can fail: each is shown something it must complain about, and its like that it must not.
#[test]
fn the_rules_bite() {
    let bites = |check: Check, path: &str, text: &str| {
        assert!(!check(path, text).is_empty(), "must be complained about: {path}: {text}");
    };
    let passes = |check: Check, path: &str, text: &str| {
        assert_eq!(check(path, text), Vec::<String>::new(), "{path}: {text}");
    };
    for (path, text) in [
        ("src/base/x.rs", "use crate::wire::Line;"),
        ("src/wire/x.rs", "use crate::decision::flow::Flow;"),
        ("src/decision/x.rs", "use crate::{base::Secret, wire::Line};"),
        (
            "src/store/x.rs",
            "use crate::{\n    base::{Clock, Rng},\n    net::client::ClientDoor,\n};",
        ),
        ("src/net/x.rs", "fn f() { crate::store::open(); }"),
        ("src/net/x.rs", "use crate::runtime::compose;"),
        ("src/service/x.rs", "use crate::wire::Attempt;"),
        ("src/cli/x.rs", "use crate::net::listener;"),
        ("src/net/x.rs", "use super::super::upstream::Pool;"),
        ("src/wire/sasl/x.rs", "use super::super::super::net;"),
        ("src/wire/sasl/mod.rs", "use super::super::net;"),
        ("src/attic/x.rs", "use crate::base::Secret;"),
        ("src/net/x.rs", "use crate::attic::Secret;"),
    ] {
        bites(check_edges, path, text);
    }
    for (path, text) in [
        ("src/net/x.rs", "use crate::{base::Secret, upstream::Pool, wire::{Line, store}};"),
        ("src/net/x.rs", "// use crate::store::x;"),
        ("src/net/x.rs", "#[cfg(test)]\nmod tests {\n    use crate::store::MemoryEngine;\n}"),
        ("src/upstream/x.rs", "use crate::sys::duplex::Duplex;"),
        ("src/wire/sasl/x.rs", "use super::super::error::Fatal;"),
        ("src/main.rs", "use mail2fa::cli;"),
    ] {
        passes(check_edges, path, text);
    }
    bites(check_words, "src/decision/x.rs", "let t = std::time::SystemTime::now();");
    bites(check_words, "src/wire/x.rs", "    tokio::spawn(x);");
    bites(check_words, "src/base/x.rs", "use std::{fs::File, io};\nuse std::fs;\nfs::read(x);");
    bites(check_words, "src/net/x.rs", "sled::open(path)");
    bites(check_words, "src/service/x.rs", "use tokio::net::UnixStream;");
    passes(check_words, "src/store/x.rs", "sled::open(path)");
    passes(check_words, "src/wire/x.rs", "/// as tokio does\nlet assembled = offset::x;");
    passes(check_words, "src/wire/client/tests.rs", "use std::fs;");
    bites(check_header, "src/x.rs", "use std::fs;");
    bites(check_header, "src/x.rs", "//!\n//! Late.");
    passes(check_header, "src/x.rs", "//! Does something.\n");
    bites(check_size, "src/x.rs", &"x\n".repeat(FILE_LINES + 1));
    passes(check_size, "src/x.rs", &"x\n".repeat(FILE_LINES));
    bites(check_security, "src/wire/x.rs", "//! Reads lines.\npub fn parse(line: &[u8]) {}");
    bites(check_security, "src/api/x.rs", "//! Socket.\nlistener.accept().await");
    passes(check_security, "src/wire/x.rs", "//! # Security\npub fn parse(line: &[u8]) {}");
    passes(check_security, "src/wire/x.rs", "//! Writes.\npub fn encode() {} // fn parse");
    bites(check_leftovers, "src/x.rs", concat!("to", "do!()"));
    bites(check_leftovers, "src/x.rs", concat!("// FIX", "ME later"));
    passes(check_leftovers, "src/x.rs", "a mastodon, methodology");
    bites(check_reasons, "Cargo.toml", "[dependencies]\nserde = \"1\"");
    bites(check_reasons, "Cargo.toml", "[dev-dependencies]\nserde = { version = \"1\" } # yes");
    bites(check_reasons, "Cargo.toml", "[dependencies]\nserde = {\n version = \"1\" } # records");
    bites(check_reasons, "Cargo.toml", "[dependencies.serde]\nversion = \"1\"");
    passes(check_reasons, "Cargo.toml", "[dependencies]\nserde = \"1\" # records on disk");
    passes(check_reasons, "Cargo.toml", "[features]\ndefault = []");
}
