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
    /// An authenticator on its way to being confirmed, and ever after the secret that it became (chosen by auth, kept by verify).
    EnrolmentId,
    /// A set of backup codes (chosen by auth, kept by verify).
    BackupCodeSetId,
    /// One answer to a factor of a pending login: it is judged once (sessions, auth).
    AttemptId,
}
