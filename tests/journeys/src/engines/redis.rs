//! A private Redis.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::installation::Installation;
use super::{ANSWER, TlsFiles, answers_redis};
use crate::ports::free_port;
use crate::process::Process;

/// A server that keeps nothing: stopped, it has forgotten everything.
#[derive(Debug)]
pub struct Redis {
    process: Option<Process>,
    port: u16,
    tls_port: Option<u16>,
    installation: Installation,
}

impl Redis {
    /// Starts one and waits until it answers. `None` where Redis is not installed.
    ///
    /// # Panics
    /// When the server does not come up; with what it said.
    pub async fn start() -> Option<Self> {
        Self::start_with(None).await
    }

    /// As [`Redis::start`], with a second port that speaks TLS if it is given what to show.
    ///
    /// # Panics
    /// As [`Redis::start`].
    pub async fn start_with(tls: Option<&TlsFiles>) -> Option<Self> {
        let installation = Installation::of(&["redis-server"], "redis-server", &[], "redis")?;
        if let Some(tls) = tls {
            let _ = installation.write("server.pem", &tls.certificate);
            let _ = installation.write("server.key", &tls.key);
            let _ = installation.write("authority.pem", &tls.authority);
        }
        let mut server = Self { process: None, port: free_port(), tls_port: tls.map(|_| free_port()), installation };
        server.launch().await;
        Some(server)
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where it answers by TLS.
    #[must_use]
    pub fn tls_url(&self) -> Option<String> {
        self.tls_port.map(|port| format!("rediss://localhost:{port}"))
    }

    /// Its plain port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Everything it has said.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.installation.log()).unwrap_or_default()
    }

    /// Sends one command, `FLUSHALL` or `REPLICAOF NO ONE`, and answers its first line.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn command(&self, command: &str) -> String {
        let talk = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            stream.write_all(format!("{command}\r\n").as_bytes()).await?;
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n") {
                answer.push(stream.read_u8().await?);
            }
            std::io::Result::Ok(String::from_utf8_lossy(&answer).trim_end().to_owned())
        };
        timeout(ANSWER, talk).await.expect("Redis answers in time").expect("Redis answers")
    }

    /// Ends it; what it held is lost.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill9(&mut self) {
        self.process.take().expect("it runs").kill9();
    }

    /// Starts it again, empty, where it was.
    ///
    /// # Panics
    /// When it runs, or does not come up.
    pub async fn launch(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let mut command = self.installation.command("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        if let Some(port) = self.tls_port {
            command.args(["--tls-port", &port.to_string(), "--tls-auth-clients", "no"]);
            command.args(["--tls-cert-file", "server.pem", "--tls-key-file", "server.key"]);
            command.args(["--tls-ca-cert-file", "authority.pem"]);
        }
        let mut process = Process::start("redis-server", &mut command, &self.installation.log());
        process.ready("answering", async || answers_redis(self.port).await).await;
        self.process = Some(process);
    }
}
