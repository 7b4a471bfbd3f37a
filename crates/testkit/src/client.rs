//! Speaking HTTP to the platform, and looking at what it says.

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

/// A body of unknown length, sent chunk by chunk.
pub fn streamed<S>(chunks: S) -> reqwest::Body
where
    S: futures::Stream<Item = std::io::Result<Vec<u8>>> + Send + 'static,
{
    reqwest::Body::wrap_stream(chunks)
}

/// A request being put together.
#[derive(Debug)]
pub struct Call(RequestBuilder);

impl Call {
    /// A request that has nothing but its method and its URL yet.
    #[must_use]
    pub const fn new(request: RequestBuilder) -> Self {
        Self(request)
    }

    /// With a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// With `Authorization: Bearer`.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        Self(self.0.bearer_auth(token))
    }

    /// With HTTP Basic credentials.
    #[must_use]
    pub fn basic(self, user: &str, password: &str) -> Self {
        Self(self.0.basic_auth(user, Some(password)))
    }

    /// With the client cookie.
    #[must_use]
    pub fn cookie(self, value: &str) -> Self {
        self.header("cookie", &format!("__client={value}"))
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    /// With a form body.
    #[must_use]
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        Self(self.0.form(fields))
    }

    /// With a body of some type.
    #[must_use]
    pub fn body(self, content_type: &str, body: impl Into<reqwest::Body>) -> Self {
        Self(self.0.header("content-type", content_type).body(body))
    }

    /// Sends it.
    pub async fn send(self) -> Answer {
        self.try_send().await.expect("the platform answers")
    }

    /// Sends it to a platform that may be gone before it has answered.
    ///
    /// # Errors
    /// When there is no whole answer: nobody knows then whether it was done.
    pub async fn try_send(self) -> reqwest::Result<Answer> {
        let response = self.0.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer { status, headers, text: response.text().await? })
    }
}

/// What the platform said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Answer {
    /// The answer, if it has this status.
    ///
    /// # Panics
    /// With the body, if it has another.
    #[must_use]
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A header, empty if it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The value that the answer sets for a cookie.
    #[must_use]
    pub fn set_cookie(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok());
        let mut values = lines.filter_map(|line| line.split(';').next()?.split_once('='));
        values.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    }
}
