//! PostgreSQL, Redis and RabbitMQ of one test: made from locally installed programs, on free ports, gone with their values.
//!
//! They run as children of the test's process and in its process group, so that whoever ends that ends them too.

mod installation;
mod postgres;
mod rabbitmq;
mod redis;

use std::time::Duration;

use tessera_testkit::TlsFiles;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub use postgres::Postgres;
pub use rabbitmq::RabbitMq;
pub use redis::Redis;

/// How long an engine may take for one answer.
const ANSWER: Duration = Duration::from_secs(2);

/// Private engines: one of each.
#[derive(Debug)]
pub struct Engines {
    /// PostgreSQL.
    pub postgres: Postgres,
    /// Redis.
    pub redis: Redis,
    /// RabbitMQ.
    pub rabbitmq: RabbitMq,
}

impl Engines {
    /// Starts all three at the same time; RabbitMQ takes longest, about eight seconds on an idle machine. `None` where one is not
    /// installed: what needs them is left out.
    ///
    /// # Panics
    /// When one does not come up; with what it said.
    pub async fn start() -> Option<Self> {
        let (postgres, redis, rabbitmq) = tokio::join!(Postgres::start(), Redis::start(), RabbitMq::start());
        Some(Self { postgres: postgres?, redis: redis?, rabbitmq: rabbitmq? })
    }

    /// As [`Engines::start`]; each speaks TLS, too, and shows what is given for it.
    ///
    /// # Panics
    /// As [`Engines::start`].
    pub async fn start_over_tls(postgres: &TlsFiles, redis: &TlsFiles, rabbitmq: &TlsFiles) -> Option<Self> {
        let (postgres, redis, rabbitmq) = tokio::join!(
            Postgres::start_with(&[], Some(postgres)),
            Redis::start_with(Some(redis)),
            RabbitMq::start_with(Some(rabbitmq))
        );
        Some(Self { postgres: postgres?, redis: redis?, rabbitmq: rabbitmq? })
    }
}

/// Whether PostgreSQL lets its superuser in at this port.
pub async fn answers_postgres(port: u16) -> bool {
    answers(port, &postgres::start_message(), b"R").await
}

/// Whether Redis answers at this port.
pub async fn answers_redis(port: u16) -> bool {
    answers(port, b"PING\r\n", b"+PONG\r\n").await
}

/// Whether a broker answers at this port as AMQP 0-9-1 says: with a method frame.
pub async fn answers_amqp(port: u16) -> bool {
    answers(port, b"AMQP\x00\x00\x09\x01", &[1]).await
}

/// Whether what comes back, when this is said to a port, begins so.
async fn answers(port: u16, said: &[u8], expected: &[u8]) -> bool {
    let talk = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(said).await?;
        let mut answer = vec![0; expected.len()];
        stream.read_exact(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    matches!(timeout(ANSWER, talk).await, Ok(Ok(answer)) if answer == expected)
}
