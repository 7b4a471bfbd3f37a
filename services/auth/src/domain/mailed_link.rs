//! The token in a mailed link: `<verification id>.<code>`. The id finds the row here, the code is verify's.

use secrecy::{ExposeSecret as _, SecretString};
use tessera_contracts::ids::VerificationId;
use uuid::Uuid;

/// What a mailed link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It proves an address.
    VerifyEmail,
    /// It lets a new password be set.
    ResetPassword,
}

impl Purpose {
    /// Its name in storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
        }
    }
}

/// How verify knows the row that a proof is for.
#[must_use]
pub fn holder(id: VerificationId) -> String {
    format!("mailed_link:{id}")
}

/// Splits a token; `None` when it cannot be one.
#[must_use]
pub fn split(token: &SecretString) -> Option<(VerificationId, SecretString)> {
    let (id, code) = token.expose_secret().split_once('.')?;
    let uuid: Uuid = id.parse().ok()?;
    // Only the hyphenated lower-case form was mailed.
    (uuid.to_string() == id && !code.is_empty()).then(|| (uuid.into(), code.to_owned().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_an_id_and_a_code() {
        let id = "0196f1bf-0000-7000-8000-00000000a001";
        let parts = |text: &str| {
            split(&text.to_owned().into()).map(|(id, code)| (id.to_string(), code.expose_secret().to_owned()))
        };
        assert_eq!(parts(&format!("{id}.abc")), Some((id.to_owned(), "abc".to_owned())));
        for wrong in
            ["", ".", "abc", &format!("{id}."), &format!("{}.abc", id.to_uppercase()), &format!("{{{id}}}.abc")]
        {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
