//! Which fields of a body are wrong: told when a body could not be read, from its schema in the document.
//!
//! It explains and does not decide: what is read and what is not is serde's, in `wiped`. Where the two differ, there
//! is nothing to explain, and the problem stands without it.
//!
//! # Security
//!
//! Bodies hold secrets, and some are typed where a name belongs. What is told is made of the names of the schema and of
//! numbers alone: no value, and no name that is not known.

use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    document,
    operations::{Body, Operation},
    problem::Problem,
};
use crate::base::limits::API_FIELD_ERRORS;

/// Why a request was not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// As the problem says.
    Problem(Problem),
    /// The body has other fields than it should: [`Problem::FIELDS`].
    Fields(Vec<FieldError>),
}

/// What is wrong with one field, as in RFC 9457, section 3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FieldError {
    /// For people.
    detail: String,
    /// Where: a JSON pointer as a fragment, `#/password`.
    pointer: String,
}

impl From<Problem> for Unread {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for Unread {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Fields(errors) => Problem::FIELDS.with_errors(&errors),
        }
    }
}

/// What is wrong with the fields of a body.
pub(super) fn wrong(operation: &Operation, body: &Map<String, Value>) -> Unread {
    let mut found = Found(Vec::new());
    if let Some(schema) = document::schema_of_body(operation) {
        found.object(&resolved(schema), body, "#");
    }
    Unread::Fields(found.0)
}

/// The same, when what path and query say stands beside it.
pub(super) fn wrong_among(operation: &Operation, whole: &mut Map<String, Value>) -> Unread {
    for name in operation.in_path().chain(operation.query.iter().copied()).chain(["do"]) {
        whole.remove(name);
    }
    match operation.body {
        Body::Of(field) => match whole.get(field) {
            Some(Value::Object(body)) => wrong(operation, body),
            _ => Unread::Fields(Vec::new()),
        },
        Body::Empty | Body::Fields => wrong(operation, whole),
    }
}

struct Found(Vec<FieldError>);

impl Found {
    fn say(&mut self, pointer: &str, detail: String) {
        if self.0.len() < API_FIELD_ERRORS {
            self.0.push(FieldError { detail, pointer: pointer.to_owned() });
        }
    }

    fn value(&mut self, schema: &Value, value: &Value, at: &str) {
        let schema = resolved(schema);
        match value {
            Value::Object(fields) if schema.is_object() => self.object(&schema, fields, at),
            Value::Array(items) if schema.get("items").is_some() => {
                let Some(of) = schema.get("items") else { return };
                for (index, item) in items.iter().enumerate() {
                    self.value(of, item, &format!("{at}/{index}"));
                }
            }
            _ if takes(&schema, value) => {}
            _ => self.say(at, format!("must be {}", allowed(&schema))),
        }
    }

    fn object(&mut self, schema: &Value, fields: &Map<String, Value>, at: &str) {
        let choices = choices(schema);
        if let Some(tag) = tag(&choices) {
            let chosen = choices.iter().find(|choice| {
                let words = choice.pointer(&format!("/properties/{tag}/enum"));
                let words = words.and_then(Value::as_array);
                words.zip(fields.get(tag)).is_some_and(|(words, word)| words.contains(word))
            });
            if let Some(chosen) = chosen {
                self.object(chosen, fields, at);
            } else {
                let is = if fields.contains_key(tag) { "must be" } else { "is missing; it is" };
                self.say(&format!("{at}/{tag}"), format!("{is} {}", words(&choices, tag)));
            }
            return;
        }
        if !choices.is_empty() {
            let mut fitting = choices.iter().filter(|choice| {
                names(choice).any(|name| fields.len() == 1 && fields.contains_key(name))
            });
            return match fitting.next() {
                Some(only) => self.object(only, fields, at),
                None => self.say(at, format!("must be {}", allowed(schema))),
            };
        }
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return self.say(at, format!("must be {}", allowed(schema)));
        };
        if fields.keys().any(|name| !properties.contains_key(name)) {
            self.say(
                at,
                format!("has a field that is not known; known: {}", listed(names(schema))),
            );
        }
        let required = schema.get("required").and_then(Value::as_array);
        for (name, schema) in properties {
            let at = format!("{at}/{name}");
            match fields.get(name) {
                Some(value) => self.value(schema, value, &at),
                None if required.is_some_and(|all| all.iter().any(|each| each == name)) => {
                    self.say(&at, format!("is missing; it is {}", allowed(&resolved(schema))));
                }
                None => {}
            }
        }
    }
}

/// The schema, where this is the name of one or may be null besides.
fn resolved(schema: &Value) -> Value {
    let named = schema.get("$ref").and_then(Value::as_str);
    if let Some(found) = named.and_then(document::schema_named) {
        return resolved(found);
    }
    match choices(schema).as_slice() {
        [only] => with_null(resolved(only)),
        _ => schema.clone(),
    }
}

/// The schema, which takes null too.
fn with_null(mut schema: Value) -> Value {
    if let Some(kind) = schema.get_mut("type") {
        *kind = Value::Array(vec![kind.take(), "null".into()]);
    }
    schema
}

/// The schemas of which a value has one, but null.
fn choices(schema: &Value) -> Vec<Value> {
    let all = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    all.filter(|each| each.get("type").is_none_or(|kind| kind != "null")).cloned().collect()
}

/// The field that tells the choices apart.
fn tag(choices: &[Value]) -> Option<&str> {
    let tells = |name: &&str| {
        choices.iter().all(|each| each.pointer(&format!("/properties/{name}/enum")).is_some())
    };
    names(choices.first()?).find(tells)
}

/// The names of its fields.
fn names(schema: &Value) -> impl Iterator<Item = &str> {
    let fields = schema.get("properties").and_then(Value::as_object);
    fields.into_iter().flat_map(Map::keys).map(String::as_str)
}

/// Whether a value that is neither list nor object is of the right type.
fn takes(schema: &Value, value: &Value) -> bool {
    kinds(schema).any(|kind| match kind {
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    })
}

fn kinds(schema: &Value) -> impl Iterator<Item = &str> {
    let kind = schema.get("type");
    let several = kind.and_then(Value::as_array).into_iter().flatten();
    kind.into_iter().chain(several).filter_map(Value::as_str)
}

/// What a schema takes, in words.
fn allowed(schema: &Value) -> String {
    let choices = choices(schema);
    if let Some(tag) = tag(&choices) {
        return format!("an object whose {tag} is {}", words(&choices, tag));
    }
    if !choices.is_empty() {
        return format!("an object with one of {}", listed(choices.iter().flat_map(names)));
    }
    let one = |kind| match kind {
        "string" => "text".to_owned(),
        "integer" => {
            let most = schema.get("maximum").and_then(Value::as_u64).unwrap_or(u64::MAX);
            format!("a whole number from 0 to {most}")
        }
        "array" => {
            let of = schema.get("items").map(|items| allowed(&resolved(items)));
            match of.as_deref() {
                None | Some("text") => "a list of texts".to_owned(),
                Some(of) => format!("a list, each item {of}"),
            }
        }
        "object" => format!("an object with {}", listed(names(schema))),
        other => other.to_owned(),
    };
    kinds(schema).map(one).collect::<Vec<_>>().join(" or ")
}

/// The words that a tag may be.
fn words(choices: &[Value], tag: &str) -> String {
    let words =
        choices.iter().filter_map(|each| each.pointer(&format!("/properties/{tag}/enum/0")));
    words.map(Value::to_string).collect::<Vec<_>>().join(" or ")
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
