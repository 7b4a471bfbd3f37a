//! Speaking HTTP to a process.

use std::time::Duration;

use reqwest::Method;
use tessera_testkit::{Call, TlsFiles};

/// A caller with connections of its own. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Api {
    http: reqwest::Client,
    origin: String,
}

impl Api {
    /// A caller of an origin that needs no authorities of its own.
    ///
    /// # Panics
    /// When the machine's own cannot be read.
    #[must_use]
    pub fn new(origin: String) -> Self {
        Self::built(origin, reqwest::Client::builder())
    }

    /// A caller of a port of this machine; over TLS where that is what is shown there.
    pub(crate) fn of_port(port: u16, tls: Option<&TlsFiles>) -> Self {
        match tls {
            None => Self::new(format!("http://localhost:{port}")),
            Some(tls) => Self::trusting(format!("https://localhost:{port}"), &tls.authority),
        }
    }

    /// A caller that trusts the authorities in a PEM text, and no others.
    ///
    /// # Panics
    /// When there are none in it.
    #[must_use]
    pub fn trusting(origin: String, authorities: &str) -> Self {
        let authorities = reqwest::Certificate::from_pem_bundle(authorities.as_bytes()).expect("authorities");
        Self::built(origin, reqwest::Client::builder().tls_certs_only(authorities))
    }

    fn built(origin: String, http: reqwest::ClientBuilder) -> Self {
        let http = http
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(40))
            .resolve("localhost", ([127, 0, 0, 1], 0).into());
        Self { http: http.build().expect("a client"), origin }
    }

    /// Where it calls, which is also the program's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// `GET path`.
    #[must_use]
    pub fn get(&self, path: &str) -> Call {
        self.request(Method::GET, path)
    }

    /// `HEAD path`.
    #[must_use]
    pub fn head(&self, path: &str) -> Call {
        self.request(Method::HEAD, path)
    }

    /// `POST path`.
    #[must_use]
    pub fn post(&self, path: &str) -> Call {
        self.request(Method::POST, path)
    }

    /// `PUT path`.
    #[must_use]
    pub fn put(&self, path: &str) -> Call {
        self.request(Method::PUT, path)
    }

    /// `DELETE path`.
    #[must_use]
    pub fn delete(&self, path: &str) -> Call {
        self.request(Method::DELETE, path)
    }

    /// The path of the newest link that was mailed to an address; `None` if the program is gone.
    ///
    /// # Panics
    /// When nothing was mailed in 20 seconds, or there is no link in it.
    pub async fn mailed_link(&self, email: &str) -> Option<String> {
        let answer = self.get(&format!("/dev/messages?to={email}&wait=20")).try_send().await.ok()?;
        let messages = answer.expect(200).json();
        let body = messages.pointer("/0/body").and_then(|body| body.as_str()).expect("a message");
        Some(self.link_in(body))
    }

    /// The path of the link in a mail.
    pub(crate) fn link_in(&self, body: &str) -> String {
        let body = body.replace("&#38;", "&");
        let (_, link) = body.split_once(&format!("\"{}/identity/", self.origin)).expect("a link to this platform");
        format!("/identity/{}", link.split('"').next().unwrap_or_default())
    }

    /// Whether the program behind an internal port says that it can work.
    pub(crate) async fn is_ready(&self) -> bool {
        self.get("/health/ready").try_send().await.is_ok_and(|answer| answer.status == 200)
    }

    fn request(&self, method: Method, path: &str) -> Call {
        Call::new(self.http.request(method, format!("{}{path}", self.origin)))
    }
}
