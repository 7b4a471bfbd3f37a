//! What auth asks: applications, and the token that a first-party one gets with a login.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tessera_common::random::Random;
use tessera_common::server::Origin;
use tessera_contracts::call::CallError;
use tessera_contracts::ids::{SessionId, UserId};
use tessera_contracts::oauth::OAuthApi as _;
use tessera_contracts::sessions::{
    BeginSignIn, Credential, Cut, CutDone, Resolved, SessionsApi, SignInOutcome, Standing,
};
use tessera_oauth::{OAuth, Parts, Settings};
use tessera_testkit::{START, on_every_database};
use tessera_tokens::access_token::OneOrMany;

use crate::support::{ID, read};

/// Answers every question for a standing as it was told to, and notes whom it was asked about.
#[derive(Debug)]
struct Sessions {
    standing: Option<Standing>,
    asked: Mutex<Vec<(UserId, Option<SessionId>)>>,
}

#[async_trait]
impl SessionsApi for Sessions {
    async fn standing(&self, user: UserId, session: Option<SessionId>) -> Result<Standing, CallError> {
        self.asked.lock().unwrap().push((user, session));
        self.standing.clone().ok_or(CallError::Unavailable { callee: "sessions", retry_after: 1 })
    }

    async fn resolve(&self, _: Credential) -> Result<Option<Resolved>, CallError> {
        unreachable!()
    }

    async fn client_known(&self, _: Credential, _: UserId) -> Result<bool, CallError> {
        unreachable!()
    }

    async fn begin_sign_in(&self, _: BeginSignIn) -> Result<SignInOutcome, CallError> {
        unreachable!()
    }

    async fn cut(&self, _: Cut) -> Result<CutDone, CallError> {
        unreachable!()
    }
}

fn standing() -> Standing {
    Standing {
        alive: true,
        floor: 1,
        disabled: false,
        first_factor_at: Some(START - chrono::TimeDelta::minutes(2)),
        second_factor_at: Some(START - chrono::TimeDelta::minutes(1)),
    }
}

/// The context over the test's database, with siblings that answer `standing`.
fn oauth(app: &tessera_testkit::TestApp, standing: Option<Standing>) -> (OAuth, Arc<Sessions>) {
    let sessions = Arc::new(Sessions { standing, asked: Mutex::default() });
    let oauth = OAuth::build(Parts {
        db: app.databases.oauth.clone(),
        keys: app.platform.oauth().signing_keys().clone(),
        clock: app.clock.clone(),
        random: Random::system(),
        origin: Origin::try_from(app.origin.clone()).expect("an origin"),
        sessions: sessions.clone(),
        address_factor: 1,
        settings: Settings { default_application: ID.to_owned() },
    });
    (oauth.expect("built"), sessions)
}

fn somebody() -> (UserId, SessionId) {
    (UserId::new(START, &Random::system()), SessionId::new(START, &Random::system()))
}

on_every_database! {
    async fn an_application_is_known_by_its_id_and_the_default_one_without(app: TestApp) {
        let oauth = app.platform.oauth();
        let named = oauth.application(Some("tessera-dev-public")).await.expect("answered").expect("known");
        assert_eq!((named.id.as_str(), named.enabled, named.first_party), ("tessera-dev-public", true, true));
        assert_eq!(oauth.application(None).await.expect("answered").expect("known").id, ID);
        for unknown in ["", "nobody", "a b", "tessera-dev\0", "TESSERA-DEV"] {
            assert_eq!(oauth.application(Some(unknown)).await.expect("answered"), None, "{unknown}");
        }
    }

    async fn the_dev_clients_are_made_once(app: TestApp) {
        let oauth = app.platform.oauth();
        oauth.bootstrap_dev().await.expect("again");
        oauth.bootstrap_dev().await.expect("and again");
        let secrets: i64 = tessera_storage::run!(&mut app.databases.oauth.read().await.expect("a connection"), |e| {
            sqlx::query_scalar("select count(*) from client_secrets").fetch_one(e)
        }).expect("counted");
        assert_eq!(secrets, 1);
    }

    async fn the_dev_clients_are_refused_until_none_can_be_used(app: TestApp) {
        let oauth = app.platform.oauth();
        for id in [ID, "tessera-dev-public"] {
            let error = oauth.refuse_dev_clients().await.expect_err("refused").to_string();
            assert!(error.contains(&format!("`{id}`")), "{error}");
            let mut conn = app.databases.oauth.write().await.expect("a connection");
            tessera_storage::affected!(
                &mut conn,
                sqlx::query("update oauth_clients set enabled = false where client_id = $1").bind(id)
            ).expect("disabled");
        }
        oauth.refuse_dev_clients().await.expect("none is left");
    }

    async fn a_login_of_a_first_party_application_gets_a_token(app: TestApp) {
        let (oauth, sessions) = oauth(&app, Some(standing()));
        let (user, session) = somebody();
        let token = oauth.issue_first_party(user, session, ID).await.expect("answered").expect("issued");
        assert_eq!((token.expires_in, token.scope.as_str()), (300, "openid profile email"));
        assert_eq!(*sessions.asked.lock().unwrap(), [(user, Some(session))]);

        let text = secrecy::ExposeSecret::expose_secret(&token.access_token);
        let claims = read(&app, "/oauth2/userinfo", text).await.expect("accepted");
        let both = ["/oauth2/userinfo", "/sessions"].map(|path| format!("{}{path}", app.origin)).to_vec();
        assert_eq!(claims.aud, OneOrMany::Many(both));
        assert_eq!((claims.sub.clone(), claims.sid.clone()), (user.to_string(), Some(session.to_string())));
        assert_eq!((claims.client_id.as_str(), claims.auth_time), (ID, Some(START.timestamp() - 60)));
        assert!(!claims.is_clients_own());
    }

    async fn nothing_is_issued_for_what_does_not_stand(app: TestApp) {
        let (user, session) = somebody();
        for fallen in [Standing { alive: false, ..standing() }, Standing { disabled: true, ..standing() }] {
            let (oauth, _) = oauth(&app, Some(fallen));
            assert!(oauth.issue_first_party(user, session, ID).await.expect("answered").is_none());
        }
        let (oauth, _) = oauth(&app, None);
        let unreachable = oauth.issue_first_party(user, session, ID).await;
        assert!(matches!(unreachable, Err(CallError::Unavailable { retry_after: 1, .. })));
    }

    async fn nothing_is_issued_for_an_application_that_is_not_first_party_or_not_enabled(app: TestApp) {
        let (oauth, sessions) = oauth(&app, Some(standing()));
        let (user, session) = somebody();
        assert!(oauth.issue_first_party(user, session, "nobody").await.expect("answered").is_none());
        for lesser in ["first_party", "enabled"] {
            let sql = sqlx::AssertSqlSafe(format!("update oauth_clients set {lesser} = false"));
            let changed = tessera_storage::affected!(&mut app.databases.oauth.write().await.expect("a connection"), sqlx::query(sql));
            assert_eq!(changed.expect("changed"), 2);
            assert!(oauth.issue_first_party(user, session, ID).await.expect("answered").is_none(), "{lesser}");
        }
        assert!(sessions.asked.lock().unwrap().is_empty());
    }
}
