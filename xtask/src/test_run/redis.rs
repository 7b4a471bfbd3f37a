//! Redis.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use reqwest::Url;

use super::engine::{Engine, reach};
use crate::process;

const TIMEOUT: Duration = Duration::from_secs(3);
/// How often a private server is asked whether it is there, and how long between.
const QUESTIONS: u32 = 100;
const BETWEEN: Duration = Duration::from_millis(100);

/// A server of this run. It keeps nothing; dropped, it is stopped.
#[derive(Debug)]
pub struct Redis {
    child: Child,
    port: u16,
}

impl Engine for Redis {
    const NAME: &'static str = "Redis";
    const WITHOUT: &'static str = "limits are tested in memory alone";
    const URL: &'static str = "TESSERA_TEST_REDIS_URL";
    const SWITCH: &'static str = "TESSERA_TEST_REDIS";
    const SWITCH_ON: &'static str = "env --unset=TESSERA_TEST_REDIS make test";
    const USUAL: &'static str = "redis://127.0.0.1:6379/0";
    const PORT: u16 = 6379;

    fn start() -> anyhow::Result<Self> {
        let port =
            TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).context("no free port")?.port();
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("redis-server did not start")?;
        // From here on it is stopped whatever happens.
        let server = Self { child, port };
        for _ in 0..QUESTIONS {
            if reach::<Self>(&server.url()).is_ok() {
                return Ok(server);
            }
            thread::sleep(BETWEEN);
        }
        bail!("redis-server does not answer")
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    fn is_installed() -> bool {
        process::answers(Command::new("redis-server").arg("--version"))
    }

    fn remedy() -> &'static str {
        if process::answers(Command::new("apt-get").arg("--version")) {
            "sudo apt-get install redis-server"
        } else {
            "TESSERA_TEST_REDIS_URL=redis://HOST:6379/0 make test"
        }
    }

    /// Whether it lets us in is for the driver to find out.
    fn attempt(url: &Url) -> Result<(), String> {
        ping(url).map_err(|error| format!("{error:#}"))
    }
}

fn ping(url: &Url) -> anyhow::Result<()> {
    let host = url.host_str().context("the URL names no host")?;
    let addresses = (host, url.port().unwrap_or(6379)).to_socket_addrs()?;
    let address = addresses.into_iter().next().context("the name has no address")?;
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    if url.scheme() == "rediss" {
        return Ok(());
    }
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0_u8; 1];
    stream.read_exact(&mut answer)?;
    ensure!(matches!(answer, [b'+' | b'-']), "does not answer as Redis does");
    Ok(())
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("cannot stop redis-server: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let stranger = thread::spawn(move || listener.accept().unwrap().0.write_all(b"HTTP/1.1 400 Bad Request\r\n"));
        assert!(reach::<Redis>(&url).unwrap_err().contains("does not answer as Redis does"));
        stranger.join().unwrap().unwrap();
        assert!(reach::<Redis>(&url).is_err(), "nobody listens any more");
    }

    /// On a machine with the program: the server answers, and nothing of it stays.
    #[test]
    fn a_private_server_answers_and_goes_away() {
        if !Redis::is_installed() {
            return;
        }
        let server = Redis::start().unwrap();
        let url = server.url();
        assert_eq!(reach::<Redis>(&url), Ok(()));

        drop(server);

        assert!(reach::<Redis>(&url).is_err());
    }
}
