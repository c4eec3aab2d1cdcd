//! The OpenAPI 3.1 document: from the table of operations, and the schemas of the types that travel.

use std::sync::LazyLock;

use axum::{http::StatusCode, response::Response};
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::{
    DOCUMENT,
    operations::{self, Body, Operation},
    problem::respond,
    webmail,
};
use crate::{
    base::limits::{ADMIN_PAGE, AUDIT_PAGE},
    decision::api_token::Scope,
    service::admin,
};

/// Statuses of problems that every operation may answer, and when.
const PROBLEMS: [(u16, &str); 13] = [
    (400, "The path, parameters or body are not those of this operation"),
    (401, "No good token"),
    (403, "The token does not allow this, or is not for mailboxes of this domain"),
    (404, "The mailbox, or what is asked of it, does not exist"),
    (408, "The body was not there in time"),
    (409, "The mailbox, or the configuration, does not allow it as it is"),
    (413, "The body is too large"),
    (415, "The body is not sent as application/json"),
    (422, "A name, password, code or other value cannot be used"),
    (429, "No good token, and too many of them from this network before"),
    (500, "The store cannot be used, or there is a bug"),
    (503, "For the moment only: try again"),
    (504, "It may or may not have happened"),
];

/// The document as it is served.
#[derive(Clone, Copy, Debug)]
pub struct Document(&'static str);

impl Document {
    /// Its text.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    pub(super) fn into_response(self) -> Response {
        respond(StatusCode::OK, "application/json", self.0.to_owned())
    }
}

static TEXT: LazyLock<String> =
    LazyLock::new(|| serde_json::to_string_pretty(&build()).unwrap_or_default() + "\n");

/// The document.
pub fn document() -> Document {
    Document(&TEXT)
}

fn build() -> Value {
    let (requests, answers) = (admin::Request::schema(), admin::Response::schema());
    let variants = |schema| variants(&serde_json::to_value(schema).unwrap_or_default());
    let (requests, answers) = (variants(requests), variants(answers));
    let schemas = schemas();
    let mut paths = Map::new();
    for operation in operations::ALL {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        let method = operation.method().as_str().to_ascii_lowercase();
        let request = resolved(variant(&requests, "do", operation.request), &schemas);
        let answer = variant(&answers, "answer", operation.answer);
        if let Some(path) = path.as_object_mut() {
            path.insert(method, described(operation, request, &answer));
        }
    }
    for operation in operations::WEBMAIL {
        let (request, answer) = webmail::schemas(operation);
        let described = described(operation, request, &answer);
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
    let mut whole = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "mail2fa",
            "version": "1",
            "description": "Two-factor authentication for mailboxes. Fields that are not known are refused in \
                requests; answers may get new ones.",
            "license": {"name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT"},
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {
                "type": "http", "scheme": "bearer",
                "description": format!("Scopes: {}", scopes()),
            }},
        },
    });
    unsigned(&mut whole);
    whole
}

/// utoipa calls a `u64` an int64 from 0, which ends at half of what is taken.
fn unsigned(part: &mut Value) {
    match part {
        Value::Object(fields) => {
            let natural = fields.get("minimum").and_then(Value::as_u64) == Some(0);
            if natural && fields.get("format").and_then(Value::as_str) == Some("int64") {
                fields.remove("format");
                fields.insert("maximum".into(), u64::MAX.into());
                fields.sort_keys();
            }
            fields.values_mut().for_each(unsigned);
        }
        Value::Array(parts) => parts.iter_mut().for_each(unsigned),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn scopes() -> String {
    let all = Scope::ALL.iter().map(|(scope, what)| format!("`{}` {what}", scope.as_str()));
    all.collect::<Vec<_>>().join(" ")
}

fn schemas() -> Map<String, Value> {
    let mut found = Vec::new();
    admin::Request::schemas(&mut found);
    admin::Response::schemas(&mut found);
    let mut all: Map<String, Value> = found
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
        .collect();
    all.insert(
        "Problem".into(),
        json!({
            "description": "RFC 9457. The type is stable; some types have further fields.",
            "type": "object",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string", "examples": ["urn:mail2fa:no-mailbox"]},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string", "description": "For people"},
            },
        }),
    );
    all.sort_keys();
    all
}

fn variants(schema: &Value) -> Vec<Value> {
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

fn described(operation: &Operation, mut request: Value, answer: &Value) -> Value {
    let mut parameters = Vec::new();
    for name in operation.in_path() {
        let found = remove(&mut request, name).unwrap_or_default();
        parameters.push(parameter(operation, name, "path", &found));
    }
    for name in operation.query {
        let found = remove(&mut request, name).unwrap_or_default();
        parameters.push(parameter(operation, name, "query", &found));
    }
    let content =
        json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
    let mut responses = Map::new();
    responses.insert(
        operation.status.to_string(),
        json!({
            "description": "Done", "content": {"application/json": {"schema": answer}},
        }),
    );
    for (status, when) in PROBLEMS {
        let mut response = json!({"description": when, "content": content});
        let headers = match status {
            401 => json!({"WWW-Authenticate": {"required": true, "schema": {"type": "string"}}}),
            429 | 503 => json!({"Retry-After": {"required": true, "schema": {"type": "integer"}}}),
            _ => Value::Null,
        };
        if let (Some(fields), false) = (response.as_object_mut(), headers.is_null()) {
            fields.insert("headers".into(), headers);
        }
        responses.insert(status.to_string(), response);
    }
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

/// Fields that are not known are refused.
fn closed(mut schema: Value) -> Value {
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("description");
        fields.insert("additionalProperties".into(), false.into());
    }
    schema
}

fn parameter(operation: &Operation, name: &str, place: &str, found: &Value) -> Value {
    let description = found.get("description").cloned().unwrap_or_else(|| match name {
        "limit" => format!("At most so many; {ADMIN_PAGE} mailboxes, {AUDIT_PAGE} events").into(),
        _ => name.into(),
    });
    let schema = if operation.is_number(name) {
        json!({"type": "integer", "minimum": 0, "maximum": u64::MAX})
    } else if place == "path" {
        json!({"type": "string", "minLength": 1})
    } else {
        json!({"type": "string"})
    };
    json!({
        "name": name, "in": place, "required": place == "path",
        "description": description, "schema": schema,
    })
}
