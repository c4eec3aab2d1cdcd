//! A mailbox record: any text is a record or an error; a record reads back as it was; and nothing
//! that protects the mailbox is lost on the way in.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mail2fa::store::record::{decode, encode};
use serde_json::{Map, Value};

fn list<'a>(fields: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    fields.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn given<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).filter(|value| !value.is_null())
}

fuzz_target!(|text: &[u8]| {
    let Ok(record) = decode(text) else { return };
    let again = encode(&record).expect("what was read can be written");
    let read = decode(&again).expect("what was written can be read");
    assert_eq!(read, record);
    assert_eq!(&*encode(&read).unwrap(), &*again);

    let Ok(Value::Object(fields)) = serde_json::from_slice(text) else {
        panic!("a record is a JSON object");
    };
    assert_eq!(fields.contains_key("totp"), record.is_enrolled());
    assert_eq!(fields.contains_key("locked"), record.locked.is_some());
    assert_eq!(fields.contains_key("password_hash"), record.password_hash.is_some());
    if let Some(totp) = &record.totp {
        assert!(!totp.secret.is_empty());
        assert_eq!(fields["totp"]["last_step"].as_u64(), Some(totp.last_step));
    }
    assert_eq!(list(&fields, "recovery").len(), record.recovery.len());
    let apps = list(&fields, "app_passwords");
    assert_eq!(apps.len(), record.app_passwords.len());
    for (json, app) in apps.iter().zip(&record.app_passwords) {
        assert_eq!(given(json, "expires").is_some(), app.expires.is_some());
        let count = |name| json.get(name).and_then(Value::as_array).map_or(0, Vec::len);
        assert_eq!(count("services"), app.services.len());
        assert_eq!(count("networks"), app.networks.len());
    }
    let sessions = list(&fields, "sessions");
    assert_eq!(sessions.len(), record.sessions.len());
    for (json, session) in sessions.iter().zip(&record.sessions) {
        assert_eq!(json["ends"].as_u64(), Some(session.ends.millis()));
        assert_eq!(json["idle_seconds"].as_u64(), Some(session.idle_seconds));
    }
    // What this version does not know is still there.
    let Ok(Value::Object(written)) = serde_json::from_slice(&again) else { unreachable!() };
    for (name, value) in &fields {
        let lists = ["app_passwords", "recovery", "sessions"].contains(&name.as_str());
        let empty = lists && value.as_array().is_some_and(Vec::is_empty);
        assert!(empty || written.contains_key(name), "{name} got lost");
    }
});
