//! A back end that verifies addresses.

use crate::http::{Connection, Request};
use crate::load::{Conversation, Exchange, Right};
use crate::platform::{Platform, between, said};

const JSON: &str = "application/json";
/// The code of each verification: a load that had to read mails would measure something else.
const CODE: &str = "415926";

/// It, with its access token, which lives for five minutes.
#[derive(Debug)]
pub struct Tenant {
    bearer: String,
}

impl Tenant {
    /// The one that every new platform has.
    ///
    /// # Errors
    /// When the platform gives no token.
    pub async fn of(platform: &Platform) -> anyhow::Result<Self> {
        let mut connection = Connection::open(platform.port_of("/oauth2/token")).await?;
        let request = Self::token_request("verify verify:forced_code");
        let answer = said(&mut connection, &request, 200).await?;
        Ok(Self { bearer: format!("Bearer {}", between(&answer, "\"access_token\":\"", "\"")?) })
    }

    /// How it asks for a token with a scope.
    pub fn token_request(scope: &str) -> Request {
        let form = format!(
            "grant_type=client_credentials&scope={}&client_id=tessera-dev&client_secret=tessera-dev-secret",
            scope.replace(' ', "+"),
        );
        Request::post("/oauth2/token", &[], "application/x-www-form-urlencoded", &form)
    }

    /// Starts a verification and proves it, with an id and a consumer of its own for each number.
    pub fn pair(&self, number: usize) -> Conversation {
        let validate = format!("/methods/email/verifiers/{}/actions/validate", id(number));
        let code = format!("{{\"code\":\"{CODE}\"}}");
        let validate = Request::post(&validate, &self.headers(), JSON, &code);
        vec![
            self.initiate(number),
            Exchange { request: validate, right: Right::body(200, &["\"data\":{", "\"attempts\":0"]) },
        ]
    }

    /// Reads one verification, which is started here.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn read(&self, platform: &Platform) -> anyhow::Result<Exchange> {
        // Not one of the pairs.
        let number = 999_999;
        let mut connection = Connection::open(platform.port_of("/methods/email")).await?;
        let _ = said(&mut connection, &self.initiate(number).request, 200).await?;
        let request = Request::get(&format!("/methods/email/verifiers/{}", id(number)), &self.headers());
        Ok(Exchange { request, right: Right::body(200, &[&id(number), "\"attempts\":0"]) })
    }

    fn initiate(&self, number: usize) -> Exchange {
        let id = id(number);
        let body = format!(
            "{{\"consumer\":\"consumer{number}@example.org\",\"template\":{{\"body\":\"{{{{{{CODE}}}}}}\"}},\
             \"policy\":{{\"expiredOn\":\"01:00:00\",\"forcedVerificationId\":\"{id}\",\"forcedCode\":\"{CODE}\"}}}}"
        );
        let request = Request::post("/methods/email/actions/initiate", &self.headers(), JSON, &body);
        Exchange { request, right: Right::body(200, &[&id, "\"attempts\":0"]) }
    }

    fn headers(&self) -> [(&str, &str); 2] {
        [("Accept", JSON), ("Authorization", &self.bearer)]
    }
}

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}
