//! nginx with the gateway's configuration, on sockets in a folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tessera_testkit::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::service::Service;

/// How long nginx may take: much longer than it does, for the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(20);
const UPSTREAMS: [(&str, u16); 4] = [("auth", 8081), ("sessions", 8080), ("verify", 3000), ("oauth", 8082)];

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    head: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next().unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

#[derive(Debug)]
pub struct Gateway {
    child: Child,
    folder: TempDir,
    services: BTreeMap<&'static str, Service>,
}

impl Gateway {
    /// Starts it; `None` where there is no nginx.
    pub async fn start() -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().expect("a folder");
        let services = UPSTREAMS.map(|(name, _)| (name, Service::listen(name, &folder.path().join(name))));
        std::fs::write(folder.path().join("conf"), here(folder.path())).expect("written");
        let log = std::fs::File::create(folder.path().join("error.log")).expect("a log");
        let child = Command::new(program)
            .args(["-g", "daemon off; master_process off;", "-p"])
            .arg(folder.path())
            .arg("-c")
            .arg(folder.path().join("conf"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("nginx can be run");
        let gateway = Self { child, folder, services: services.into() };
        gateway.until("listening", async || UnixStream::connect(gateway.socket()).await.ok()).await;
        Some(gateway)
    }

    pub fn service(&self, name: &str) -> &Service {
        self.services.get(name).expect("a service")
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: id.example"), b"").await
    }

    /// Sends a request exactly as it is written here, on a connection of its own.
    pub async fn send(&self, head: &str, body: &[u8]) -> Answer {
        let exchange = async {
            let mut stream = UnixStream::connect(self.socket()).await.expect("connected");
            stream.write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes()).await.expect("sent");
            // Who refuses a body may close before it is all there.
            let _ = stream.write_all(body).await;
            let mut answer = Vec::new();
            while !is_whole(&answer) && stream.read_buf(&mut answer).await.is_ok_and(|read| read > 0) {}
            String::from_utf8(answer).expect("text")
        };
        let text = tokio::time::timeout(PATIENCE, exchange).await.expect("an answer");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {head}: {text}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, body: body.to_owned(), head: head.to_owned() }
    }

    /// Everything that was logged, once the access log has this many lines.
    pub async fn log_of(&self, requests: usize) -> String {
        let read = |name: &str| std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        let access =
            self.until("logged", async || Some(read("access.log")).filter(|log| log.lines().count() >= requests)).await;
        access + &read("error.log")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("gateway")
    }

    async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let looking = async {
            loop {
                match look().await {
                    Some(seen) => return seen,
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        };
        let said = || std::fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default();
        tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("not {what}: {}", said()))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether all of the body is there that the head announces.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let announced = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    announced.and_then(|length| length.parse().ok()).is_some_and(|length: usize| body.len() >= length)
}

/// Where nginx is; it is seldom on the path of ordinary users.
fn program() -> Option<&'static str> {
    let runs = |program: &&str| Command::new(program).arg("-v").stderr(Stdio::null()).status().is_ok();
    ["nginx", "/usr/sbin/nginx"].into_iter().find(runs)
}

/// The configuration with its addresses and folders exchanged for those of one test.
fn here(folder: &Path) -> String {
    let folder = folder.display();
    let mut text = tessera_standalone::gateway::configuration().expect("a configuration");
    let mut exchange = |there: &str, here: &str| {
        assert!(text.contains(there), "the configuration has {there}");
        text = text.replace(there, here);
    };
    exchange(" /tmp/", &format!(" {folder}/"));
    exchange("access_log /dev/stdout", &format!("access_log {folder}/access.log"));
    exchange("listen 8000;", &format!("listen unix:{folder}/gateway;"));
    exchange("listen 8080;", "");
    exchange("listen 3000;", "");
    exchange("listen 127.0.0.1:8001;", &format!("listen unix:{folder}/turns;"));
    for (service, port) in UPSTREAMS {
        exchange(&format!("server {service}:{port};"), &format!("server unix:{folder}/{service};"));
    }
    text
}
