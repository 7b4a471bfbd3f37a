//! Connections to a mail server. They are our own because of what a mail's fate depends on: how far the conversation came.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, Tls, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use tessera_common::tls::Trust;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use url::Url;

use super::SendError;
use crate::domain::patience::Patience;

/// How long a connection that nothing is sent over is kept.
const KEPT: Duration = Duration::from_secs(30);

/// A server may say that it closes the connection at any time (RFC 5321, 3.8).
const CLOSES: u16 = 421;

/// A mail server, and the connections to it that are idle.
#[derive(Debug)]
pub struct MailServer {
    host: String,
    port: u16,
    tls: Tls,
    name: ClientId,
    credentials: Option<Credentials>,
    /// For each of the three parts of a conversation: until we may speak, the envelope, the mail.
    patience: Patience,
    idle: Mutex<Idle>,
}

/// Connections that had nothing unsaid when they were last used.
#[derive(Default)]
struct Idle(Vec<(AsyncSmtpConnection, Instant)>);

impl std::fmt::Debug for Idle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} connections", self.0.len())
    }
}

impl MailServer {
    /// The server at `url`, as `smtps://user:password@host:465` or `smtp://…:587?tls=required`; its path is the name that we call ourselves.
    /// The authorities of `trust` count besides the system's.
    ///
    /// # Errors
    /// Says what is wrong with the URL.
    pub fn at(url: &str, trust: &Trust, patience: Patience) -> Result<Self, String> {
        let url: Url = url.parse().map_err(|error| format!("it is not a URL ({error})"))?;
        let host = url.host_str().ok_or("it names no host")?.to_owned();
        let verified = || parameters(&host, trust).map_err(|error| error.to_string());
        let how = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, how)| how.into_owned());
        let (tls, port) = match (url.scheme(), how.as_deref()) {
            ("smtps", _) => (Tls::Wrapper(verified()?), 465),
            ("smtp", Some("required")) => (Tls::Required(verified()?), 587),
            ("smtp", Some("opportunistic")) => (Tls::Opportunistic(verified()?), 587),
            ("smtp", None) => (Tls::None, 25),
            _ => return Err("its scheme or its `tls` is none that we know".to_owned()),
        };
        let name = match url.path().trim_matches('/') {
            "" => ClientId::default(),
            name => ClientId::Domain(name.to_owned()),
        };
        let credentials = url.password().map(|password| Credentials::new(decoded(url.username()), decoded(password)));
        let (port, idle) = (url.port().unwrap_or(port), Mutex::default());
        Ok(Self { host, port, tls, name, credentials, patience, idle })
    }

    /// Hands a mail over. A connection on which something was left unsaid is dropped: what comes next could be taken for a part of it.
    ///
    /// # Errors
    /// What the server said, or how far it came, and so what that means for the mail.
    pub async fn send(&self, envelope: &Envelope, mail: &[u8]) -> Result<(), SendError> {
        let unsent = || SendError::Unavailable("the mail server does not answer".to_owned());
        let lost = || SendError::Lost("the mail server did not say whether it took the mail".to_owned());
        let patience = self.patience.get();
        let opened = timeout(patience, self.connection()).await.map_err(|_| unsent())?;
        let mut connection = opened.map_err(|error| not_let_in(&error))?;
        let addressed = timeout(patience, address(&mut connection, envelope)).await.map_err(|_| unsent())?;
        addressed?;
        let taken = timeout(patience, connection.message(mail)).await.map_err(|_| lost())?;
        taken.map_err(|error| answer("the mail", &error).unwrap_or_else(lost))?;
        self.idle.lock().await.0.push((connection, Instant::now()));
        Ok(())
    }

    /// A connection over which a mail can be begun.
    async fn connection(&self) -> Result<AsyncSmtpConnection, Error> {
        loop {
            let kept = self.idle.lock().await.0.pop();
            match kept {
                Some((mut connection, since)) if since.elapsed() < KEPT => {
                    if connection.test_connected().await {
                        return Ok(connection);
                    }
                }
                Some(_) => {}
                None => return self.open().await,
            }
        }
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, Error> {
        let (host, name) = ((self.host.as_str(), self.port), &self.name);
        let wrapper = match &self.tls {
            Tls::Wrapper(parameters) => Some(parameters.clone()),
            _ => None,
        };
        let mut connection = AsyncSmtpConnection::connect_tokio1(host, None, name, wrapper, None).await?;
        match &self.tls {
            Tls::Required(parameters) => connection.starttls(parameters.clone(), name).await?,
            Tls::Opportunistic(parameters) if connection.can_starttls() => {
                connection.starttls(parameters.clone(), name).await?;
            }
            _ => {}
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }
}

/// Says whom a mail is from and for, up to the point at which the server waits for it.
async fn address(connection: &mut AsyncSmtpConnection, envelope: &Envelope) -> Result<(), SendError> {
    let mut parameters = vec![];
    let mut addresses = envelope.to().iter().chain(envelope.from());
    if !addresses.all(|address| address.to_string().is_ascii()) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(SendError::Refused("the mail server takes no addresses beyond ASCII".to_owned()));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    let cut = || SendError::Unavailable("the mail server broke off".to_owned());
    let refused = |what, error: &Error| answer(what, error).unwrap_or_else(cut);
    let mail = Mail::new(envelope.from().cloned(), parameters);
    connection.command(mail).await.map_err(|error| refused("the sender", &error))?;
    for recipient in envelope.to() {
        let recipient = Rcpt::new(recipient.clone(), vec![]);
        connection.command(recipient).await.map_err(|error| refused("the recipient", &error))?;
    }
    connection.command(Data).await.map_err(|error| refused("the mail", &error))?;
    Ok(())
}

/// Whoever does not let us in does not let any mail in: a wrong password is mended by the operator.
fn not_let_in(error: &Error) -> SendError {
    let how = match error.status() {
        Some(code) => format!("answers {code}"),
        None if error.is_tls() => "cannot be trusted".to_owned(),
        None => "cannot be spoken with".to_owned(),
    };
    SendError::Unavailable(format!("the mail server {how}"))
}

/// What the answer of a server means for the mail; `None` where it is none. Its text is not repeated: it often has the address in it.
fn answer(what: &str, error: &Error) -> Option<SendError> {
    let code = error.status()?;
    let said = format!("the mail server answers {code} to {what}");
    Some(match u16::from(code) {
        CLOSES => SendError::Unavailable(said),
        _ if error.is_permanent() => SendError::Refused(said),
        _ => SendError::Deferred(said),
    })
}

fn parameters(host: &str, trust: &Trust) -> Result<TlsParameters, Error> {
    let parameters = TlsParameters::builder(host.to_owned());
    match trust.pem() {
        Some(authorities) => parameters.add_root_certificate(Certificate::from_pem(authorities)?).build(),
        None => parameters.build(),
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}
