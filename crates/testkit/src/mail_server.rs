//! A mail server that does what a test tells it.

use std::sync::Arc;
use std::time::Duration;

use tessera_common::tls::ServerIdentity;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::tls_files::TlsFiles;

/// The pause between two characters of a slow greeting.
const SLOWNESS: Duration = Duration::from_secs(1);

/// How a mail server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailBehaviour {
    /// As it should.
    Takes,
    /// Not at all: it accepts connections and says nothing.
    Silent,
    /// With a greeting of 30 characters, one a second, and then as it should.
    Slow,
    /// With this line, to what begins so: `RCPT`, or `.` for the end of a mail.
    Says(&'static str, &'static str),
    /// It goes away when it has the whole mail.
    CutsAfterTheMail,
}

/// A line that a mail server has heard outside of mails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The line.
    pub line: String,
    /// Whether the connection was encrypted.
    pub encrypted: bool,
}

/// A mail server on a port of its own. Clones are the same.
#[derive(Clone, Debug)]
pub struct MailServer {
    /// Where it is, as `verify.smtp_url` says it.
    pub url: String,
    behaviour: Arc<watch::Sender<MailBehaviour>>,
    mails: Arc<watch::Sender<Vec<String>>>,
    connections: Arc<watch::Sender<usize>>,
    heard: Arc<watch::Sender<Vec<Heard>>>,
    /// What it says it can, but for STARTTLS.
    extensions: &'static [&'static str],
    certificate: Option<TlsFiles>,
}

impl MailServer {
    /// One that behaves so.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn start(behaviour: MailBehaviour) -> Self {
        Self::offering(behaviour, &[], None).await
    }

    /// One that says it has these extensions (`AUTH PLAIN LOGIN`), and STARTTLS if it has a certificate. Whatever a client says of itself, it
    /// believes.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn offering(
        behaviour: MailBehaviour,
        extensions: &'static [&'static str],
        certificate: Option<&TlsFiles>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = Self {
            url: format!("smtp://{}", listener.local_addr().expect("bound")),
            behaviour: Arc::new(watch::Sender::new(behaviour)),
            mails: Arc::default(),
            connections: Arc::default(),
            heard: Arc::default(),
            extensions,
            certificate: certificate.cloned(),
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

    /// What it was told outside of mails.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.borrow().clone()
    }

    /// Waits until it was told something that begins so.
    ///
    /// # Panics
    /// When it does not listen any more.
    pub async fn hears(&self, start: &str) {
        let is_told = |heard: &Vec<Heard>| heard.iter().any(|heard| heard.line.starts_with(start));
        let _ = self.heard.subscribe().wait_for(is_told).await.expect("it listens");
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

    async fn talk(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        let behaviour = *self.behaviour.borrow();
        match behaviour {
            MailBehaviour::Silent => return self.silence().await,
            MailBehaviour::Slow => greet_slowly(&mut stream).await?,
            _ => stream.write_all(b"220 mail.test\r\n").await.ok()?,
        }
        let plain = self.converse(stream, false).await?;
        let encrypted = acceptor(self.certificate.as_ref()?).accept(plain).await.ok()?;
        self.converse(BufReader::new(encrypted), true).await.map(drop)
    }

    /// Answers what a client says; gives the connection back when it is to be encrypted.
    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: BufReader<S>,
        encrypted: bool,
    ) -> Option<S> {
        let mut mail: Option<String> = None;
        let mut questions: &[&str] = &[];
        while let Some(line) = next_line(&mut stream).await {
            let behaviour = *self.behaviour.borrow();
            if behaviour == MailBehaviour::Silent {
                self.silence().await?;
                return None;
            }
            let ends = mail.is_some() && line == ".";
            if let (Some(mail), false) = (&mut mail, ends) {
                mail.push_str(&(line + "\n"));
                continue;
            }
            if let Some(mail) = mail.take() {
                self.mails.send_modify(|mails| mails.push(mail));
            } else {
                self.heard.send_modify(|heard| heard.push(Heard { line: line.clone(), encrypted }));
            }
            if line == "AUTH LOGIN" {
                // For the name, and for the password.
                questions = &["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"];
            }
            let answer = match behaviour {
                MailBehaviour::CutsAfterTheMail if ends => return None,
                MailBehaviour::Says(to, answer) if line.starts_with(to) => answer.to_owned(),
                _ if line == "STARTTLS" && self.certificate.is_some() => "220 go on".to_owned(),
                _ if line.starts_with("EHLO") => self.extended(encrypted),
                _ if let [question, others @ ..] = questions => {
                    questions = others;
                    (*question).to_owned()
                }
                _ if line.starts_with("DATA") => {
                    mail = Some(String::new());
                    "354 go on".to_owned()
                }
                _ => "250 mail.test".to_owned(),
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
            if answer == "220 go on" {
                return Some(stream.into_inner());
            }
        }
        None
    }

    /// The answer to EHLO.
    fn extended(&self, encrypted: bool) -> String {
        let starttls = (self.certificate.is_some() && !encrypted).then_some("STARTTLS");
        let extensions = self.extensions.iter().copied().chain(starttls);
        extensions.map(|extension| format!("250-{extension}\r\n")).collect::<String>() + "250 mail.test"
    }
}

fn acceptor(certificate: &TlsFiles) -> TlsAcceptor {
    let folder = tempfile::tempdir().expect("a folder");
    let (public, private) = (folder.path().join("server.pem"), folder.path().join("server.key"));
    std::fs::write(&public, &certificate.certificate).expect("written");
    std::fs::write(&private, &certificate.key).expect("written");
    let identity = ServerIdentity::open(&public, &private).expect("an identity");
    TlsAcceptor::from(Arc::new(identity.server_config().expect("TLS")))
}

async fn greet_slowly(stream: &mut BufReader<TcpStream>) -> Option<()> {
    for byte in format!("220 {:23}OK\r\n", "mail.test").bytes() {
        stream.write_all(&[byte]).await.ok()?;
        tokio::time::sleep(SLOWNESS).await;
    }
    Some(())
}

/// The next line of a client; `None` when it has gone.
async fn next_line(stream: &mut BufReader<impl AsyncRead + Unpin>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    (read > 0).then(|| line.strip_suffix('\r').unwrap_or(line).to_owned())
}
