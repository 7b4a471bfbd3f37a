//! A provider of text messages that does what a test tells it.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A request to the provider of text messages.
#[derive(Clone, Debug)]
pub struct Texted {
    pub head: String,
    pub form: String,
}

/// A provider of text messages, that gives the same answer to each request until it is told another.
#[derive(Clone)]
pub struct SmsProvider {
    pub url: String,
    answer: Arc<watch::Sender<Option<(u16, &'static str)>>>,
    texted: Arc<watch::Sender<Vec<Texted>>>,
}

impl SmsProvider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let provider = Self { url, answer: Arc::default(), texted: Arc::default() };
        let accepting = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let provider = accepting.clone();
                tokio::spawn(async move { provider.talk(stream).await });
            }
        });
        provider
    }

    /// Gives this answer from now on; `None` goes away without one.
    pub fn now(&self, answer: Option<(u16, &'static str)>) {
        self.answer.send_replace(answer);
    }

    pub fn texted(&self) -> Vec<Texted> {
        self.texted.borrow().clone()
    }

    async fn talk(&self, mut stream: TcpStream) -> Option<()> {
        let mut read = Vec::new();
        let head = loop {
            if let Some(end) = read.windows(4).position(|part| part == b"\r\n\r\n") {
                break String::from_utf8(read.drain(..end + 4).collect()).ok()?;
            }
            if stream.read_buf(&mut read).await.ok()? == 0 {
                return None;
            }
        };
        let told =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        let length: usize = told?.parse().ok()?;
        while read.len() < length {
            stream.read_buf(&mut read).await.ok()?;
        }
        let form = String::from_utf8(read).ok()?;
        self.texted.send_modify(|texted| texted.push(Texted { head, form }));
        let (status, body) = (*self.answer.borrow())?;
        let answer =
            format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.ok()
    }
}
