//! The load: connections that each begin again as soon as they are answered, for a bounded time and a bounded number of times.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::http::{Answer, Connection, Request};
use crate::latencies::Latencies;
use crate::stopwatch::Stopwatch;

/// What a right answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// Its status.
    pub status: u16,
    /// What its head has.
    pub head: &'static str,
    /// What its body has, each.
    pub body: Vec<String>,
}

impl Right {
    /// A status, and what the body has.
    pub fn body(status: u16, body: &[&str]) -> Self {
        Self { status, head: "", body: body.iter().map(|part| (*part).to_owned()).collect() }
    }

    fn is(&self, answer: Answer<'_>) -> bool {
        let has = |part: &String| answer.body.windows(part.len().max(1)).any(|bytes| bytes == part.as_bytes());
        answer.status == self.status && answer.head.contains(self.head) && self.body.iter().all(has)
    }
}

/// A request, and what must come back.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What is asked.
    pub request: Request,
    /// What must come back.
    pub right: Right,
}

/// What a connection does, one after the other, and then from the beginning. Together they are what is measured.
pub type Conversation = Vec<Exchange>;

/// One run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The port of this machine that is asked.
    pub port: u16,
    /// What each connection does; as many connections as there are of these.
    pub conversations: Vec<Conversation>,
    /// How long, at most.
    pub time: Duration,
    /// How many conversations, at most.
    pub count: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    /// Every conversation.
    pub latencies: Latencies,
    /// From the first request to the last answer.
    pub elapsed: Duration,
}

/// Connections of a plan, open and used once: what is only made on first use is there.
#[derive(Debug)]
pub struct Opened(Vec<(Connection, Conversation)>);

impl Opened {
    /// Opens them.
    ///
    /// # Errors
    /// When one cannot be opened, or its first answer is wrong.
    pub async fn new(plan: &Plan) -> anyhow::Result<Self> {
        let mut opened = Vec::new();
        for conversation in &plan.conversations {
            let mut connection = Connection::open(plan.port).await?;
            talk(&mut connection, conversation).await?;
            opened.push((connection, conversation.clone()));
        }
        Ok(Self(opened))
    }

    /// Puts the load on.
    ///
    /// # Errors
    /// When an answer is wrong, or none comes: the run says nothing then.
    pub async fn run(self, plan: &Plan) -> anyhow::Result<Done> {
        let left = Arc::new(AtomicU64::new(plan.count));
        let begun = Stopwatch::start();
        let mut connections = tokio::task::JoinSet::new();
        for (connection, conversation) in self.0 {
            let talking = Talking { connection, conversation, left: Arc::clone(&left) };
            connections.spawn(talking.run(begun, plan.time));
        }
        let mut latencies = Latencies::default();
        let all = async {
            while let Some(one) = connections.join_next().await {
                latencies.absorb(one.context("a connection was cancelled")??);
            }
            anyhow::Ok(())
        };
        let patience = plan.time + Duration::from_secs(10);
        tokio::time::timeout(patience, all).await.context("answers are missing")??;
        Ok(Done { latencies, elapsed: begun.elapsed() })
    }
}

struct Talking {
    connection: Connection,
    conversation: Conversation,
    left: Arc<AtomicU64>,
}

impl Talking {
    async fn run(mut self, begun: Stopwatch, time: Duration) -> anyhow::Result<Latencies> {
        let mut latencies = Latencies::default();
        let one_less = |left: u64| left.checked_sub(1);
        while begun.elapsed() < time && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
            let asked = Stopwatch::start();
            talk(&mut self.connection, &self.conversation).await?;
            latencies.note(asked.elapsed());
        }
        Ok(latencies)
    }
}

async fn talk(connection: &mut Connection, conversation: &[Exchange]) -> anyhow::Result<()> {
    for Exchange { request, right } in conversation {
        let answer = connection.exchange(request).await?;
        if !right.is(answer) {
            let body = String::from_utf8_lossy(answer.body);
            bail!("a wrong answer, so the run is void: {}\n\n{body}", answer.head);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right() -> Right {
        Right { head: "X-Session-Token", ..Right::body(200, &["\"jwt\"", "eyJ"]) }
    }

    #[test]
    fn an_answer_is_right_by_its_status_its_head_and_every_part_of_its_body() {
        let answer = Answer { status: 200, head: "X-Session-Token: t", body: b"{\"jwt\":\"eyJ\"}" };
        assert!(right().is(answer));
        assert!(!right().is(Answer { status: 201, ..answer }));
        assert!(!right().is(Answer { head: "", ..answer }));
        assert!(!right().is(Answer { body: b"{\"jwt\":null}", ..answer }));
    }

    /// A server that answers the first `good` requests with 200 and the others with 500.
    async fn server(good: usize) -> u16 {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answered = Arc::new(AtomicU64::new(0));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answered = Arc::clone(&answered);
                tokio::spawn(async move {
                    let mut bytes = [0; 1024];
                    while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {
                        let number = answered.fetch_add(1, Ordering::Relaxed);
                        let status = if number < u64::try_from(good).unwrap() { 200 } else { 500 };
                        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nok");
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        port
    }

    async fn run(good: usize, count: u64) -> anyhow::Result<Done> {
        let plan = Plan {
            port: server(good).await,
            conversations: vec![
                vec![Exchange { request: Request::get("/", &[]), right: Right::body(200, &["ok"]) }];
                2
            ],
            time: Duration::from_secs(60),
            count,
        };
        Opened::new(&plan).await?.run(&plan).await
    }

    #[tokio::test]
    async fn a_run_ends_at_its_number_of_requests() {
        assert_eq!(run(usize::MAX / 2, 20).await.unwrap().latencies.count(), 20);
    }

    #[tokio::test]
    async fn one_wrong_answer_voids_a_run() {
        let error = run(12, 20).await.unwrap_err();
        assert!(error.to_string().contains("void"), "{error:#}");
    }
}
