//! The OpenAPI 3.1 document: from the table of operations, and the schemas of the types that travel.

use std::sync::LazyLock;

use axum::{http::StatusCode, response::Response};
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::{
    DOCUMENT,
    operations::{self, Body, Operation},
    possible::{Possible, possible},
    problem::{MEDIA, Problem, URN, respond},
    webmail,
};
use crate::{
    base::limits::{API_FIELD_ERRORS, LAST_MOMENT_SECONDS},
    decision::api_token::Scope,
    service::admin::{self, AdminError},
};

/// The document as it is served.
#[derive(Clone, Copy, Debug)]
pub struct Document(&'static str);

impl Document {
    /// Its text.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    pub(super) fn into_response(self) -> Response {
        respond(StatusCode::OK, "application/json", self.0)
    }
}

static WHOLE: LazyLock<Value> = LazyLock::new(build);

static TEXT: LazyLock<String> =
    LazyLock::new(|| serde_json::to_string_pretty(&*WHOLE).unwrap_or_default() + "\n");

/// The document.
pub fn document() -> Document {
    Document(&TEXT)
}

/// What the document says of the body of an operation.
pub(super) fn schema_of_body(operation: &Operation) -> Option<&'static Value> {
    let method = operation.method().as_str().to_ascii_lowercase();
    let described = WHOLE.get("paths")?.get(operation.path)?.get(method)?;
    described.pointer("/requestBody/content/application~1json/schema")
}

/// The schema that a `$ref` names.
pub(super) fn schema_named(reference: &str) -> Option<&'static Value> {
    WHOLE.pointer(reference.strip_prefix('#')?)
}

fn build() -> Value {
    let (requests, answers) = (admin::Request::schema(), admin::Response::schema());
    let variants = |schema| variants(&serde_json::to_value(schema).unwrap_or_default());
    let (requests, answers) = (variants(requests), variants(answers));
    let (schemas, mut responses) = (schemas(), elsewhere());
    let mut paths = Map::new();
    for operation in operations::ALL {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        let method = operation.method().as_str().to_ascii_lowercase();
        let request = resolved(variant(&requests, "do", operation.request), &schemas);
        let answer = variant(&answers, "answer", operation.answer);
        if let Some(path) = path.as_object_mut() {
            path.insert(method, described(operation, request, &answer, &mut responses));
        }
    }
    for operation in operations::WEBMAIL {
        let (request, answer) = webmail::schemas(operation);
        let described = described(operation, request, &answer, &mut responses);
        paths.insert(operation.path.into(), json!({"post": described}));
    }
    paths.insert(
        DOCUMENT.into(),
        json!({"get": {
            "operationId": "showDocument", "summary": "This document", "security": [],
            "responses": {"200": {"description": "The document",
                "content": {"application/json": {"schema": {"type": "object"}}}}},
        }}),
    );
    responses.sort_keys();
    let mut whole = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "mail2fa",
            "version": "1",
            "description": "Two-factor authentication for mailboxes. Fields that are not known are refused in \
                requests; answers may get new ones. A path that is not here is answered with \
                `NoSuchPath`, another method than those of a path with `NoSuchMethod`; `HEAD` is `GET` without a body.",
            "license": {"name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT"},
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "securitySchemes": {"token": {
                "type": "http", "scheme": "bearer",
                "description": format!("Scopes: {}", scopes()),
            }},
        },
    });
    unsigned(&mut whole);
    whole
}

/// utoipa calls a `u64` an int64 from 0, which ends at half of what is taken, and knows no bounds of moments.
fn unsigned(part: &mut Value) {
    match part {
        Value::Object(fields) => {
            let natural = !fields.contains_key("maximum")
                && fields.get("minimum").and_then(Value::as_u64) == Some(0);
            if natural && fields.get("format").and_then(Value::as_str) == Some("int64") {
                fields.remove("format");
                fields.insert("maximum".into(), u64::MAX.into());
                fields.sort_keys();
            }
            for moment in MOMENTS {
                if let Some(Value::Object(schema)) = fields.get_mut(moment) {
                    schema.remove("format");
                    schema.insert("maximum".into(), LAST_MOMENT_SECONDS.into());
                }
            }
            fields.values_mut().for_each(unsigned);
        }
        Value::Array(parts) => parts.iter_mut().for_each(unsigned),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Fields of requests that are moments (`service::admin` refuses later ones).
const MOMENTS: [&str; 2] = ["expires", "required_from"];

fn scopes() -> String {
    let all = Scope::ALL.iter().map(|(scope, what)| format!("`{}` {what}", scope.as_str()));
    all.collect::<Vec<_>>().join(" ")
}

pub(super) fn schemas() -> Map<String, Value> {
    let mut found = Vec::new();
    admin::Request::schemas(&mut found);
    admin::Response::schemas(&mut found);
    let mut all: Map<String, Value> = found
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
        .collect();
    all.insert("Problem".into(), schema_of_problems());
    if let Some(Value::Array(levels)) = all.get_mut("NewLevel").and_then(|all| all.get_mut("oneOf"))
    {
        for level in levels {
            *level = closed(level.take());
        }
    }
    all.sort_keys();
    all
}

pub(super) fn variants(schema: &Value) -> Vec<Value> {
    schema.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// The schema of one variant, without its tag. One that holds another type is that type.
fn variant(all: &[Value], tag: &str, name: &str) -> Value {
    for each in all {
        let parts = each.get("allOf").and_then(Value::as_array);
        let parts: Vec<&Value> = parts.map_or_else(|| vec![each], |parts| parts.iter().collect());
        let tagged = |part: &&Value| {
            let known = part.pointer(&format!("/properties/{tag}/enum/0"));
            known.and_then(Value::as_str) == Some(name)
        };
        if !parts.iter().any(tagged) {
            continue;
        }
        if let Some(held) = parts.iter().find(|part| part.get("$ref").is_some()) {
            return (*held).clone();
        }
        let mut own = each.clone();
        remove(&mut own, tag);
        return own;
    }
    Value::Null
}

/// The schema itself where it is the name of one.
fn resolved(schema: Value, all: &Map<String, Value>) -> Value {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    name.and_then(|name| all.get(name)).cloned().unwrap_or(schema)
}

/// Takes a property out of a schema; the property.
fn remove(schema: &mut Value, name: &str) -> Option<Value> {
    let schema = schema.as_object_mut()?;
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|each| each != name);
        if required.is_empty() {
            schema.remove("required");
        }
    }
    schema.get_mut("properties")?.as_object_mut()?.remove(name)
}

fn described(
    operation: &Operation,
    mut request: Value,
    answer: &Value,
    shared: &mut Map<String, Value>,
) -> Value {
    let mut parameters = Vec::new();
    for name in operation.in_path() {
        let found = remove(&mut request, name).unwrap_or_default();
        parameters.push(parameter(operation, name, "path", &found));
    }
    for name in operation.query {
        let found = remove(&mut request, name).unwrap_or_default();
        parameters.push(parameter(operation, name, "query", &found));
    }
    let mut responses = problems(&possible(operation), shared);
    responses.insert(
        operation.status.to_string(),
        json!({
            "description": "Done", "content": {"application/json": {"schema": answer}},
        }),
    );
    responses.sort_keys();
    let needs = operation.scope.map_or_else(
        || "No token allows this: only the control socket.".to_owned(),
        |scope| format!("Scope: `{}`.", scope.as_str()),
    );
    let mut out = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": needs,
        "parameters": parameters,
        "responses": responses,
    });
    let schema = match operation.body {
        Body::Empty => None,
        Body::Fields => Some(closed(request)),
        Body::Of(field) => Some(remove(&mut request, field).unwrap_or_default()),
    };
    if let (Some(fields), Some(schema)) = (out.as_object_mut(), schema) {
        fields.insert(
            "requestBody".into(),
            json!({
                "required": true, "content": {"application/json": {"schema": schema}},
            }),
        );
    }
    out
}

/// The responses of an operation that are problems: of each status which types it may have. What several
/// operations answer is described once.
fn problems(all: &[Possible], shared: &mut Map<String, Value>) -> Map<String, Value> {
    let mut responses = Map::new();
    for same in all.chunk_by(|a, b| a.status == b.status) {
        let Some(first) = same.first() else { continue };
        let words: Vec<_> = same.iter().map(|each| each.word.as_str()).collect();
        let titles: Vec<_> = same.iter().map(|each| each.title).collect();
        let name = format!("{}-{}", first.status.as_str(), words.join("-"));
        let to = format!("#/components/responses/{name}");
        shared.entry(name).or_insert_with(|| answered(first.status, &titles.join(". "), &words));
        responses.insert(first.status.as_str().to_owned(), json!({"$ref": to}));
    }
    responses
}

/// A response of this status with a problem of one of these types.
fn answered(status: StatusCode, description: &str, words: &[&str]) -> Value {
    let types: Vec<_> = words.iter().map(|word| format!("{URN}{word}")).collect();
    let schema = json!({"allOf": [
        {"$ref": "#/components/schemas/Problem"}, {"properties": {"type": {"enum": types}}},
    ]});
    let mut response = json!({"description": description, "content": {MEDIA: {"schema": schema}}});
    let header = match status {
        StatusCode::UNAUTHORIZED => Some(("WWW-Authenticate", "string")),
        StatusCode::METHOD_NOT_ALLOWED => Some(("Allow", "string")),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            Some(("Retry-After", "integer"))
        }
        _ => None,
    };
    if let (Some(fields), Some((name, kind))) = (response.as_object_mut(), header) {
        let described = json!({name: {"required": true, "schema": {"type": kind}}});
        fields.insert("headers".into(), described);
    }
    response
}

/// What no operation answers: there is none at this path, or none with this method.
fn elsewhere() -> Map<String, Value> {
    [("NoSuchPath", Problem::NO_PATH), ("NoSuchMethod", Problem::NO_METHOD)]
        .map(|(name, of)| (name.to_owned(), answered(of.status, of.detail, &[of.word])))
        .into_iter()
        .collect()
}

/// RFC 9457, with the fields that some types have.
fn schema_of_problems() -> Value {
    let mut fields = json!({
        "type": {"type": "string", "format": "uri", "examples": ["urn:mail2fa:no-mailbox"],
            "description": "Names the problem, and is compared as a whole; it leads nowhere"},
        "title": {"type": "string", "description": "What the type is called"},
        "status": {"type": "integer", "description": "The status of the response"},
        "detail": {"type": "string", "description": "For people; may change"},
        "errors": {"type": "array", "maxItems": API_FIELD_ERRORS,
            "description": "Of `bad-fields`: what is wrong with which field of the body",
            "items": {"type": "object", "required": ["detail", "pointer"], "properties": {
                "detail": {"type": "string", "description": "For people; may change"},
                "pointer": {"type": "string", "description": "Where: a JSON pointer as a fragment. A field that \
                    is not known is not named: the pointer leads to the object that it stands in",
                    "examples": ["#/password"]},
            }}},
    });
    let errors = serde_json::to_value(AdminError::schema()).unwrap_or_default();
    for variant in variants(&errors) {
        let Some(more) = variant.get("properties").and_then(Value::as_object) else { continue };
        for (name, schema) in more.iter().filter(|(name, _)| *name != "error") {
            if let Some(fields) = fields.as_object_mut() {
                fields.entry(name).or_insert_with(|| schema.clone());
            }
        }
    }
    json!({
        "description": "RFC 9457. The type is stable; some types have fields of their own.",
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": fields,
    })
}

/// Fields that are not known are refused.
fn closed(mut schema: Value) -> Value {
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("description");
        fields.insert("additionalProperties".into(), false.into());
    }
    schema
}

fn parameter(operation: &Operation, name: &str, place: &str, found: &Value) -> Value {
    let description = found.get("description").cloned().unwrap_or_else(|| name.into());
    let schema = match name {
        "limit" => {
            let most = operation.page();
            json!({"type": "integer", "minimum": 1, "maximum": most, "default": most})
        }
        _ if operation.is_number(name) => {
            json!({"type": "integer", "minimum": 0, "maximum": u64::MAX})
        }
        _ if place == "path" => json!({"type": "string", "minLength": 1}),
        _ => json!({"type": "string"}),
    };
    json!({
        "name": name, "in": place, "required": place == "path",
        "description": description, "schema": schema,
    })
}
