//! A private PostgreSQL.

use super::installation::Installation;
use super::{TlsFiles, answers_postgres};
use crate::ports::free_port;
use crate::process::Process;

/// A server with the superuser `postgres` and no passwords, with `fsync` on: what was committed survives a crash.
#[derive(Debug)]
pub struct Postgres {
    process: Option<Process>,
    port: u16,
    settings: Vec<String>,
    installation: Installation,
}

impl Postgres {
    /// Makes one and waits until it lets somebody in. `None` where PostgreSQL is not installed.
    ///
    /// # Panics
    /// When the server does not come up; with what it said.
    pub async fn start() -> Option<Self> {
        Self::start_with(&[], None).await
    }

    /// As [`Postgres::start`], with some of the server's settings, `max_connections=20`, and with TLS if it is given what to show.
    ///
    /// # Panics
    /// As [`Postgres::start`].
    pub async fn start_with(settings: &[&str], tls: Option<&TlsFiles>) -> Option<Self> {
        let installation =
            Installation::of(&["initdb", "postgres"], "postgresql", &["/usr/lib/postgresql/*/bin"], "postgres")?;
        let mut settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        if let Some(tls) = tls {
            let certificate = installation.write("server.pem", &tls.certificate);
            let key = installation.write("server.key", &tls.key);
            let _ = installation.write("authority.pem", &tls.authority);
            settings.push("ssl=on".to_owned());
            settings.push(format!("ssl_cert_file={}", certificate.display()));
            settings.push(format!("ssl_key_file={}", key.display()));
        }
        let mut initdb = installation.command("initdb");
        initdb.args(["--pgdata=data", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"]);
        initdb.arg("--no-sync");
        let made = tokio::task::spawn_blocking(move || initdb.output()).await.expect("not cancelled").expect("initdb");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut server = Self { process: None, port: free_port(), settings, installation };
        server.launch().await;
        Some(server)
    }

    /// Where it answers, as the superuser.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The same by TLS, where the server must be who it says.
    #[must_use]
    pub fn tls_url(&self, database: &str) -> String {
        let authority = self.installation.folder().join("authority.pem");
        let verified = format!("sslmode=verify-full&sslrootcert={}", authority.display());
        format!("postgres://postgres@localhost:{}/{database}?{verified}", self.port)
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Everything it has said.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.installation.log()).unwrap_or_default()
    }

    /// Ends it in order, cutting every session off (a fast shutdown), and starts it again.
    ///
    /// # Panics
    /// When it does not end or does not come back.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.launch().await;
    }

    /// Ends it in order, cutting every session off.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn stop(&mut self) {
        self.process.take().expect("it runs").end_by("INT").await;
    }

    /// Ends it as a crash would (an immediate shutdown): the next start recovers from its log.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn crash(&mut self) {
        self.process.take().expect("it runs").end_by("QUIT").await;
    }

    /// Starts it again where it was, and waits until it lets somebody in.
    ///
    /// # Panics
    /// When it runs, or does not come up.
    pub async fn launch(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let mut command = self.installation.command("postgres");
        command.args(["-D", "data", "-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        command.args(["-c", "unix_socket_directories=", "-c", "fsync=on", "-c", "max_connections=200"]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let mut process = Process::start("postgres", &mut command, &self.installation.log());
        process.ready("answering", async || answers_postgres(self.port).await).await;
        self.process = Some(process);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            process.stop_by("QUIT");
        }
    }
}

/// The first message of a session (protocol 3.0). A server that lets the user in answers `R`, one that is still starting an error.
pub fn start_message() -> Vec<u8> {
    let mut body = 196_608_u32.to_be_bytes().to_vec();
    for text in ["user", "postgres", "database", "postgres", ""] {
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    let length = u32::try_from(body.len() + 4).expect("a short message");
    [length.to_be_bytes().as_slice(), &body].concat()
}
