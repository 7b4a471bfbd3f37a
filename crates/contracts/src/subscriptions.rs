//! Who hears what: every consumer of the platform, and the events it wants.
//!
//! A publisher sees to it that each of these has its queue, also one that has never run; so all services know the whole list. A
//! consumer takes its own entry from here.

use tessera_messaging::{Event, Subscription};

use crate::events::{
    DeliveryFailed, EmailVerified, PasswordChanged, SessionEnded, SessionStarted, UserRegistered, VerificationExhausted,
};

/// Makes each entry a constant, and all of them [`ALL`].
macro_rules! subscriptions {
    ($($(#[$doc:meta])* $name:ident = $consumer:literal hears $($event:ident),+;)+) => {
        $(
            $(#[$doc])*
            pub const $name: Subscription = Subscription { consumer: $consumer, event_types: &[$($event::TYPE),+] };
        )+

        /// Every consumer of the platform.
        pub const ALL: &[Subscription] = &[$($name),+];
    };
}

// A name is for ever: it is that of a queue with messages in it. One that goes leaves a queue behind, which the operator deletes.
subscriptions! {
    /// auth notes sign-ins and sign-outs among the account's events, messages that did not arrive, and codes that were guessed at.
    AUTH_ACCOUNT_EVENTS = "auth.account_events" hears SessionStarted, SessionEnded, DeliveryFailed, VerificationExhausted;

    /// sessions keeps a copy of the profiles.
    SESSIONS_PROFILES = "sessions.profiles" hears UserRegistered, EmailVerified, PasswordChanged;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_is_listed_once_under_the_name_of_its_context() {
        let mut names: Vec<_> = ALL.iter().map(|subscription| subscription.consumer).collect();
        let contexts = ["auth.", "sessions.", "verify.", "oauth."];
        assert!(names.iter().all(|name| contexts.iter().any(|context| name.starts_with(context))), "{names:?}");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
