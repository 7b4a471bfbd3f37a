//! A mail server that does what a test tells it.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How a mail server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailBehaviour {
    /// As it should.
    Takes,
    /// Not at all: it accepts connections and says nothing.
    Silent,
    /// With this line, to what begins so: `RCPT`, or `.` for the end of a mail.
    Says(&'static str, &'static str),
    /// It goes away when it has the whole mail.
    CutsAfterTheMail,
}

/// A mail server on a port of its own. Clones are the same.
#[derive(Clone, Debug)]
pub struct MailServer {
    /// Where it is, as `verify.smtp_url` says it.
    pub url: String,
    behaviour: Arc<watch::Sender<MailBehaviour>>,
    mails: Arc<watch::Sender<Vec<String>>>,
    connections: Arc<watch::Sender<usize>>,
}

impl MailServer {
    /// One that behaves so.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn start(behaviour: MailBehaviour) -> Self {
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
    pub fn now(&self, behaviour: MailBehaviour) {
        self.behaviour.send_replace(behaviour);
    }

    /// The mails it has seen whole, as they came.
    #[must_use]
    pub fn mails(&self) -> Vec<String> {
        self.mails.borrow().clone()
    }

    /// Waits until it has seen so many mails whole.
    ///
    /// # Panics
    /// When it does not listen any more.
    pub async fn has(&self, number: usize) {
        let mut mails = self.mails.subscribe();
        let _ = mails.wait_for(|mails| mails.len() >= number).await.expect("it listens");
    }
    /// How many connections there were so far; waits for the first.
    ///
    /// # Panics
    /// When it does not listen any more.
    pub async fn connections(&self) -> usize {
        *self.connections.subscribe().wait_for(|connections| *connections > 0).await.expect("it listens")
    }

    /// Holds a connection open until something else is told.
    async fn silence(&self) -> Option<()> {
        self.behaviour.subscribe().wait_for(|now| *now != MailBehaviour::Silent).await.ok().map(drop)
    }

    async fn talk(&self, mut stream: TcpStream) -> Option<()> {
        if *self.behaviour.borrow() == MailBehaviour::Silent {
            return self.silence().await;
        }
        let (reader, mut writer) = stream.split();
        let mut lines = BufReader::new(reader).lines();
        let mut mail: Option<String> = None;
        writer.write_all(b"220 mail.test\r\n").await.ok()?;
        while let Ok(Some(line)) = lines.next_line().await {
            let behaviour = *self.behaviour.borrow();
            if behaviour == MailBehaviour::Silent {
                return self.silence().await;
            }
            let ends = mail.is_some() && line == ".";
            if let (Some(mail), false) = (&mut mail, ends) {
                mail.push_str(&(line + "\n"));
                continue;
            }
            if let Some(mail) = mail.take() {
                self.mails.send_modify(|mails| mails.push(mail));
            }
            let answer = match behaviour {
                MailBehaviour::CutsAfterTheMail if ends => return None,
                MailBehaviour::Says(to, answer) if line.starts_with(to) => answer,
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
