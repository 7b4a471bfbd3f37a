//! What is on that belongs on a person's own machine.

use super::{ProductionFacts, Refusal};

/// Something of the dev profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevFeature {
    /// Messages are caught and shown to whoever asks, and none is sent.
    CaughtMail,
    /// The OAuth clients whose secret stands in the documents.
    DevClients,
    /// One of those is the application of whoever names none.
    DefaultApplication,
    /// The whole platform answers on the ports of the single services.
    ServicePorts,
    /// The explorer of the API on the public listener.
    PublicExplorer,
    /// Any page on this machine may act.
    LoopbackOrigins,
}

pub(super) fn refusals(facts: &ProductionFacts) -> Vec<Refusal> {
    facts.dev_features.iter().copied().map(refusal).collect()
}

fn refusal(feature: DevFeature) -> Refusal {
    let (setting, problem, mend) = match feature {
        DevFeature::CaughtMail => (
            "profile",
            "mail is caught and none is sent, so nobody could verify an address or reset a password",
            "use the dev profile until this process has a way to send mail",
        ),
        DevFeature::DevClients => (
            "profile",
            "the clients `tessera-dev` and `tessera-dev-public` are there, and their secret is published",
            "use a database that no dev profile has served from",
        ),
        DevFeature::DefaultApplication => (
            "oauth.default_application",
            "`tessera-dev` is a client of the dev profile",
            "name a client of your own, or none",
        ),
        DevFeature::ServicePorts => {
            ("service_ports", "ports beside the origin's are for clients on the same machine", "set it to false")
        }
        DevFeature::PublicExplorer => {
            ("profile", "the explorer is served to the public", "serve it on the internal listener alone")
        }
        DevFeature::LoopbackOrigins => (
            "allowed_origins",
            "every page on a user's own machine may act with his cookie",
            "list the origins that may act",
        ),
    };
    Refusal::new(setting, problem, mend)
}
