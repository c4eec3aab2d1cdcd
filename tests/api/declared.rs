//! What the OpenAPI document says of each operation, held against every answer that the tests here get.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use serde_json::Value;

/// What the document says of one operation.
#[derive(Debug)]
pub struct Declared {
    pub id: String,
    /// In upper case.
    pub method: String,
    pub path: String,
    /// Statuses of answers that say that it is done.
    done: BTreeSet<u16>,
    /// The words of problems, and their statuses.
    pub problems: BTreeMap<String, u16>,
}

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(mail2fa::api::document().as_str()).unwrap());

/// All operations of the document.
pub static ALL: LazyLock<Vec<Declared>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (path, methods) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            all.push(declared(path, method, operation));
        }
    }
    all
});

fn declared(path: &str, method: &str, operation: &Value) -> Declared {
    let (mut done, mut problems) = (BTreeSet::new(), BTreeMap::new());
    for (status, response) in operation["responses"].as_object().unwrap() {
        let status: u16 = status.parse().unwrap();
        match response.get("$ref") {
            Some(name) => problems.extend(words(name).map(|word| (word, status))),
            None => assert!(done.insert(status)),
        }
    }
    let id = operation["operationId"].as_str().unwrap().to_owned();
    Declared { id, method: method.to_uppercase(), path: path.to_owned(), done, problems }
}

/// The words of the types of a response.
fn words(name: &Value) -> impl Iterator<Item = String> {
    let name = name.as_str().unwrap().strip_prefix("#/components/responses/").unwrap();
    let response = &DOCUMENT["components"]["responses"][name];
    let schema = &response["content"]["application/problem+json"]["schema"];
    let types = schema["allOf"][1]["properties"]["type"]["enum"].as_array().unwrap();
    types.iter().map(|each| each.as_str().unwrap().strip_prefix("urn:mail2fa:").unwrap().to_owned())
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && path.last().is_some_and(|last| !last.is_empty())
        && template
            .iter()
            .zip(path)
            .all(|(wanted, part)| wanted.starts_with('{') || *wanted == part)
}

/// Looks whether an answer is one that the document knows: the operation and the word of its problem, if it
/// is one.
#[track_caller]
pub fn check(method: &str, path: &str, status: u16, body: &str) -> Option<(&'static str, String)> {
    let method = if method == "HEAD" { "GET" } else { method };
    let there: Vec<_> = ALL.iter().filter(|one| fits(&one.path, path)).collect();
    let Some(operation) = there.iter().find(|one| one.method == method) else {
        assert_eq!(status, if there.is_empty() { 404 } else { 405 }, "{method} {path}: {body}");
        return None;
    };
    let id = operation.id.as_str();
    if operation.done.contains(&status) {
        return None;
    }
    let problem: Value = serde_json::from_str(body).unwrap();
    let word = problem["type"].as_str().unwrap().strip_prefix("urn:mail2fa:").unwrap();
    assert_eq!(operation.problems.get(word), Some(&status), "{id} does not say: {status} {word}");
    let known = &DOCUMENT["components"]["schemas"]["Problem"]["properties"];
    for field in problem.as_object().unwrap().keys() {
        assert!(known.get(field).is_some(), "{id}: no field {field} of a problem is described");
    }
    Some((id, word.to_owned()))
}
