//! Mail by SMTP.

use std::sync::Arc;

use lettre::message::header::{ContentType, MIME_VERSION_1_0};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::{Address, Message as Mail};
use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::tls::Trust;

use super::mail_server::MailServer;
use super::{Letter, SendError};
use crate::domain::message::Sender;
use crate::domain::patience::Patience;

/// A mail server that takes our mail. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Smtp {
    server: Arc<MailServer>,
    from: Mailbox,
}

/// Why a mail server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SmtpSettingError {
    /// The URL.
    #[error("setting `verify.smtp_url`: {0}; write smtps://user:password@host, or smtp://…?tls=required")]
    Url(String),
    /// The address.
    #[error("setting `verify.mail_from`: {0}; write `Name <address@host>`")]
    From(lettre::address::AddressError),
}

impl Smtp {
    /// The server at `url`; what is from the platform itself is from `from`, as `Name <address@host>`. The authorities of `trust` count
    /// besides the system's: the server may be our own, and is usually somebody else's.
    ///
    /// # Errors
    /// When one of them cannot be read. The server is not asked yet.
    pub fn new(url: &SecretString, from: &str, trust: &Trust, patience: Patience) -> Result<Self, SmtpSettingError> {
        let server = MailServer::at(url.expose_secret(), trust, patience).map_err(SmtpSettingError::Url)?;
        Ok(Self { server: Arc::new(server), from: from.parse().map_err(SmtpSettingError::From)? })
    }

    pub(super) async fn send(&self, letter: Letter) -> Result<(), SendError> {
        // An error of the library may quote what it could not write.
        let mail = self.mail(letter).map_err(|_| SendError::Refused("the mail cannot be written".to_owned()))?;
        self.server.send(mail.envelope(), &mail.formatted()).await
    }

    /// A repetition has the same id, so that a receiver can know it again.
    fn mail(&self, letter: Letter) -> anyhow::Result<Mail> {
        let Letter { id, destination, message, .. } = letter;
        let host = self.from.email.domain();
        let to = Mailbox::new(None, destination.parse::<Address>()?);
        let builder: MessageBuilder = Mail::builder()
            .message_id(Some(format!("<{id}@{host}>")))
            .from(self.sender(message.sender))
            .to(to)
            .subject(one_line(&message.subject.unwrap_or_default()));
        // Without it what follows means nothing (RFC 2045, 4), and the library does not add it.
        Ok(builder.header(MIME_VERSION_1_0).header(ContentType::TEXT_HTML).body(with_line_feeds(&message.body))?)
    }

    /// A name alone stands before the platform's own address, and so does an address that is none, as a name.
    fn sender(&self, Sender { name, address }: Sender) -> Mailbox {
        let given = address.as_deref().and_then(|address| address.parse::<Address>().ok());
        match (name.or_else(|| address.filter(|_| given.is_none())), given) {
            (None, None) => self.from.clone(),
            (name, given) => {
                Mailbox::new(name.as_deref().map(one_line), given.unwrap_or_else(|| self.from.email.clone()))
            }
        }
    }
}

/// Every line of a body ends with a line feed, of which the library makes CRLF. A carriage return alone it would send as it is, and the
/// dots behind it too: a server that takes it for a line's end would see the mail end there, and commands behind it.
fn with_line_feeds(body: &str) -> String {
    body.replace("\r\n", "\n").replace('\r', "\n")
}

/// What stands in a header has no line ends, nor other control characters.
fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use tessera_common::clock::Clock;
    use tessera_common::tls::{DevCertificates, ServerIdentity};
    use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, split};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use uuid::Uuid;

    use crate::domain::message::{Channel, Message, Sender};

    /// A mail server that answers `end` to a message, and the message.
    async fn server(end: &'static str) -> (SecretString, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("smtp://{}", listener.local_addr().expect("bound")).into();
        let talk = tokio::spawn(async move { talk(listener.accept().await.expect("a client").0, end).await });
        (url, talk)
    }

    /// The server's part of a conversation; answers the mail.
    async fn talk(stream: impl AsyncRead + AsyncWrite, end: &'static str) -> String {
        let (reader, mut writer) = split(stream);
        let mut lines = BufReader::new(reader).lines();
        let (mut mail, mut in_mail) = (String::new(), false);
        writer.write_all(b"220 mail.test\r\n").await.expect("written");
        while let Ok(Some(line)) = lines.next_line().await {
            let answer = match (in_mail, line.split(' ').next()) {
                (true, Some(".")) => {
                    in_mail = false;
                    end
                }
                (true, _) => {
                    mail += &(line + "\n");
                    continue;
                }
                (false, Some("DATA")) => {
                    in_mail = true;
                    "354 go on"
                }
                (false, Some("QUIT")) => break,
                (false, _) => "250 mail.test",
            };
            writer.write_all(format!("{answer}\r\n").as_bytes()).await.expect("written");
            if answer == end {
                break;
            }
        }
        mail
    }

    fn patience() -> Patience {
        Patience::try_from(9_000).expect("a patience")
    }

    fn letter(subject: &str, name: Option<&str>) -> Letter {
        let message = Message {
            subject: Some(subject.to_owned()),
            body: "<p>Code 12345</p>".to_owned(),
            sender: Sender { name: name.map(str::to_owned), address: None },
        };
        Letter { id: Uuid::nil(), channel: Channel::Email, destination: "ada@example.org".to_owned(), message }
    }

    async fn sent(end: &'static str, letter: Letter) -> (Result<(), SendError>, String) {
        let (url, talk) = server(end).await;
        let smtp = Smtp::new(&url, "Tessera <no-reply@id.example>", &Trust::default(), patience()).expect("a sender");
        let outcome = smtp.send(letter).await;
        drop(smtp);
        (outcome, talk.await.expect("the talk"))
    }

    #[tokio::test]
    async fn a_mail_has_its_addresses_its_text_and_a_name_that_repetitions_keep() {
        let (outcome, mail) = sent("250 taken", letter("Verify your email", None)).await;
        assert!(outcome.is_ok(), "{outcome:?}");
        for line in [
            "From: Tessera <no-reply@id.example>",
            "To: ada@example.org",
            "Subject: Verify your email",
            "Message-ID: <00000000-0000-0000-0000-000000000000@id.example>",
            "MIME-Version: 1.0",
            "Content-Type: text/html; charset=utf-8",
            "<p>Code 12345</p>",
        ] {
            assert!(mail.lines().any(|found| found == line), "{line} in {mail}");
        }
    }

    #[tokio::test]
    async fn whatever_the_name_the_address_is_the_one_that_was_given() {
        let smtp = Smtp::new(
            &"smtp://127.0.0.1:1".to_owned().into(),
            "Tessera <no-reply@id.example>",
            &Trust::default(),
            patience(),
        );
        let smtp = smtp.expect("a sender");
        for (name, address, shown, from) in [
            (Some("Shop"), Some("a@shop.test"), Some("Shop"), "a@shop.test"),
            (
                Some("Shop, Inc. (EU): \"best\" <x>"),
                Some("a@shop.test"),
                Some("Shop, Inc. (EU): \"best\" <x>"),
                "a@shop.test",
            ),
            (Some("eve@example.org"), None, Some("eve@example.org"), "no-reply@id.example"),
            (Some("Shop"), Some("no address"), Some("Shop"), "no-reply@id.example"),
            (None, Some("a@shop.test"), None, "a@shop.test"),
            (None, Some("no address"), Some("no address"), "no-reply@id.example"),
            (None, None, Some("Tessera"), "no-reply@id.example"),
        ] {
            let sender = smtp.sender(Sender { name: name.map(str::to_owned), address: address.map(str::to_owned) });
            assert_eq!((sender.name.as_deref(), sender.email.as_ref()), (shown, from), "{name:?} {address:?}");
        }
    }

    #[tokio::test]
    async fn nothing_that_is_given_becomes_a_header() {
        let hostile = letter("Hello\r\nBcc: eve@example.org\r\n\r\nnew body", Some("Shop\r\nBcc: eve@example.org"));
        let (_, mail) = sent("250 taken", hostile).await;
        assert!(mail.lines().all(|line| !line.starts_with("Bcc:") && line != "new body"), "{mail}");
    }

    #[tokio::test]
    async fn a_refusal_for_good_is_told_from_one_for_now() {
        assert!(matches!(sent("550 no such user", letter("Hi", None)).await.0, Err(SendError::Refused(_))));
        assert!(matches!(sent("451 come back later", letter("Hi", None)).await.0, Err(SendError::Deferred(_))));
        let nobody = SecretString::from("smtp://127.0.0.1:1");
        let smtp = Smtp::new(&nobody, "no-reply@id.example", &Trust::default(), patience()).expect("a sender");
        let unreachable = smtp.send(letter("Hi", None)).await;
        assert!(matches!(unreachable, Err(SendError::Unavailable(_))));
    }

    #[tokio::test]
    async fn what_cannot_be_used_names_the_setting() {
        let refused = |url: &str, from: &str| Smtp::new(&url.to_owned().into(), from, &Trust::default(), patience());
        let message = |url, from| refused(url, from).expect_err("refused").to_string();
        assert!(message("mail.example", "a@b.example").contains("`verify.smtp_url`"));
        assert!(message("smtp://mail.example", "nobody").contains("`verify.mail_from`"));
    }

    #[tokio::test]
    async fn a_mail_server_is_trusted_by_the_authorities_that_are_named() {
        let [ours, other] = [(); 2].map(|()| DevCertificates::make(&[], &Clock::machine()).expect("certificates"));
        let folder = tempfile::tempdir().expect("a folder");
        let (certificate, key) = (folder.path().join("server.pem"), folder.path().join("server.key"));
        std::fs::write(&certificate, &ours.certificate).expect("written");
        std::fs::write(&key, ours.key.expose_secret()).expect("written");
        let identity = ServerIdentity::open(&certificate, &key).expect("an identity");
        let acceptor = TlsAcceptor::from(Arc::new(identity.server_config().expect("TLS")));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = SecretString::from(format!("smtps://localhost:{}", listener.local_addr().expect("bound").port()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(stream) = acceptor.accept(stream).await {
                    talk(stream, "250 taken").await;
                }
            }
        });
        for (trust, trusted) in [
            (Trust::of_pem(ours.authority.as_bytes()).expect("trust"), true),
            (Trust::of_pem(other.authority.as_bytes()).expect("trust"), false),
            (Trust::default(), false),
        ] {
            let smtp = Smtp::new(&url, "no-reply@id.example", &trust, patience()).expect("a sender");
            let outcome = smtp.send(letter("Hi", None)).await;
            assert_eq!(outcome.is_ok(), trusted, "{trust:?}: {outcome:?}");
        }
    }
}
