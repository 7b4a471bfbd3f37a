//! Where the broker is, and what its settings must satisfy.

use secrecy::SecretString;

/// The longest namespace: with it and the longest consumer's name a queue's name stays below the broker's 255 bytes.
const NAMESPACE_LENGTH: usize = 60;

/// How the broker is reached.
#[derive(Clone, Debug)]
pub struct RabbitMqSettings {
    /// `amqp://USER:PASSWORD@HOST:5672/VHOST`, or `amqps://USER:PASSWORD@HOST:5671/VHOST`; the default virtual host is `%2f`.
    pub url: SecretString,
    /// What the names of all exchanges and queues begin with: lower-case letters, digits, `-` and `_`, at most 60.
    pub namespace: String,
    /// Certificates of the authorities that may vouch for an `amqps` broker, PEM; the machine's own ones if absent.
    pub authorities: Option<Vec<u8>>,
}

/// Why the settings cannot be used. The texts do not quote the URL: it holds a password.
#[derive(Debug, thiserror::Error)]
pub enum RabbitMqError {
    /// The URL.
    #[error("the broker's URL cannot be read; write it as amqps://USER:PASSWORD@HOST:5671/VHOST")]
    Url,
    /// The namespace.
    #[error("`{0}` is no namespace: it has lower-case letters, digits, `-` and `_`, at most {NAMESPACE_LENGTH}")]
    Namespace(String),
    /// The authorities.
    #[error("the broker cannot be verified: {0}")]
    Authorities(String),
}

impl RabbitMqSettings {
    /// The namespace, if it is one.
    pub(super) fn namespace(&self) -> Result<String, RabbitMqError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        let length = self.namespace.len();
        if length == 0 || length > NAMESPACE_LENGTH || !self.namespace.chars().all(allowed) {
            return Err(RabbitMqError::Namespace(self.namespace.clone()));
        }
        Ok(self.namespace.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace(text: &str) -> Result<String, RabbitMqError> {
        RabbitMqSettings { url: "amqp://localhost".into(), namespace: text.to_owned(), authorities: None }.namespace()
    }

    #[test]
    fn a_namespace_has_no_characters_that_mean_something_in_names() {
        assert_eq!(namespace("tessera-2_test").unwrap(), "tessera-2_test");
        for refused in ["", "Tessera", "a.b", "a#", "a b", &"a".repeat(61)] {
            assert!(matches!(namespace(refused), Err(RabbitMqError::Namespace(_))), "{refused}");
        }
    }
}
