//! The cookies of a browser client, and the publishable key that names one of them.
//!
//! `__client` is the client's secret. `__client_uat` tells scripts when a session last started or ended (Unix seconds, 0 for none);
//! it grants nothing, and the server never reads it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::clock::Timestamp;
use tessera_common::server::Origin;

/// The name of the cookie that is the client.
pub const CLIENT: &str = "__client";
/// The name of the cookie that scripts read.
const CLIENT_UAT: &str = "__client_uat";

/// 400 days: the longest that browsers keep a cookie.
pub const CLIENT_MAX_AGE_S: i64 = 400 * 24 * 60 * 60;
/// One year.
const UAT_MAX_AGE_S: i64 = 365 * 24 * 60 * 60;

/// Writes the cookies of one origin.
#[derive(Clone, Debug)]
pub struct ClientCookies {
    secure: &'static str,
    suffix: String,
    publishable_key: String,
}

impl ClientCookies {
    /// The cookies of `origin`; `dev` decides the form of the publishable key.
    #[must_use]
    pub fn of(origin: &Origin, dev: bool) -> Self {
        let publishable_key = publishable_key(origin, dev);
        let digest =
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, publishable_key.as_bytes());
        let mut suffix = URL_SAFE_NO_PAD.encode(digest);
        suffix.truncate(8);
        Self { secure: if origin.is_https() { "; Secure" } else { "" }, suffix, publishable_key }
    }

    /// What client libraries are configured with. Not a secret.
    #[must_use]
    pub fn publishable_key(&self) -> &str {
        &self.publishable_key
    }

    /// `Set-Cookie` values after a session started or ended: the client's new secret if it got one, and the time of the change;
    /// `changed_at` is `None` when no session is left.
    #[must_use]
    pub fn after_change(&self, secret: Option<&SecretString>, changed_at: Option<Timestamp>) -> Vec<String> {
        let uat = changed_at.map_or(0, |at| at.timestamp());
        let mut lines: Vec<String> = secret.map(|secret| self.client(secret)).into_iter().collect();
        for name in [CLIENT_UAT.to_owned(), format!("{CLIENT_UAT}_{}", self.suffix)] {
            lines.push(format!("{name}={uat}; Path=/; Max-Age={UAT_MAX_AGE_S}; SameSite=Lax{}", self.secure));
        }
        lines
    }

    fn client(&self, secret: &SecretString) -> String {
        let (secret, secure) = (secret.expose_secret(), self.secure);
        format!("{CLIENT}={secret}; Path=/; Max-Age={CLIENT_MAX_AGE_S}; HttpOnly; SameSite=Lax{secure}")
    }
}

/// `pk_test_` or `pk_live_` and the base64 of the host and `$`. Clients want a dot in the host, so `localhost:8000` is written
/// `tessera.localhost:8000`.
fn publishable_key(origin: &Origin, dev: bool) -> String {
    let host = origin.authority();
    let dotted = if host.contains('.') { host.to_owned() } else { format!("tessera.{host}") };
    format!("{}{}", if dev { "pk_test_" } else { "pk_live_" }, STANDARD_NO_PAD.encode(format!("{dotted}$")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(origin: &str, dev: bool) -> ClientCookies {
        ClientCookies::of(&Origin::try_from(origin.to_owned()).expect("an origin"), dev)
    }

    #[test]
    fn the_suffix_is_made_of_the_publishable_key() {
        let live = cookies("https://id.example.com", false);
        assert_eq!(live.publishable_key(), "pk_live_aWQuZXhhbXBsZS5jb20k");
        assert_eq!(live.suffix, "t-1ieLDp");
    }

    #[test]
    fn a_host_without_a_dot_gets_one() {
        let dev = cookies("http://localhost:8000", true);
        assert_eq!(dev.publishable_key(), format!("pk_test_{}", STANDARD_NO_PAD.encode("tessera.localhost:8000$")));
    }

    #[test]
    fn the_client_cookie_is_out_of_reach_of_scripts_and_secure_under_https() {
        let secret: SecretString = "tcl_x".to_owned().into();
        let lines = cookies("https://id.example", false).after_change(Some(&secret), None);
        assert_eq!(lines[0], "__client=tcl_x; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax; Secure");
        assert!(lines[1].starts_with("__client_uat=0; Path=/"));
        assert!(!cookies("http://localhost:1", true).after_change(Some(&secret), None)[0].contains("Secure"));
    }
}
