//! Mail to aiosmtpd, read by Python's own `email`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chrono::DateTime;
use tessera_testkit::{Engine, TestApp, Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::script;
use crate::support::{Tenant, by_mail, text, with};

/// The server; it ends with the test.
struct MailServer {
    url: String,
    said: mpsc::UnboundedReceiver<String>,
    process: Child,
}

impl MailServer {
    /// Starts it, and waits until it listens.
    async fn start(mut script: Command) -> Self {
        let mut process = script.stdout(Stdio::piped()).spawn().expect("it starts");
        let output = BufReader::new(process.stdout.take().expect("its output"));
        let (saying, said) = mpsc::unbounded_channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| saying.send(line)));
        let mut server = Self { url: String::new(), said, process };
        server.url = format!("smtp://{}", server.line().await);
        server
    }

    /// The next mail that it takes.
    async fn mail(&mut self) -> Value {
        serde_json::from_str(&self.line().await).expect("JSON")
    }

    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(30), self.said.recv()).await;
        line.expect("it says something").expect("it runs")
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Takes a header's value out of a mail: it is another each time.
fn taken(mail: &mut Value, name: &str) -> String {
    let headers = mail["headers"].as_array_mut().expect("headers");
    let header = headers.iter_mut().find(|header| header[0] == name).unwrap_or_else(|| panic!("no {name}"));
    text(&header[1].take())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_arrives_as_it_was_written() {
    let Some(script) = script("mail_server") else {
        return;
    };
    let mut server = MailServer::start(script).await;
    let app = TestApp::start_with(Engine::Sqlite, &[("TESSERA_VERIFY_SMTP_URL", &server.url)]).await;
    for (subject, name, start, encoding) in [
        ("Your code", "The Shop", "<p>Your code is", "7bit"),
        (
            "Grüße: Dein Code für den Laden in Köln, und mehr, als auf eine Zeile passt",
            "Käse & Söhne, \"Köln\"",
            "<p>Dein Code für Köln – heute – ist",
            "quoted-printable",
        ),
    ] {
        let body = |code: &str| format!("{start} {code}.</p>\n.\n<p>.. and no more = end</p>");
        let template = json!({
            "body": body("{{{CODE}}}"), "subject": subject, "fromName": name, "fromEmail": "no-reply@shop.test",
        });
        let wanted = with(by_mail("ada@example.org"), "template", template);
        let _ = Tenant::of(&app).initiate(&with(wanted, "policy.forcedCode", json!("0042"))).await.expect(200);
        let mut mail = server.mail().await;
        let date = taken(&mut mail, "Date");
        assert!(DateTime::parse_from_rfc2822(&date).is_ok(), "{date}");
        let id = taken(&mut mail, "Message-ID");
        let inner = id.strip_prefix('<').and_then(|id| id.strip_suffix("@localhost.localdomain>"));
        assert!(inner.is_some_and(|id| Uuid::try_parse(id).is_ok()), "{id}");
        let expected = json!({
            "from": "no-reply@shop.test",
            "to": ["ada@example.org"],
            "options": [],
            "headers": [
                ["Message-ID", null],
                ["From", [[name, "no-reply@shop.test"]]],
                ["To", [["", "ada@example.org"]]],
                ["Subject", subject],
                ["MIME-Version", "1.0"],
                ["Content-Type", "text/html; charset=\"utf-8\""],
                ["Content-Transfer-Encoding", encoding],
                ["Date", null],
            ],
            "body": format!("{}\n", body("0042")).replace('\n', "\r\n"),
        });
        assert_eq!(mail, expected);
    }
}
