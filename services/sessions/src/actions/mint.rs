//! Session tokens: JWTs of a minute, checked offline by the applications' own back ends. No endpoint of ours accepts one.

use serde::Serialize;
use tessera_common::clock::Timestamp;
use tessera_common::hex::hex;
use tessera_common::ids::encode_prefixed;
use tessera_contracts::call::Failure;
use tessera_tokens::jwk::Algorithm;

use crate::domain::session::Session;
use crate::sessions::Sessions;

/// Life of a token, in seconds.
const LIFE_S: i64 = 60;
/// How far before its making a token is valid, for clocks that run behind, in seconds.
const SKEW_S: i64 = 10;
/// The token class that verifiers tell session tokens from others by.
const CATEGORY: &str = "cl_B7d4PD111AAA";

/// The claims of a session token, version 2. Times are Unix seconds.
#[derive(Debug, Serialize)]
struct Claims<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    azp: Option<&'a str>,
    exp: i64,
    fva: [i64; 2],
    iat: i64,
    iss: &'a str,
    jti: String,
    nbf: i64,
    sid: String,
    sts: &'static str,
    sub: String,
    v: u8,
}

/// A token for a session that was just read and is alive. `azp` is the page's origin, if it is one of ours.
///
/// # Errors
/// [`Failure`] when no key can sign.
pub fn mint(sessions: &Sessions, session: &Session, azp: Option<&str>, now: Timestamp) -> Result<String, Failure> {
    let iat = now.timestamp();
    let claims = Claims {
        azp,
        exp: iat + LIFE_S,
        fva: session.factor_ages(now),
        iat,
        iss: sessions.origin.as_str(),
        jti: hex(&sessions.random.unique::<10>()),
        nbf: iat - SKEW_S,
        sid: encode_prefixed("sess", session.id.uuid()),
        sts: "active",
        sub: encode_prefixed("user", session.user.uuid()),
        v: 2,
    };
    let signed = sessions.keys.sign(Algorithm::RS256, "JWT", Some(CATEGORY), &claims);
    signed.map_err(|error| Failure::Internal(Box::new(error)))
}
