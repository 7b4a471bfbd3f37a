//! `/v1/me`.

use tessera_testkit::{json, on_every_database};

use crate::support::{cookie, session_id, session_token};

on_every_database! {
    async fn lists_the_users_live_sessions_on_every_client(app: TestApp) {
        let cookie_here = cookie(&app, "ada@example.org").await;
        let _ = (session_token(&app, "ada@example.org").await, cookie(&app, "eve@example.org").await);
        let here = session_id(&app, &cookie_here).await;
        let list = app.get("/v1/me/sessions/active").cookie(&cookie_here).send().await.expect(200).json();
        assert_eq!(list.as_array().map(Vec::len), Some(2));
        assert_eq!((&list[1]["id"], &list[1]["status"]), (&json!(here), &json!("active")));
        assert_eq!(list[0]["latest_activity"]["ip_address"], "127.0.0.1");
        assert_eq!(list[0]["latest_activity"]["is_mobile"], false);
    }

    async fn shows_the_user_whose_session_acts(app: TestApp) {
        let ada = cookie(&app, "ada@example.org").await;
        let body = app.get("/v1/me").cookie(&ada).send().await.expect(200).json();
        assert_eq!(body["response"]["email_addresses"][0]["email_address"], "ada@example.org");
        assert_eq!(body["response"]["id"], body["client"]["sessions"][0]["user"]["id"]);
        let _ = app.get("/v1/me").send().await.expect(401);
        let _ = app.get("/v1/me").cookie("tcl_nonsense").send().await.expect(401);
    }

    async fn revokes_a_session_elsewhere_while_the_first_factor_is_fresh(app: TestApp) {
        let (here, there) = (cookie(&app, "ada@example.org").await, cookie(&app, "ada@example.org").await);
        let eve = cookie(&app, "eve@example.org").await;
        let path = |id: &str| format!("/v1/me/sessions/{id}/revoke");
        let (elsewhere, eves) = (session_id(&app, &there).await, session_id(&app, &eve).await);
        let body = app.post(&path(&elsewhere)).cookie(&here).send().await.expect(200).json();
        assert_eq!(body["response"]["status"], "revoked");
        let _ = app.post(&format!("/v1/client/sessions/{elsewhere}/tokens")).cookie(&there).send().await.expect(401);
        for id in [&elsewhere, &eves, "nonsense"] {
            let _ = app.post(&path(id)).cookie(&here).send().await.expect(404);
        }
        let _ = app.post(&path(&elsewhere)).send().await.expect(401);
        app.advance(chrono::TimeDelta::minutes(10));
        let own = session_id(&app, &here).await;
        let stale = app.post(&path(&own)).cookie(&here).send().await.expect(403).json();
        assert_eq!(stale["errors"][0]["code"], "session_reverification_required");
    }

    async fn only_a_live_session_of_the_client_acts(app: TestApp) {
        let (ada, eve) = (cookie(&app, "ada@example.org").await, cookie(&app, "eve@example.org").await);
        let (adas, eves) = (session_id(&app, &ada).await, session_id(&app, &eve).await);
        let path = |id: &str| format!("/v1/me/sessions/active?_clerk_session_id={id}");
        let _ = app.get(&path(&adas)).cookie(&ada).send().await.expect(200);
        let _ = app.get(&path(&eves)).cookie(&ada).send().await.expect(401);
        let _ = app.get(&path("nonsense")).cookie(&ada).send().await.expect(401);
        let _ = app.get("/v1/me/sessions/active").send().await.expect(401);
        let _ = app.post(&format!("/v1/client/sessions/{adas}/end")).cookie(&ada).send().await.expect(200);
        let _ = app.get("/v1/me/sessions/active").cookie(&ada).send().await.expect(401);
    }
}
