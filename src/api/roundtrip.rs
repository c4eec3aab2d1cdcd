//! Every request, answer and error goes from one end of the API to the other and comes out as it went in.
//!
//! The values are made from the schemas in the document, variant by variant, so that a new one is tried without being
//! named here.
//!
//! # Security
//!
//! A test: nothing comes in from outside.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Body as Sent, Bytes},
    http::{self, StatusCode},
    response::Response,
    routing::{MethodFilter, on},
};
use http_body_util::BodyExt as _;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;
use utoipa::PartialSchema as _;

use super::{
    call,
    client::{ClientError, understood, written},
    document::{schemas, variants},
    fields::Unread,
    operations::{self, Operation},
    problem::{MEDIA, URN, problem},
    refusal::Refusal,
};
use crate::service::admin::{self, AdminError};

/// Values that a schema allows.
fn values(schema: &Value, all: &Map<String, Value>) -> BoxedStrategy<Value> {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        return values(&all[name.rsplit('/').next().unwrap()], all);
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return proptest::sample::select(words.clone()).boxed();
    }
    if let Some(one) = schema.get("oneOf").and_then(Value::as_array) {
        return proptest::strategy::Union::new(one.iter().map(|each| values(each, all))).boxed();
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let parts: Vec<_> = parts.iter().map(|part| values(part, all)).collect();
        return parts
            .prop_map(|parts| Value::Object(parts.into_iter().flat_map(fields).collect()))
            .boxed();
    }
    let null = || Just(Value::Null).boxed();
    match &schema["type"] {
        Value::Array(kinds) => {
            let each = kinds.iter().map(|kind| {
                let mut schema = schema.clone();
                schema["type"] = kind.clone();
                values(&schema, all)
            });
            proptest::strategy::Union::new(each).boxed()
        }
        Value::String(kind) => match kind.as_str() {
            "object" => object(schema, all),
            "array" => {
                let items = values(&schema["items"], all);
                proptest::collection::vec(items, 0..3).prop_map(Value::from).boxed()
            }
            "string" => text().prop_map(Value::from).boxed(),
            "integer" => integer(schema),
            "boolean" => any::<bool>().prop_map(Value::from).boxed(),
            "null" => null(),
            other => panic!("{other}: {schema}"),
        },
        _ => panic!("no type: {schema}"),
    }
}

/// What stands in paths, parameters and JSON in a special way is frequent.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,12}",
        "[a-z0-9./%?&=+# ;\\\\\"\\x00-\\x1f\\x7fé€🙂-]{0,12}",
        Just(".".to_owned()),
        Just("..".to_owned()),
        Just("null".to_owned()),
        Just("do".to_owned()),
    ]
}

fn integer(schema: &Value) -> BoxedStrategy<Value> {
    let natural = schema["minimum"] == 0;
    match (natural, schema["format"].as_str()) {
        (true, Some("int32")) => any::<u8>().prop_map(Value::from).boxed(),
        (true, _) => {
            prop_oneof![any::<u64>(), 0..100_u64, Just(u64::MAX)].prop_map(Value::from).boxed()
        }
        (false, _) => any::<i64>().prop_map(Value::from).boxed(),
    }
}

fn object(schema: &Value, all: &Map<String, Value>) -> BoxedStrategy<Value> {
    let none = Map::new();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let each: Vec<_> = schema["properties"]
        .as_object()
        .unwrap_or(&none)
        .iter()
        .map(|(name, schema)| {
            let (name, value) = (name.clone(), values(schema, all));
            let there = value.prop_map(Some).boxed();
            let value = if required.contains(&json!(name)) {
                there
            } else {
                prop_oneof![there, Just(None)].boxed()
            };
            value.prop_map(move |value| (name.clone(), value))
        })
        .collect();
    each.prop_map(|each| {
        each.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    })
    .boxed()
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => panic!("{other}"),
    }
}

/// Tries values of each variant of a type.
fn each<T: DeserializeOwned>(schema: &impl serde::Serialize, with: impl Fn(T)) {
    let (schema, all) = (serde_json::to_value(schema).unwrap(), schemas());
    let variants = variants(&schema);
    assert!(variants.len() > 20, "the schema has its variants");
    for variant in variants {
        let mut runner =
            TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
        let tried = runner.run(&values(&variant, &all), |value| {
            let read: Result<T, _> = serde_json::from_value(value);
            with(read.map_err(|error| TestCaseError::fail(error.to_string()))?);
            Ok(())
        });
        tried.unwrap_or_else(|error| panic!("{variant}: {error}"));
    }
}

type Arrived = Arc<Mutex<Option<(&'static str, Result<admin::Request, Unread>)>>>;

/// Keeps what a request is understood as.
fn server(arrived: &Arrived) -> Router {
    let mut router = Router::new();
    for operation in operations::ALL {
        let arrived = Arc::clone(arrived);
        let handler = async move |request: http::Request<Sent>| {
            let (mut parts, body) = request.into_parts();
            let read = call::read(operation, &mut parts, body).await;
            *arrived.lock().unwrap() = Some((operation.id, read));
        };
        let filter = MethodFilter::try_from(operation.method()).unwrap();
        router = router.route(operation.path, on(filter, handler));
    }
    router
}

fn body(response: Response) -> Bytes {
    let collected = futures_util::FutureExt::now_or_never(response.into_body().collect());
    collected.unwrap().unwrap().to_bytes()
}

#[test]
fn requests() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let arrived = Arrived::default();
    let router = server(&arrived);
    each(&admin::Request::schema(), |request: admin::Request| {
        let (operation, sent) = match written(&request) {
            Ok(written) => written,
            // What stands in a path must not be empty: it would be another path.
            Err(ClientError::Admin(_)) => {
                let told = serde_json::to_value(&request).unwrap();
                assert!(["mailbox", "id", "name"].iter().any(|field| told[field] == ""), "{told}");
                return;
            }
            Err(other) => panic!("{other}"),
        };
        let answered = runtime.block_on(router.clone().oneshot(sent.map(Sent::new))).unwrap();
        assert_eq!(answered.status(), StatusCode::OK);
        let (id, read) = arrived.lock().unwrap().take().unwrap();
        assert_eq!((id, read), (operation.id, Ok(request)));
    });
}

#[test]
fn answers() {
    each(&admin::Response::schema(), |answer: admin::Response| {
        let told = serde_json::to_value(&answer).unwrap();
        let fits = |operation: &&Operation| told["answer"] == operation.answer;
        let mut tried = 0;
        for operation in operations::ALL.iter().filter(fits) {
            let response = call::done(operation, &answer);
            let status = response.status();
            assert_eq!(status.as_u16(), operation.status);
            assert_eq!(understood(operation, status, &body(response)).unwrap(), answer);
            tried += 1;
        }
        assert_ne!(tried, 0, "nobody answers {}", told["answer"]);
    });
}

#[test]
fn errors() {
    let any = &operations::ALL[0];
    each(&AdminError::schema(), |error: AdminError| {
        let response = problem(&error);
        let (status, media) = (response.status(), response.headers()["content-type"].clone());
        assert_eq!((status, media.to_str().unwrap()), (Refusal::of(&error).status(), MEDIA));
        let body = body(response);
        let told: Value = serde_json::from_slice(&body).unwrap();
        let tag =
            serde_json::to_value(&error).unwrap()["error"].as_str().unwrap().replace('_', "-");
        assert_eq!(told["type"], format!("{URN}{tag}"));
        assert_eq!(told["status"], status.as_u16());
        match understood(any, status, &body) {
            Err(ClientError::Admin(arrived)) => assert_eq!(arrived, error),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn what_a_newer_daemon_refuses_is_told_in_its_words() {
    let any = &operations::ALL[0];
    let said = |status: u16, body: Value| {
        let status = StatusCode::from_u16(status).unwrap();
        understood(any, status, body.to_string().as_bytes()).unwrap_err().to_string()
    };
    let new = json!({"type": "urn:mail2fa:asleep", "title": "Asleep", "status": 409, "detail": "it sleeps", "until": 7});
    assert_eq!(said(409, new.clone()), "the daemon refused: it sleeps (urn:mail2fa:asleep)");
    let failed = "the daemon failed: it sleeps (urn:mail2fa:asleep); look whether it happened before trying again";
    assert_eq!(said(500, new), failed);
    // A known type with a field more is the known one, and without one it has, it is told.
    let more = json!({"type": "urn:mail2fa:no-mailbox", "title": "x", "status": 404, "detail": "y", "mailbox": "bob", "z": 1});
    assert_eq!(said(404, more), "there is no mailbox bob");
    let less =
        json!({"type": "urn:mail2fa:no-mailbox", "title": "x", "status": 404, "detail": "gone"});
    assert_eq!(said(404, less), "the daemon refused: gone (urn:mail2fa:no-mailbox)");
    assert_eq!(said(409, json!({"title": "Asleep"})), "the daemon refused: Asleep");
    assert_eq!(said(409, json!({"type": "about:blank"})), "the daemon refused: about:blank");
    for nothing in [json!({}), json!([]), json!({"detail": 7})] {
        assert!(said(409, nothing).contains("is the daemon of another version?"));
    }
}
