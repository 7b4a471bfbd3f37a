//! A mail server and a provider of text messages that do what a test tells them.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How a mail server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// As it should.
    Takes,
    /// Not at all: it accepts connections and says nothing.
    Silent,
    /// With this line, to what begins so: `RCPT`, or `.` for the end of a mail.
    Says(&'static str, &'static str),
    /// It goes away when it has the whole mail.
    CutsAfterTheMail,
}

/// A mail server.
#[derive(Clone)]
pub struct MailServer {
    pub url: String,
    behaviour: Arc<watch::Sender<Behaviour>>,
    mails: Arc<watch::Sender<Vec<String>>>,
    connections: Arc<watch::Sender<usize>>,
}

impl MailServer {
    pub async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = Self {
            url: format!("smtp://{}", listener.local_addr().expect("bound")),
            behaviour: Arc::new(watch::Sender::new(behaviour)),
            mails: Arc::default(),
            connections: Arc::default(),
        };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepting.connections.send_modify(|connections| *connections += 1);
                let server = accepting.clone();
                tokio::spawn(async move { server.talk(stream).await });
            }
        });
        server
    }

    /// Behaves differently from now on, also towards who is connected.
    pub fn now(&self, behaviour: Behaviour) {
        self.behaviour.send_replace(behaviour);
    }

    /// The mails it has seen whole, as they came.
    pub fn mails(&self) -> Vec<String> {
        self.mails.borrow().clone()
    }

    /// How many connections there were so far; waits for the first.
    pub async fn connections(&self) -> usize {
        *self.connections.subscribe().wait_for(|connections| *connections > 0).await.expect("it listens")
    }

    async fn talk(&self, mut stream: TcpStream) -> Option<()> {
        let mut behaviour = self.behaviour.subscribe();
        if *behaviour.borrow() == Behaviour::Silent {
            // Held open; dropped as soon as something else is told.
            return behaviour.wait_for(|now| *now != Behaviour::Silent).await.ok().map(drop);
        }
        let (reader, mut writer) = stream.split();
        let mut lines = BufReader::new(reader).lines();
        let mut mail: Option<String> = None;
        writer.write_all(b"220 mail.test\r\n").await.ok()?;
        while let Ok(Some(line)) = lines.next_line().await {
            let behaviour = *self.behaviour.borrow();
            let ends = mail.is_some() && line == ".";
            if let (Some(mail), false) = (&mut mail, ends) {
                mail.push_str(&(line + "\n"));
                continue;
            }
            if let Some(mail) = mail.take() {
                self.mails.send_modify(|mails| mails.push(mail));
            }
            let answer = match behaviour {
                Behaviour::CutsAfterTheMail if ends => return None,
                Behaviour::Says(to, answer) if line.starts_with(to) => answer,
                _ if line.starts_with("DATA") => {
                    mail = Some(String::new());
                    "354 go on"
                }
                _ => "250 mail.test",
            };
            writer.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        }
        None
    }
}

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
