//! `deploy/calls.toml` against the routes that there are.

use std::collections::BTreeSet;

use tessera_common::server::Endpoints;
use tessera_contracts::http::calls::Calls;

fn internal_routes() -> BTreeSet<String> {
    let services: [Endpoints; 3] = [
        tessera_sessions::internal_endpoints(),
        tessera_verify::internal_endpoints(),
        tessera_oauth::internal_endpoints(),
    ];
    let routes = services.iter().flat_map(Endpoints::iter);
    routes.map(|endpoint| format!("{} {}", endpoint.method(), endpoint.path())).collect()
}

#[test]
fn the_table_lists_every_internal_route_and_nothing_else() {
    let listed: BTreeSet<_> =
        Calls::committed().iter().map(|(service, method, _)| format!("POST /internal/{service}/{method}")).collect();
    assert_eq!(listed, internal_routes(), "mend deploy/calls.toml");
}

#[test]
fn no_internal_route_is_public_or_on_the_all_in_one() {
    let public = [
        tessera_auth::endpoints(),
        tessera_sessions::endpoints(),
        tessera_verify::endpoints().and(tessera_verify::dev_endpoints()),
        tessera_oauth::endpoints(),
    ];
    for endpoint in public.iter().flat_map(Endpoints::iter) {
        assert!(!endpoint.path().starts_with("/internal"), "{endpoint:?}");
    }
}
