//! Reading a request's body, within the limits that hold for every API.

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures::future::LocalBoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use serde::de::DeserializeOwned;

use crate::dialect::{Accident, Dialect, Fault};

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// How deep JSON may nest.
const MAX_DEPTH: usize = 64;

/// How long a body may take to arrive.
const TIME_TO_ARRIVE: std::time::Duration = std::time::Duration::from_secs(10);

/// A body as it arrived, and what it says it is.
#[derive(Clone, Debug)]
pub struct Body {
    /// The bytes.
    pub bytes: Bytes,
    /// The media type without parameters, in lower case; empty when the header is missing.
    pub media_type: String,
}

impl FromRequest for Body {
    type Error = Fault;
    type Future = LocalBoxFuture<'static, Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let dialect = Dialect::of(request.path());
        let media_type = media_type(request);
        let mut payload = payload.take();
        async move {
            let read = async {
                let mut bytes = BytesMut::new();
                while let Some(chunk) = payload.next().await {
                    let chunk = chunk.map_err(|_| Accident::Malformed)?;
                    if bytes.len() + chunk.len() > MAX_BODY {
                        return Err(Accident::TooLarge);
                    }
                    bytes.extend_from_slice(&chunk);
                }
                Ok(bytes.freeze())
            };
            let bytes = tokio::time::timeout(TIME_TO_ARRIVE, read).await.unwrap_or(Err(Accident::Malformed));
            bytes.map(|bytes| Self { bytes, media_type }).map_err(|accident| Fault { dialect, accident })
        }
        .boxed_local()
    }
}

fn media_type(request: &HttpRequest) -> String {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

impl Body {
    /// The body as a JSON object, whatever its type says. A struct would also be read from an array, by the order of its members;
    /// nobody means that.
    ///
    /// # Errors
    /// [`Accident::Malformed`] when it is not an object of this shape, or nests too deeply.
    pub fn json_object<T: DeserializeOwned>(&self) -> Result<T, Accident> {
        let first = self.bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        if first == Some(&b'{') { self.json() } else { Err(Accident::Malformed) }
    }

    /// The body as JSON of any kind, whatever its type says.
    ///
    /// # Errors
    /// [`Accident::Malformed`] when it is not JSON of this shape, or nests too deeply.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Accident> {
        if nests_deeper_than(&self.bytes, MAX_DEPTH) {
            return Err(Accident::Malformed);
        }
        serde_json::from_slice(&self.bytes).map_err(|_| Accident::Malformed)
    }

    /// The body as a form (`application/x-www-form-urlencoded`), whatever its type says.
    ///
    /// # Errors
    /// [`Accident::Malformed`].
    pub fn form<T: DeserializeOwned>(&self) -> Result<T, Accident> {
        serde_urlencoded::from_bytes(&self.bytes).map_err(|_| Accident::Malformed)
    }

    /// The body as JSON or as a form, by its type. No body at all is an empty object.
    ///
    /// # Errors
    /// [`Accident::Malformed`], or [`Accident::UnsupportedMediaType`].
    pub fn json_or_form<T: DeserializeOwned>(&self) -> Result<T, Accident> {
        match self.media_type.as_str() {
            _ if self.bytes.is_empty() => serde_json::from_str("{}").map_err(|_| Accident::Malformed),
            "application/json" => self.json_object(),
            "application/x-www-form-urlencoded" => self.form(),
            _ => Err(Accident::UnsupportedMediaType),
        }
    }
}

/// Whether brackets nest deeper than `limit`, without building anything: a parser that recurses must not be led there.
fn nests_deeper_than(json: &[u8], limit: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_strings_only() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!nests_deeper_than(nested(64).as_bytes(), 64));
        assert!(nests_deeper_than(nested(65).as_bytes(), 64));
        assert!(!nests_deeper_than(format!("\"\\\"{}\"", "[".repeat(100)).as_bytes(), 64));
        assert!(nests_deeper_than("{\"a\":".repeat(100_000).as_bytes(), 64));
    }
}
