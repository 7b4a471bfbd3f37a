//! A private RabbitMQ, with a port mapper of its own so that it meets no other node.

use std::process::Command;

use super::installation::Installation;
use super::{TlsFiles, answers_amqp};
use crate::ports::free_port;
use crate::process::Process;

/// A broker of one node with the user `guest`. Durable queues survive its end.
#[derive(Debug)]
pub struct RabbitMq {
    process: Option<Process>,
    ports: Ports,
    installation: Installation,
    // After the broker, which speaks to it.
    mapper: Process,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    amqp: u16,
    tls: Option<u16>,
    distribution: u16,
    mapper: u16,
}

impl RabbitMq {
    /// Starts one and waits until it answers. `None` where RabbitMQ is not installed.
    ///
    /// # Panics
    /// When the broker does not come up; with what it said.
    pub async fn start() -> Option<Self> {
        Self::start_with(None).await
    }

    /// As [`RabbitMq::start`], with a second port that speaks TLS if it is given what to show.
    ///
    /// # Panics
    /// As [`RabbitMq::start`].
    pub async fn start_with(tls: Option<&TlsFiles>) -> Option<Self> {
        let programs = ["rabbitmq-server", "rabbitmqctl"];
        let installation = Installation::of(&programs, "rabbitmq-server", &["/usr/lib/rabbitmq/bin"], "rabbitmq")?;
        let ports =
            Ports { amqp: free_port(), tls: tls.map(|_| free_port()), distribution: free_port(), mapper: free_port() };
        let _ = installation.write("enabled_plugins", "[].\n");
        let _ = installation.write("environment", "");
        let mut settings = format!("listeners.tcp.1 = 127.0.0.1:{}\ndisk_free_limit.absolute = 50MB\n", ports.amqp);
        if let (Some(tls), Some(port)) = (tls, ports.tls) {
            settings.push_str(&tls_settings(&installation, tls, port));
        }
        let _ = installation.write("rabbitmq.conf", &settings);
        let mapper = Process::start("epmd", &mut mapper(&installation, ports.mapper), &installation.log());
        let mut broker = Self { process: None, ports, installation, mapper };
        broker
            .mapper
            .ready("listening", async || tokio::net::TcpStream::connect(("127.0.0.1", ports.mapper)).await.is_ok())
            .await;
        broker.launch().await;
        Some(broker)
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.ports.amqp)
    }

    /// Where it answers by TLS.
    #[must_use]
    pub fn tls_url(&self) -> Option<String> {
        self.ports.tls.map(|port| format!("amqps://guest:guest@localhost:{port}/%2f"))
    }

    /// Its plain port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.ports.amqp
    }

    /// Everything it has said.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.installation.log()).unwrap_or_default()
    }

    /// Runs `rabbitmqctl` on it, which takes a second or two, and answers what that wrote: `["delete_queue", name]`,
    /// `["set_vm_memory_high_watermark", "0.0001"]`.
    ///
    /// # Panics
    /// When that refuses.
    pub async fn control(&self, arguments: &[&str]) -> String {
        let mut command = self.command("rabbitmqctl");
        command.arg("--quiet").args(arguments);
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("not cancelled");
        let output = output.expect("rabbitmqctl");
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "rabbitmqctl {arguments:?}: {stdout}{stderr}");
        stdout.trim_end().to_owned()
    }

    /// Ends it in order.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn stop(&mut self) {
        self.process.take().expect("it runs").end_by("TERM").await;
    }

    /// Ends it as a crash would, at once.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill9(&mut self) {
        self.process.take().expect("it runs").kill9();
    }

    /// Starts it again where it was, with what it has kept.
    ///
    /// # Panics
    /// When it runs, or does not come up.
    pub async fn launch(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let mut process =
            Process::start("rabbitmq-server", &mut self.command("rabbitmq-server"), &self.installation.log());
        process.ready("answering", async || answers_amqp(self.ports.amqp).await).await;
        self.process = Some(process);
    }

    fn command(&self, program: &str) -> Command {
        let folder = self.installation.folder();
        let mut command = self.installation.command(program);
        command
            .env("ERL_EPMD_PORT", self.ports.mapper.to_string())
            .env("RABBITMQ_NODENAME", format!("tessera-{}@localhost", self.ports.amqp))
            .env("RABBITMQ_DIST_PORT", self.ports.distribution.to_string())
            .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
            .env("RABBITMQ_LOG_BASE", folder.join("logs"))
            .env("RABBITMQ_LOGS", "-")
            .env("RABBITMQ_PID_FILE", folder.join("pid"))
            .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
            .env("RABBITMQ_CONF_ENV_FILE", folder.join("environment"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("enabled_plugins"))
            // Its script then becomes the broker instead of waiting for it, so that a signal reaches the right process.
            .env("RUNNING_UNDER_SYSTEMD", "true");
        command
    }
}

/// Killed: there is nothing to keep, and an end in order takes a second.
impl Drop for RabbitMq {
    fn drop(&mut self) {
        self.process = None;
    }
}

/// The port mapper in the foreground: the broker would start one that outlives it.
fn mapper(installation: &Installation, port: u16) -> Command {
    let mut command = installation.run("epmd");
    command.args(["-port", &port.to_string(), "-address", "127.0.0.1"]);
    command
}

fn tls_settings(installation: &Installation, tls: &TlsFiles, port: u16) -> String {
    let certificate = installation.write("server.pem", &tls.certificate);
    let key = installation.write("server.key", &tls.key);
    let authority = installation.write("authority.pem", &tls.authority);
    format!(
        "listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.certfile = {}\nssl_options.keyfile = {}\n\
         ssl_options.cacertfile = {}\nssl_options.verify = verify_none\n",
        certificate.display(),
        key.display(),
        authority.display()
    )
}
