//! Clients that send too much, too slowly, or nonsense.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    desk::{Desk, exchange, steady},
    support::BOB,
};

#[tokio::test]
async fn a_body_of_a_megabyte_is_refused() {
    let desk = Desk::new().await;
    let mut browser = desk.browser();
    let body = format!("name={BOB}&password={}", "x".repeat(1 << 20));
    assert_eq!(browser.send("POST", "login", Some(&body)).await.status, 413);
    let mut bob = desk.bob().await;
    assert_eq!(bob.send("POST", "app-passwords/new", Some(&body)).await.status, 413);
    // Also when its length is not told before.
    let chunks = "10000\r\n".to_owned() + &"y".repeat(0x10000) + "\r\n";
    let head = format!(
        "POST /login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
        chunks.repeat(2)
    );
    let answer = exchange(desk.address, head.as_bytes()).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn forms_that_are_none_are_refused() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    let token = bob.page.token();
    for (path, body) in [
        ("login", "name=x".to_owned()),
        ("login", "%%%".to_owned()),
        ("login", "name=a&name=b&password=c".to_owned()),
        ("login/code", "x=y".to_owned()),
        ("language", "x=y".to_owned()),
        ("sign-ins/end", format!("form={token}&id=many")),
        ("", format!("form={token}&status=perhaps")),
        ("factor/disable", format!("form={token}")),
    ] {
        let page = bob.send("POST", path, Some(&body)).await;
        let waits_for_none = path == "login/code" && page.status == 303;
        assert!(page.status == 400 || waits_for_none, "{path} {body}: {}", page.status);
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_slow_with_the_headers_is_hung_up_on() {
    steady();
    let desk = Desk::new().await;
    for begin in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let mut slow = TcpStream::connect(desk.address).await.unwrap();
        slow.write_all(begin.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(60), slow.read_to_end(&mut answer));
        assert!(read.await.is_ok(), "{begin:?}");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_slow_with_the_body_is_answered_all_the_same() {
    steady();
    let desk = Desk::new().await;
    let mut slow = TcpStream::connect(desk.address).await.unwrap();
    slow.write_all(
        b"POST /login HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\
        content-type: application/x-www-form-urlencoded\r\n\r\nname",
    )
    .await
    .unwrap();
    let mut answer = [0; 12];
    let read = tokio::time::timeout(Duration::from_secs(120), slow.read_exact(&mut answer));
    assert!(read.await.is_ok_and(|read| read.is_ok()));
    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[tokio::test]
async fn headers_are_bounded() {
    let desk = Desk::new().await;
    let many = "x: y\r\n".repeat(200);
    let long = format!("x: {}\r\n", "y".repeat(100_000));
    for headers in [many, long] {
        let request = format!("GET /login HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        let answer = exchange(desk.address, request.as_bytes()).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_never_a_yes() {
    let desk = Desk::new().await;
    let mut bob = desk.bob().await;
    desk.clock.break_down();
    for path in ["", "sign-ins", "app-passwords"] {
        assert_eq!(bob.get(path).await.status, 503, "{path}");
        assert!(bob.page.says("does not answer"));
    }
    let login = [("name", BOB), ("password", crate::support::BOB_PASSWORD)];
    assert_eq!(bob.post("login", &login).await.status, 503);
}
