//! RabbitMQ.

mod private;

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::Url;

pub use self::private::Server as RabbitMq;
use super::engine::Engine;
use crate::process;

const TIMEOUT: Duration = Duration::from_secs(3);

/// How a client greets: AMQP 0-9-1.
const GREETING: &[u8] = b"AMQP\x00\x00\x09\x01";
/// How the broker's answer begins: a method on channel 0.
const ANSWER: &[u8] = &[1, 0, 0];

impl Engine for RabbitMq {
    const NAME: &'static str = "RabbitMQ";
    const WITHOUT: &'static str = "events are tested within one process alone";
    const URL: &'static str = "TESSERA_TEST_AMQP_URL";
    const SWITCH: &'static str = "TESSERA_TEST_RABBITMQ";
    const SWITCH_ON: &'static str = "env --unset=TESSERA_TEST_RABBITMQ make test";
    const USUAL: &'static str = "amqp://guest:guest@127.0.0.1:5672/%2f";
    const PORT: u16 = 5672;

    fn start() -> anyhow::Result<Self> {
        Self::launch()
    }

    fn url(&self) -> String {
        self.address()
    }

    fn is_installed() -> bool {
        private::program().is_some()
    }

    fn remedy() -> &'static str {
        if process::answers(Command::new("apt-get").arg("--version")) {
            "sudo apt-get install rabbitmq-server"
        } else {
            "TESSERA_TEST_AMQP_URL=amqp://USER:PASSWORD@HOST:5672/%2f make test"
        }
    }

    /// Whether it lets us in is for the driver to find out.
    fn attempt(url: &Url) -> Result<(), String> {
        greet(url).map_err(|error| format!("{error:#}"))
    }
}

fn greet(url: &Url) -> anyhow::Result<()> {
    let host = url.host_str().context("the URL names no host")?;
    let encrypted = url.scheme() == "amqps";
    let port = url.port().unwrap_or(if encrypted { 5671 } else { 5672 });
    let address = (host, port).to_socket_addrs()?.next().context("the name has no address")?;
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    if encrypted {
        return Ok(());
    }
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(GREETING)?;
    let mut answer = [0_u8; ANSWER.len()];
    stream.read_exact(&mut answer)?;
    ensure!(answer == ANSWER, "does not answer as RabbitMQ does");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::super::engine::reach;
    use super::*;

    #[test]
    fn strangers_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("amqp://{}", listener.local_addr().unwrap());
        let stranger = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            stream.read_exact(&mut [0; GREETING.len()]).unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n").unwrap();
        });
        assert!(reach::<RabbitMq>(&url).unwrap_err().contains("does not answer as RabbitMQ does"));
        stranger.join().unwrap();
        assert!(reach::<RabbitMq>(&url).is_err(), "nobody listens any more");
    }
}
