//! `SessionsApi`, both ways.

use std::net::IpAddr;

use chrono::TimeDelta;
use tessera_common::clock::Timestamp;
use tessera_common::ids;
use tessera_common::random::Random;
use tessera_contracts::http::sessions::HttpSessions;
use tessera_contracts::ids::{SessionId, UserId};
use tessera_contracts::sessions::{
    Account, BeginSignIn, Credential, Cut, Entry, FactorKind, Proof, SessionBegun, SessionsApi, SignInOutcome,
};
use tessera_testkit::{TestApp, on_every_database};

use super::support::{Internal, Services, shown};

fn over_http(app: &TestApp, caller: &str) -> (HttpSessions, Internal) {
    let services = Services::new(&app.clock);
    let listener = services.listen("sessions", tessera_sessions::internal_endpoints(), app.platform.sessions().clone());
    (HttpSessions::new(services.peer(caller, &listener.base)), listener)
}

fn sign_in(app: &TestApp, number: i64, entry: Entry, demanded: &[FactorKind]) -> BeginSignIn {
    let (now, random) = (app.clock.now(), Random::system());
    BeginSignIn {
        op: ids::new_v7(now, &random),
        entry,
        credential: None,
        account: Account {
            user: UserId::new(now, &random),
            number,
            epoch: 1,
            version: 1,
            email: "ada@example.org".to_owned(),
            email_verified: true,
            created_at: now,
            updated_at: now,
            demanded: demanded.to_vec(),
        },
        proofs: vec![Proof { kind: FactorKind::Password, at: now, epoch: 1 }],
        application: Some("tessera-dev".to_owned()),
        address: IpAddr::from([192, 0, 2, 1]),
        user_agent: Some("a \"browser\" \u{e4}".to_owned()),
    }
}

/// An outcome with its secrets, to compare it.
fn told(outcome: &SignInOutcome) -> String {
    match outcome {
        SignInOutcome::Complete(SessionBegun { id, number, started_at, client_token, session_token }) => {
            let secrets = (shown(client_token.as_ref()), shown(session_token.as_ref()));
            format!("complete {id} {number} {started_at} {secrets:?}")
        }
        SignInOutcome::NeedsSecondFactor { sign_in, demanded, client_token, challenge_token } => {
            let secrets = (shown(client_token.as_ref()), shown(challenge_token.as_ref()));
            format!("needs {sign_in} {demanded:?} {secrets:?}")
        }
        SignInOutcome::Refused => "refused".to_owned(),
    }
}

/// The session of a login that is complete, and what it presents.
fn begun(outcome: SignInOutcome) -> (SessionId, Credential) {
    let SignInOutcome::Complete(session) = outcome else { panic!("{outcome:?}") };
    let credential = match (session.client_token, session.session_token) {
        (Some(token), None) => Credential::Cookie(token),
        (None, Some(token)) => Credential::SessionToken(token),
        other => panic!("{other:?}"),
    };
    (session.id, credential)
}

fn credentials(known: &Credential) -> Vec<Credential> {
    let nobody = || "nobody".to_owned().into();
    vec![known.clone(), Credential::Cookie(nobody()), Credential::Native(nobody()), Credential::SessionToken(nobody())]
}

on_every_database! {
    async fn one_login_is_one_wherever_it_is_asked_for(app: TestApp) {
        let (remote, _listener) = over_http(&app, "auth");
        let here = app.platform.sessions();
        let demanding: &[FactorKind] = &[FactorKind::Totp, FactorKind::BackupCode];
        for (number, entry, demanded) in
            [(1, Entry::Browser, [].as_slice()), (2, Entry::Api, &[]), (3, Entry::Browser, demanding), (4, Entry::Api, demanding)]
        {
            let begin = sign_in(&app, number, entry, demanded);
            let first = remote.begin_sign_in(begin.clone()).await.expect("begun");
            let again = here.begin_sign_in(begin.clone()).await.expect("begun");
            let repeated = remote.begin_sign_in(begin).await.expect("begun");
            assert_eq!(told(&first), told(&again));
            assert_eq!(told(&first), told(&repeated));
            assert_eq!(matches!(first, SignInOutcome::Complete(_)), demanded.is_empty(), "{first:?}");
        }
    }

    async fn a_credential_is_somebody_or_nobody_the_same(app: TestApp) {
        let (remote, _listener) = over_http(&app, "auth");
        let here = app.platform.sessions();
        for (number, entry) in [(1, Entry::Browser), (2, Entry::Api)] {
            let begin = sign_in(&app, number, entry, &[]);
            let (session, credential) = begun(remote.begin_sign_in(begin.clone()).await.expect("begun"));
            for presented in credentials(&credential) {
                let there = remote.resolve(presented.clone()).await.expect("answered");
                assert_eq!(format!("{there:?}"), format!("{:?}", here.resolve(presented.clone()).await.expect("answered")));
                for user in [begin.account.user, UserId::new(app.clock.now(), &Random::system())] {
                    let known = remote.client_known(presented.clone(), user).await.expect("answered");
                    assert_eq!(known, here.client_known(presented.clone(), user).await.expect("answered"));
                }
            }
            let resolved = remote.resolve(credential.clone()).await.expect("answered").expect("somebody");
            let current = resolved.current().expect("a session");
            assert_eq!((current.id, current.user, current.first_factor_at), (session, begin.account.user, app.clock.now()));
            if entry == Entry::Browser {
                assert!(remote.client_known(credential, begin.account.user).await.expect("answered"));
            }
        }
    }

    async fn a_login_on_a_known_client_is_the_same(app: TestApp) {
        let (remote, _listener) = over_http(&app, "auth");
        let begin = sign_in(&app, 1, Entry::Browser, &[]);
        let (_, cookie) = begun(remote.begin_sign_in(begin).await.expect("begun"));
        let other = BeginSignIn { credential: Some(cookie.clone()), ..sign_in(&app, 2, Entry::Browser, &[]) };
        let (_, second) = begun(remote.begin_sign_in(other).await.expect("begun"));
        let resolved = app.platform.sessions().resolve(second).await.expect("answered").expect("somebody");
        assert_eq!(resolved.sessions.len(), 2, "both sessions are on one client");
        assert!(remote.resolve(cookie).await.expect("answered").expect("somebody").stale);
    }

    async fn a_new_secret_that_is_only_asked_about_was_presented_the_same(app: TestApp) {
        let (remote, _listener) = over_http(&app, "auth");
        let apis: [&dyn SessionsApi; 2] = [app.platform.sessions(), &remote];
        for (number, api) in (1..).step_by(2).zip(apis) {
            let begin = sign_in(&app, number, Entry::Browser, &[]);
            let (_, old) = begun(api.begin_sign_in(begin).await.expect("begun"));
            let other = BeginSignIn { credential: Some(old.clone()), ..sign_in(&app, number + 1, Entry::Browser, &[]) };
            let user = other.account.user;
            let (_, new) = begun(api.begin_sign_in(other).await.expect("begun"));
            assert!(api.client_known(new, user).await.expect("answered"));
            app.clock.advance(TimeDelta::seconds(4));
            assert!(api.resolve(old.clone()).await.expect("answered").is_some(), "for a moment");
            app.clock.advance(TimeDelta::seconds(1));
            assert!(api.resolve(old).await.expect("answered").is_none());
        }
    }

    async fn a_cut_cuts_the_same(app: TestApp) {
        let (remote, _listener) = over_http(&app, "auth");
        let (standing, _asked) = over_http(&app, "oauth");
        let here = app.platform.sessions();
        let mut ended = Vec::new();
        let apis: [&dyn SessionsApi; 2] = [here, &remote];
        for (number, api) in (1..).zip(apis) {
            let begin = sign_in(&app, number, Entry::Browser, &[]);
            let user = begin.account.user;
            let (session, _) = begun(api.begin_sign_in(begin.clone()).await.expect("begun"));
            let stood = standing.standing(user, Some(session)).await.expect("answered");
            assert_eq!(stood, here.standing(user, Some(session)).await.expect("answered"));
            assert_eq!((stood.alive, stood.first_factor_at), (true, Some(app.clock.now())));
            let cut = Cut { user, epoch: 2, disabled: true, keep: None };
            ended.push((api.cut(cut).await.expect("cut"), api.cut(cut).await.expect("cut, again")));
            let stands = standing.standing(user, Some(session)).await.expect("answered");
            assert_eq!(stands, here.standing(user, Some(session)).await.expect("answered"));
            assert_eq!((stands.alive, stands.floor, stands.disabled), (false, 2, true));
            let nothing = standing.standing(user, None).await.expect("answered");
            assert_eq!(nothing, here.standing(user, None).await.expect("answered"));
            let late = BeginSignIn { op: ids::new_v7(app.clock.now(), &Random::system()), ..begin };
            assert!(matches!(api.begin_sign_in(late).await.expect("answered"), SignInOutcome::Refused));
        }
        assert_eq!(ended[0], ended[1]);
        assert_eq!((ended[1].0.ended, ended[1].1.ended), (1, 0));
    }

    async fn times_keep_their_microseconds(app: TestApp) {
        let (remote, _listener) = over_http(&app, "auth");
        let at = Timestamp::from_timestamp_micros(app.clock.now().timestamp_micros() - 654_321).expect("a time");
        let mut begin = sign_in(&app, 1, Entry::Browser, &[]);
        begin.proofs[0].at = at;
        let (_, cookie) = begun(remote.begin_sign_in(begin).await.expect("begun"));
        let resolved = remote.resolve(cookie).await.expect("answered").expect("somebody");
        assert_eq!(resolved.current().expect("a session").first_factor_at, at);
    }
}
