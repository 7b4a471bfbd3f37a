//! Text messages by an HTTP provider, in the form of Twilio's `Messages` resource.

use std::time::Duration;

use reqwest::{Certificate, Client, StatusCode, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tessera_common::tls::Trust;
use url::Url;

use super::{Letter, SendError};
use crate::domain::patience::Patience;
use crate::verify::SmsSettings;

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// A provider of text messages. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SmsProvider {
    http: Client,
    messages: Url,
    account: String,
    token: SecretString,
    from: (&'static str, String),
}

/// Why a provider cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SmsSettingError {
    /// The URL.
    #[error("setting `verify.sms.base_url`: it is not a URL; write https://api.twilio.com")]
    Url,
    /// The account.
    #[error("setting `verify.sms.account`: it is missing; name the account at the provider")]
    Account,
    /// The token.
    #[error("setting `verify.sms.token`: it is missing; give the token of the account")]
    Token,
    /// The sender.
    #[error("setting `verify.sms.from`: give either it or `verify.sms.messaging_service`")]
    From,
    /// The client cannot be built.
    #[error("setting `tls.authorities`: {0}")]
    Client(#[from] reqwest::Error),
}

/// What of an answer counts.
#[derive(Debug, Deserialize)]
struct Answered {
    sid: Option<String>,
    status: Option<String>,
    error_code: Option<serde_json::Value>,
}

impl SmsProvider {
    /// The provider that the settings name. The authorities of `trust` count besides the public ones.
    ///
    /// # Errors
    /// When a setting is missing, or cannot be read. The provider is not asked yet.
    pub fn new(
        settings: &SmsSettings,
        token: Option<SecretString>,
        trust: &Trust,
        patience: Patience,
    ) -> Result<Self, SmsSettingError> {
        let SmsSettings { base_url, account, from, messaging_service, .. } = settings;
        if account.is_empty() {
            return Err(SmsSettingError::Account);
        }
        let from = match (from.as_str(), messaging_service.as_str()) {
            (from, "") if !from.is_empty() => ("From", from),
            ("", service) if !service.is_empty() => ("MessagingServiceSid", service),
            _ => return Err(SmsSettingError::From),
        };
        let mut messages: Url = base_url.parse().map_err(|_| SmsSettingError::Url)?;
        let mut path = messages.path_segments_mut().map_err(|()| SmsSettingError::Url)?;
        path.pop_if_empty().extend(["2010-04-01", "Accounts", account, "Messages.json"]);
        drop(path);
        let authorities = trust.pem().map(Certificate::from_pem_bundle).transpose()?.unwrap_or_default();
        let http = Client::builder()
            .tls_certs_merge(authorities)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_WITHIN)
            .timeout(patience.get())
            .build()?;
        let token = token.ok_or(SmsSettingError::Token)?;
        Ok(Self { http, messages, account: account.clone(), token, from: (from.0, from.1.to_owned()) })
    }

    pub(super) async fn send(&self, letter: &Letter) -> Result<(), SendError> {
        let (sender, from) = &self.from;
        let form = [("To", letter.destination.as_str()), (sender, from), ("Body", &letter.message.body)];
        let request = self.http.post(self.messages.clone()).basic_auth(&self.account, Some(self.token.expose_secret()));
        let answer = request.form(&form).send().await.map_err(|error| unanswered(&error))?;
        let status = answer.status();
        if status.is_success() {
            let answered = answer.json().await.map_err(|_| lost("an answer that cannot be read"))?;
            return judged(&answered);
        }
        let said = format!("the provider answers {status}");
        Err(match status {
            StatusCode::BAD_REQUEST => SendError::Refused(said),
            // Also where the account or the path is wrong: the operator mends that, and the message can do nothing for it.
            _ => SendError::Unavailable(said),
        })
    }
}

fn lost(what: &str) -> SendError {
    SendError::Lost(format!("the provider did not say whether it took the message: {what}"))
}

/// Without a connection nothing was said; afterwards the message may have been taken.
fn unanswered(error: &reqwest::Error) -> SendError {
    if error.is_connect() {
        SendError::Unavailable("the provider cannot be reached".to_owned())
    } else if error.is_timeout() {
        lost("no answer in time")
    } else {
        lost("it broke off")
    }
}

/// What is meant by an answer that claims success.
fn judged(answer: &Answered) -> Result<(), SendError> {
    let failed = matches!(answer.status.as_deref(), Some("failed" | "undelivered"));
    let has_error = answer.error_code.as_ref().is_some_and(|code| !code.is_null());
    match (&answer.sid, failed, has_error) {
        (_, true, _) => Err(SendError::Refused("the provider has failed to deliver it".to_owned())),
        (Some(_), false, false) => Ok(()),
        _ => Err(SendError::Unavailable("the provider answers with an error of its own".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with these settings, in words.
    fn problem(base_url: &str, account: &str, sender: (&str, &str), token: Option<&str>) -> Option<String> {
        let settings = SmsSettings {
            base_url: base_url.to_owned(),
            account: account.to_owned(),
            from: sender.0.to_owned(),
            messaging_service: sender.1.to_owned(),
            allowed_prefixes: serde_json::from_str("[]").expect("prefixes"),
            prefix_budget: 1,
            tenant_budget: 1,
        };
        let patience = Patience::try_from(1).expect("a patience");
        let provider = SmsProvider::new(&settings, token.map(SecretString::from), &Trust::default(), patience);
        provider.err().map(|error| error.to_string())
    }

    #[test]
    fn what_cannot_be_used_names_the_setting() {
        let (url, number, token) = ("https://sms.example", ("+4930123456", ""), Some("a token"));
        for (problem, setting) in [
            (problem("sms.example", "AC1", number, token), "verify.sms.base_url"),
            (problem("mailto:sms@example", "AC1", number, token), "verify.sms.base_url"),
            (problem(url, "", number, token), "verify.sms.account"),
            (problem(url, "AC1", number, None), "verify.sms.token"),
            (problem(url, "AC1", ("", ""), token), "verify.sms.from"),
            (problem(url, "AC1", ("+4930123456", "MG1"), token), "verify.sms.from"),
        ] {
            let problem = problem.expect("a problem");
            assert!(problem.starts_with(&format!("setting `{setting}`: ")), "{problem}");
        }
        for sender in [number, ("", "MG1")] {
            assert_eq!(problem(url, "AC1", sender, token), None);
        }
    }
}
