//! The ids that more than one context speaks of.

tessera_common::typed_ids! {
    /// A user account (auth).
    UserId,
    /// A browser or an app install that holds sessions (sessions).
    BrowserClientId,
    /// A pending login (sessions).
    SignInId,
    /// A session of a user (sessions).
    SessionId,
    /// A one-time secret on its way to somebody (verify).
    VerificationId,
}
