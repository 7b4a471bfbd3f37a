//! Mail to a server that nobody here wrote: aiosmtpd, where `TESSERA_TEST_AIOSMTPD` names a Python that has it.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use tessera_testkit::{Engine, TestApp, json};

use super::support::{Tenant, by_mail, with};

/// The server; it ends with the test.
struct Aiosmtpd {
    address: String,
    process: Child,
}

impl Aiosmtpd {
    /// Starts it, and waits until it listens.
    fn start(python: &str) -> Self {
        // A port that was free a moment ago: it takes none of its own choice.
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = socket.local_addr().expect("bound").to_string();
        drop(socket);
        let mut server = Command::new(python);
        server.args(["-u", "-m", "aiosmtpd", "--nosetuid", "--listen", &address]);
        server.args(["--class", "aiosmtpd.handlers.Debugging", "stdout"]).stdout(Stdio::piped());
        let server = Self { address, process: server.spawn().expect("it starts") };
        let listens = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            TcpStream::connect(&server.address).is_ok()
        });
        assert!(listens, "it does not listen");
        server
    }

    /// What it prints of the first mail.
    fn first_mail(output: ChildStdout) -> Vec<String> {
        let lines = BufReader::new(output).lines().map(|line| line.expect("text"));
        lines.take_while(|line| !line.contains("END MESSAGE")).collect()
    }
}

impl Drop for Aiosmtpd {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_arrives_as_it_was_written() {
    let Ok(python) = std::env::var("TESSERA_TEST_AIOSMTPD") else {
        eprintln!("left out: TESSERA_TEST_AIOSMTPD names no Python with aiosmtpd");
        return;
    };
    let mut server = Aiosmtpd::start(&python);
    let output = server.process.stdout.take().expect("its output");
    let url = format!("smtp://{}", server.address);
    let app = TestApp::start_with(Engine::Sqlite, &[("TESSERA_VERIFY_SMTP_URL", &url)]).await;
    let template = json!({
        "body": "<p>Your code is {{{CODE}}}.</p>\n.\n<p>.. and no more</p>",
        "subject": "Grüße", "fromName": "The Shop", "fromEmail": "no-reply@shop.test",
    });
    let body = with(by_mail("ada@example.org"), "template", template);
    let _ = Tenant::of(&app).initiate(&with(body, "policy.forcedCode", json!("0042"))).await.expect(200);
    let reading = tokio::task::spawn_blocking(|| Aiosmtpd::first_mail(output));
    let mail = tokio::time::timeout(Duration::from_secs(30), reading).await.expect("a mail").expect("read");
    for line in [
        "From: \"The Shop\" <no-reply@shop.test>",
        "To: ada@example.org",
        "Subject: =?utf-8?b?R3LDvMOfZQ==?=",
        "Content-Type: text/html; charset=utf-8",
        "<p>Your code is 0042.</p>",
        ".",
        "<p>.. and no more</p>",
    ] {
        assert!(mail.iter().any(|found| found == line), "{line} in {mail:#?}");
    }
}
