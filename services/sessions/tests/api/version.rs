//! `GET /sessions/version`.

use tessera_testkit::{json, on_every_database};

on_every_database! {
    async fn says_the_release_to_anybody(app: TestApp) {
        for path in ["/sessions/version", "/sessions/api-version"] {
            let answer = app.get(path).send().await.expect(200);
            assert_eq!(answer.json(), json!({ "version": env!("CARGO_PKG_VERSION") }));
            assert_eq!(answer.header("cache-control"), "public, max-age=60");
        }
    }
}
