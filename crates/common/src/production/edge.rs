//! What browsers and proxies are told and believed.

use super::{ProductionFacts, Refusal};
use crate::server::Origin;

/// From here on the limits by address are no limits.
const DEV_FACTOR: u32 = 100;

pub(super) fn refusals(facts: &ProductionFacts) -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = origin(&facts.origin).into_iter().collect();
    refusals.extend(facts.allowed_origins.iter().filter_map(allowed_origin));
    if facts.trusted_proxies.iter().any(crate::server::Network::is_everyone) {
        refusals.push(Refusal::new(
            "trusted_proxies",
            "everybody is believed, so anybody can choose the address he is limited by",
            "list the addresses of your proxies",
        ));
    }
    if facts.address_factor == 0 || facts.address_factor >= DEV_FACTOR {
        refusals.push(Refusal::new(
            "limits.address_factor",
            format!("{} switches the limits by address off", facts.address_factor),
            "set a small number, or 0 for the profile's own",
        ));
    }
    if facts.texts_everywhere {
        refusals.push(Refusal::new(
            "verify.sms.allowed_prefixes",
            "text messages leave for every number, also for those that are made to be dear",
            "name the beginnings of the numbers that you serve, as [\"+49\", \"+43\"]",
        ));
    }
    if facts.service_ports {
        refusals.push(Refusal::new(
            "service_ports",
            "ports beside the origin's are for clients on a person's own machine",
            "set it to false",
        ));
    }
    refusals
}

fn origin(text: &str) -> Option<Refusal> {
    let mend = "name the https origin that browsers use, as https://id.example";
    if text.is_empty() {
        return Some(Refusal::new("origin", "it is not set", mend));
    }
    match Origin::try_from(text.to_owned()) {
        Ok(origin) if origin.is_https() => None,
        Ok(_) => Some(Refusal::new("origin", format!("{text} is not https"), mend)),
        Err(problem) => Some(Refusal::new("origin", problem, mend)),
    }
}

fn allowed_origin(origin: &Origin) -> Option<Refusal> {
    let refuse = |problem: &str, mend: &str| Some(Refusal::new("allowed_origins", format!("{origin} {problem}"), mend));
    if origin.as_str().contains('*') {
        refuse("is a pattern, and patterns match nothing", "list each origin")
    } else if !origin.is_https() {
        refuse("is not https: whoever is on its way could act as its pages", "serve those pages over https")
    } else {
        None
    }
}
