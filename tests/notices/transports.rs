//! A sendmail program that is a script, and a relay that is a few lines.

use std::{fs, path::PathBuf, sync::mpsc};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, UnixListener},
};

use super::*;
use mail2fa::notice::{Relay, Sendmail, Smtp};

fn notice() -> Notice {
    let at = UnixMillis::from_seconds(NOW);
    Notice { mailbox: Mailbox::new(ALICE).unwrap(), at, what: What::Test }
}

fn letter() -> Letter {
    letters().write(&notice(), None).unwrap()
}

struct Script {
    folder: tempfile::TempDir,
}

impl Script {
    fn new(lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lines = format!("here={}\n{lines}", folder.path().display());
        program::write(&folder.path().join("sendmail"), &lines);
        Self { folder }
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("sendmail")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    async fn send(&self, letter: &Letter) -> Result<(), SendError> {
        Sendmail { program: self.program() }.send(letter).await
    }
}

#[tokio::test]
async fn a_sendmail_program_gets_the_mail_and_its_addresses() {
    let script = Script::new(
        "for a; do echo \"<$a>\"; done > $here/arguments; cat > $here/mail; env > $here/env",
    );
    let mut letter = letter();
    assert_eq!(script.send(&letter).await, Ok(()));
    assert_eq!(script.read("arguments"), format!("<-i>\n<-f>\n<>\n<-->\n<{ALICE}>\n"));
    let mail = script.read("mail");
    assert!(mail.contains("\nAuto-Submitted: auto-generated\n") && !mail.contains('\r'), "{mail}");
    assert!(!script.read("env").contains("CARGO"), "the daemon's environment is its own");
    letter.envelope = lettre::address::Envelope::new(
        Some("b@example.org".parse().unwrap()),
        vec!["-t@x.org".parse().unwrap()],
    )
    .unwrap();
    assert_eq!(script.send(&letter).await, Ok(()));
    assert_eq!(script.read("arguments"), "<-i>\n<-f>\n<b@example.org>\n<-->\n<-t@x.org>\n");
}

#[tokio::test]
async fn a_sendmail_program_that_fails_says_why() {
    let missing = Sendmail { program: "/nonexistent/sendmail".into() };
    let why = missing.send(&letter()).await.unwrap_err().to_string();
    assert!(why.contains("/nonexistent/sendmail: No such file"), "{why}");
    // It neither reads its input nor stops talking.
    let script = Script::new("echo 'queue is\nfull' >&2; head -c 100000 /dev/zero >&2; exit 75");
    let mut long = letter();
    long.bytes.resize(1_000_000, b'x');
    let why = script.send(&long).await.unwrap_err().to_string();
    assert!(why.contains("exit status: 75: queue is full") && why.len() < 1_000, "{why}");
}

/// The program of a mail that is given up is ended.
#[tokio::test]
async fn a_sendmail_program_that_hangs_is_ended() {
    let script = Script::new("echo $$ > $here/pid; exec sleep 600");
    let letter = letter();
    let sending = script.send(&letter);
    let pid = async {
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let pid = fs::read_to_string(script.folder.path().join("pid")).unwrap_or_default();
            if let Ok(pid) = pid.trim().parse::<i32>() {
                return pid;
            }
        }
    };
    let pid = tokio::select! {
        pid = pid => pid,
        sent = sending => panic!("{sent:?}"),
    };
    let is_there = || nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_ok();
    let mut rounds = 0;
    while is_there() {
        tokio::time::sleep(Duration::from_millis(10)).await;
        rounds += 1;
        assert!(rounds < 3_000, "it still runs");
    }
}

/// What the relay answers to the lines that begin like this; everything else is fine.
#[derive(Clone, Copy)]
struct Answers(&'static [(&'static str, &'static str)]);

impl Answers {
    fn to(self, line: &str) -> String {
        let special = self.0.iter().find(|(start, _)| line.starts_with(start));
        special.map_or("250 ok", |(_, answer)| answer).to_owned()
    }
}

/// Serves one client; what it said comes out.
async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    answers: Answers,
    said: mpsc::Sender<String>,
) {
    let mut stream = BufReader::new(stream);
    let mut in_data = false;
    stream.write_all(b"220 relay ESMTP\r\n").await.unwrap();
    let mut line = String::new();
    while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
        let _ = said.send(line.clone());
        let text = std::mem::take(&mut line);
        let answer = match text.trim_end() {
            "." if in_data => {
                in_data = false;
                answers.to(".")
            }
            _ if in_data => continue,
            "DATA" => {
                let answer = answers.to("DATA").replace("250 ok", "354 go on");
                in_data = answer.starts_with("354");
                answer
            }
            other => answers.to(other),
        };
        if stream.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            break;
        }
    }
}

/// Sends one letter to such a relay: what came of it, and what the client said.
async fn smtp(answers: Answers, unix: bool) -> (Result<(), SendError>, Vec<String>) {
    let (said, heard) = mpsc::channel();
    let folder = tempfile::tempdir().unwrap();
    let (relay, serving) = if unix {
        let path = folder.path().join("smtp");
        let listener = UnixListener::bind(&path).unwrap();
        let serving = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            serve(stream, answers, said).await;
        });
        (Relay::Unix(path), serving)
    } else {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            serve(stream, answers, said).await;
        });
        (Relay::Tcp(address), serving)
    };
    let sent = Smtp { relay, name: "example.org".into() }.send(&letter()).await;
    serving.await.unwrap();
    (sent, heard.iter().collect())
}

#[tokio::test]
async fn a_relay_gets_the_mail_over_either_kind_of_socket() {
    for unix in [false, true] {
        let (sent, said) = smtp(Answers(&[]), unix).await;
        assert_eq!(sent, Ok(()), "{said:?}");
        assert_eq!(said[0], "EHLO example.org\r\n");
        assert_eq!(said[1], "MAIL FROM:<>\r\n");
        assert_eq!(said[2], format!("RCPT TO:<{ALICE}>\r\n"));
        assert_eq!(said[3], "DATA\r\n");
        assert!(said.contains(&"Auto-Submitted: auto-generated\r\n".to_owned()));
        assert_eq!(said.last().unwrap(), "QUIT\r\n");
        assert!(said.iter().all(|line| !line.starts_with("AUTH")), "it never logs in");
    }
}

#[tokio::test]
async fn what_a_relay_refuses_is_told_apart() {
    for (line, answer, never) in [
        ("RCPT", "550 5.1.1 no such user", true),
        ("RCPT", "451 4.7.1 greylisted", false),
        ("DATA", "452 4.3.1 no space", false),
        (".", "554 5.7.1 no", true),
        ("EHLO", "421 busy", false),
    ] {
        let answers: &'static [(&str, &str)] = vec![(line, answer)].leak();
        let (sent, _) = smtp(Answers(answers), false).await;
        let error = sent.unwrap_err();
        assert_eq!(matches!(error, SendError::Never(_)), never, "{answer}: {error:?}");
        let words = answer.split_once(' ').unwrap().1;
        assert!(error.to_string().contains(words), "{answer}: {error:?}");
    }
    // It took the mail; what it says to the goodbye changes nothing.
    assert_eq!(smtp(Answers(&[("QUIT", "500 rude")]), true).await.0, Ok(()));
}

#[tokio::test]
async fn a_relay_that_is_not_there() {
    // Taken, so that nobody else gets it meanwhile, and nobody listens there.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let closed = taken.local_addr().unwrap();
    for (relay, words) in [
        (Relay::Unix("/nonexistent/smtp".into()), "unix:/nonexistent/smtp: No such file"),
        (Relay::Tcp(closed), "refused"),
    ] {
        let error = Smtp { relay, name: "example.org".into() }.send(&letter()).await.unwrap_err();
        assert!(matches!(&error, SendError::Later(why) if why.contains(words)), "{error:?}");
    }
}
