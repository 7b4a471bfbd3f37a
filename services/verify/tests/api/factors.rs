//! Second factors of the platform's own users, as auth and sessions ask for them.

use chrono::TimeDelta;
use futures::future::join_all;
use secrecy::ExposeSecret as _;
use tessera_common::random::Random;
use tessera_contracts::call::CallError;
use tessera_contracts::ids::{AttemptId, BackupCodeSetId, EnrolmentId, UserId};
use tessera_contracts::verify::{
    AuthenticatorConfirm, AuthenticatorEnrol, AuthenticatorEnrolled, AuthenticatorRemove, BackupCodesCount,
    BackupCodesIssue, BackupCodesRemove, BackupCodesUsed, FactorAnswer, Verdict, VerifyApi as _,
};
use tessera_storage::affected;
use tessera_testkit::{TestApp, on_every_database};

use super::authenticator_app::{AuthenticatorApp, initiated, scanned, validate};
use super::backup_code::one_took_a_code;
use super::support::{Tenant, as_auth};

const STEP: TimeDelta = TimeDelta::seconds(30);
const WRONG: Verdict = Verdict::Wrong { attempts: 1, left: None };

fn new_user(app: &TestApp) -> UserId {
    UserId::new(app.clock.now(), &Random::system())
}

fn new_attempt(app: &TestApp) -> AttemptId {
    AttemptId::new(app.clock.now(), &Random::system())
}

async fn enrol(app: &TestApp, user: UserId, enrolment: EnrolmentId) -> AuthenticatorEnrolled {
    let enrol = AuthenticatorEnrol { user, enrolment, label: "ada@example.org".to_owned() };
    as_auth(app).authenticator_enrol(enrol).await.expect("begun")
}

/// A new enrolment, and the app that scanned it.
async fn begun(app: &TestApp, user: UserId) -> (EnrolmentId, AuthenticatorApp<'_>) {
    let enrolment = EnrolmentId::new(app.clock.now(), &Random::system());
    let enrolled = enrol(app, user, enrolment).await;
    (enrolment, AuthenticatorApp::scanned(app, enrolled.uri.expose_secret()))
}

async fn confirm(app: &TestApp, user: UserId, enrolment: EnrolmentId, code: &str) -> Verdict {
    let confirm = AuthenticatorConfirm { user, enrolment, code: code.to_owned().into() };
    as_auth(app).authenticator_confirm(confirm).await.expect("judged")
}

/// A user whose app was confirmed, a step ago.
async fn confirmed(app: &TestApp, user: UserId) -> (EnrolmentId, AuthenticatorApp<'_>) {
    let (enrolment, phone) = begun(app, user).await;
    assert_eq!(confirm(app, user, enrolment, &phone.code()).await, Verdict::Proved);
    app.advance(STEP);
    (enrolment, phone)
}

async fn check(app: &TestApp, user: UserId, attempt: AttemptId, code: &str) -> Verdict {
    let answer = FactorAnswer { user, attempt, code: code.to_owned().into() };
    as_auth(app).authenticator_check(answer).await.expect("judged")
}

async fn issue(app: &TestApp, user: UserId, set: BackupCodeSetId) -> Vec<String> {
    let issued = as_auth(app).backup_codes_issue(BackupCodesIssue { user, set }).await.expect("issued");
    issued.codes.iter().map(|code| code.expose_secret().to_owned()).collect()
}

fn new_set(app: &TestApp) -> BackupCodeSetId {
    BackupCodeSetId::new(app.clock.now(), &Random::system())
}

async fn try_code(app: &TestApp, user: UserId, attempt: AttemptId, code: &str) -> Result<BackupCodesUsed, CallError> {
    let answer = FactorAnswer { user, attempt, code: code.to_owned().into() };
    as_auth(app).backup_codes_use(answer).await
}

async fn use_code(app: &TestApp, user: UserId, attempt: AttemptId, code: &str) -> BackupCodesUsed {
    try_code(app, user, attempt, code).await.expect("judged")
}

async fn left(app: &TestApp, user: UserId) -> i64 {
    as_auth(app).backup_codes_count(user).await.expect("counted").left
}

on_every_database! {
    async fn an_enrolment_that_is_asked_for_again_is_the_same(app: TestApp) {
        let (user, enrolment) = (new_user(&app), EnrolmentId::new(app.clock.now(), &Random::system()));
        let first = enrol(&app, user, enrolment).await;
        assert_eq!(first.expires_at, app.clock.now() + TimeDelta::minutes(30));
        let (start, rest) = first.uri.expose_secret().split_once("?secret=").expect("a secret");
        assert_eq!(start, "otpauth://totp/Tessera:ada@example.org");
        assert_eq!(rest, format!("{}&issuer=Tessera&algorithm=SHA1&digits=6&period=30", first.secret.expose_secret()));
        app.advance(TimeDelta::minutes(1));
        let again = enrol(&app, user, enrolment).await;
        assert_eq!((again.uri.expose_secret(), again.expires_at), (first.uri.expose_secret(), first.expires_at));
        // Another takes its place.
        let (_, other) = begun(&app, user).await;
        assert_eq!(confirm(&app, user, enrolment, &AuthenticatorApp::scanned(&app, first.uri.expose_secret()).code()).await, Verdict::Unknown);
        assert_ne!(other.code(), "");
    }

    async fn a_first_right_code_confirms_once_and_may_be_asked_again(app: TestApp) {
        let user = new_user(&app);
        let (enrolment, phone) = begun(&app, user).await;
        let code = phone.code();
        // Nothing proves before it is confirmed.
        assert_eq!(check(&app, user, new_attempt(&app), &code).await, Verdict::Unknown);
        assert_eq!(confirm(&app, user, enrolment, &phone.wrong()).await, Verdict::Wrong { attempts: 1, left: Some(4) });
        assert_eq!(confirm(&app, new_user(&app), enrolment, &code).await, Verdict::Unknown);
        assert_eq!(confirm(&app, user, enrolment, &code).await, Verdict::Proved);
        assert_eq!(confirm(&app, user, enrolment, &code).await, Verdict::ProvedBefore);
        assert_eq!(confirm(&app, user, enrolment, &phone.code_in(1)).await, Verdict::Unknown);
        // The code that confirmed is used up.
        assert_eq!(check(&app, user, new_attempt(&app), &code).await, WRONG);
        app.advance(TimeDelta::minutes(5));
        assert_eq!(confirm(&app, user, enrolment, &code).await, Verdict::ProvedBefore);
        assert!(as_auth(&app).authenticator_enrol(AuthenticatorEnrol { user, enrolment, label: "x".to_owned() }).await.is_err());
    }

    async fn an_enrolment_waits_half_an_hour_and_five_codes(app: TestApp) {
        let user = new_user(&app);
        let (enrolment, phone) = begun(&app, user).await;
        for attempts in 1..=5 {
            assert_eq!(confirm(&app, user, enrolment, &phone.wrong()).await, Verdict::Wrong { attempts, left: Some(5 - attempts) });
        }
        assert_eq!(confirm(&app, user, enrolment, &phone.code()).await, Verdict::Unknown);
        let (enrolment, phone) = begun(&app, user).await;
        app.advance(TimeDelta::minutes(30));
        assert_eq!(confirm(&app, user, enrolment, &phone.code()).await, Verdict::Unknown);
    }

    async fn a_secret_that_waits_leaves_the_confirmed_one_until_it_takes_its_place(app: TestApp) {
        let user = new_user(&app);
        let (_, old) = confirmed(&app, user).await;
        let (enrolment, new) = begun(&app, user).await;
        assert_eq!(check(&app, user, new_attempt(&app), &new.code()).await, WRONG);
        assert_eq!(check(&app, user, new_attempt(&app), &old.code()).await, Verdict::Proved);
        assert_eq!(confirm(&app, user, enrolment, &new.code()).await, Verdict::Proved);
        app.advance(STEP);
        assert_eq!(check(&app, user, new_attempt(&app), &old.code()).await, WRONG);
        assert_eq!(check(&app, user, new_attempt(&app), &new.code()).await, Verdict::Proved);
    }

    async fn an_attempt_has_one_verdict(app: TestApp) {
        let user = new_user(&app);
        let (_, phone) = confirmed(&app, user).await;
        let (attempt, code) = (new_attempt(&app), phone.code());
        assert_eq!(check(&app, user, attempt, &code).await, Verdict::Proved);
        assert_eq!(check(&app, user, attempt, &code).await, Verdict::ProvedBefore);
        // Only with its own code, and only for whom it was made.
        assert_eq!(check(&app, user, attempt, &phone.code_in(1)).await, WRONG);
        assert_eq!(check(&app, new_user(&app), attempt, &code).await, Verdict::Unknown);
        assert_eq!(check(&app, user, new_attempt(&app), &code).await, WRONG);
        app.advance(TimeDelta::minutes(5));
        assert_eq!(check(&app, user, attempt, &code).await, Verdict::ProvedBefore);
        // A wrong answer is the attempt's last.
        let attempt = new_attempt(&app);
        assert_eq!(check(&app, user, attempt, &phone.wrong()).await, WRONG);
        assert_eq!(check(&app, user, attempt, &phone.code()).await, WRONG);
        assert_eq!(check(&app, user, new_attempt(&app), &phone.code()).await, Verdict::Proved);
    }

    async fn of_several_attempts_with_one_code_one_is_proved(app: TestApp) {
        let user = new_user(&app);
        let (_, phone) = confirmed(&app, user).await;
        let code = phone.code();
        let verdicts = join_all((0..12).map(|_| check(&app, user, new_attempt(&app), &code))).await;
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Proved).count(), 1, "{verdicts:?}");
        app.advance(STEP);
        let (attempt, code) = (new_attempt(&app), phone.code());
        let verdicts = join_all((0..12).map(|_| check(&app, user, attempt, &code))).await;
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Proved).count(), 1, "{verdicts:?}");
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::ProvedBefore).count(), 11, "{verdicts:?}");
    }

    async fn twenty_wrong_an_hour_are_all_that_a_user_gets(app: TestApp) {
        let user = new_user(&app);
        let (_, phone) = confirmed(&app, user).await;
        for _ in 0..20 {
            assert_eq!(check(&app, user, new_attempt(&app), &phone.wrong()).await, WRONG);
        }
        let attempt = new_attempt(&app);
        assert_eq!(check(&app, user, attempt, &phone.code()).await, Verdict::Wrong { attempts: 1, left: Some(0) });
        app.advance(TimeDelta::hours(1));
        assert_eq!(check(&app, user, attempt, &phone.code()).await, Verdict::Proved);
    }

    async fn a_right_answer_that_is_repeated_late_takes_nothing_back_from_a_later_hour(app: TestApp) {
        let user = new_user(&app);
        let (code, attempt) = (issue(&app, user, new_set(&app)).await.remove(0), new_attempt(&app));
        assert_eq!(use_code(&app, user, attempt, &code).await.verdict, Verdict::Proved);
        // As though the process had ended when the answer was counted, and not judged yet.
        let mut conn = app.databases.verify.write().await.expect("a connection");
        for undone in ["update answers set proved_at = null", "update backup_codes set used_at = null"] {
            affected!(&mut conn, sqlx::query(undone)).expect("undone");
        }
        let text = "update counters set used = used + 1 where kind = 'wrong factor'";
        assert_eq!(affected!(&mut conn, sqlx::query(text)).expect("undone"), 1);
        drop(conn);
        app.advance(TimeDelta::hours(1));
        for n in 0..20 {
            if n == 10 {
                assert_eq!(use_code(&app, user, attempt, &code).await.verdict, Verdict::Proved);
            }
            assert_eq!(use_code(&app, user, new_attempt(&app), "wrong").await.verdict, WRONG, "{n}");
        }
        let limited = Verdict::Wrong { attempts: 1, left: Some(0) };
        assert_eq!(use_code(&app, user, new_attempt(&app), "wrong").await.verdict, limited);
    }

    async fn what_was_removed_proves_nothing_and_a_late_removal_spares_what_came_after(app: TestApp) {
        let user = new_user(&app);
        let (old, _) = confirmed(&app, user).await;
        let remove = async |enrolment: Option<EnrolmentId>| {
            for _ in 0..2 {
                as_auth(&app).authenticator_remove(AuthenticatorRemove { user, enrolment }).await.expect("removed");
            }
        };
        remove(Some(old)).await;
        let (new, phone) = confirmed(&app, user).await;
        remove(Some(old)).await;
        assert_eq!(check(&app, user, new_attempt(&app), &phone.code()).await, Verdict::Proved);
        let (waits, other) = begun(&app, user).await;
        remove(Some(new)).await;
        assert_eq!(check(&app, user, new_attempt(&app), &phone.code_in(1)).await, Verdict::Unknown);
        assert_eq!(confirm(&app, user, waits, &other.code()).await, Verdict::Proved);
        remove(None).await;
        assert_eq!(check(&app, user, new_attempt(&app), &other.code_in(1)).await, Verdict::Unknown);
    }

    async fn a_tenant_does_not_reach_the_platforms_users(app: TestApp) {
        let user = new_user(&app);
        let (_, phone) = confirmed(&app, user).await;
        let shop = Tenant { client: "platform", ..Tenant::of(&app) };
        let (id, theirs) = scanned(&shop, &user.to_string()).await;
        let _ = validate(&shop, &id, &phone.code()).await.expect(422);
        let _ = validate(&shop, &id, &theirs.code()).await.expect(200);
        assert!(initiated(&shop, &user.to_string()).await.1.is_none());
        assert_eq!(check(&app, user, new_attempt(&app), &phone.code()).await, Verdict::Proved);
    }

    async fn backup_codes_are_issued_used_and_counted(app: TestApp) {
        let (user, set) = (new_user(&app), new_set(&app));
        let none = BackupCodesCount { left: 0, issued_at: None };
        assert_eq!(as_auth(&app).backup_codes_count(user).await.expect("counted"), none);
        assert_eq!(use_code(&app, user, new_attempt(&app), "0000000000").await, BackupCodesUsed { verdict: Verdict::Unknown, left: 0 });
        let first = issue(&app, user, set).await;
        let issued_at = Some(app.clock.now());
        assert_eq!(as_auth(&app).backup_codes_count(user).await.expect("counted"), BackupCodesCount { left: 10, issued_at });
        // The answer was lost: the same set with new codes.
        let codes = issue(&app, user, set).await;
        assert_eq!(use_code(&app, user, new_attempt(&app), &first[0]).await, BackupCodesUsed { verdict: WRONG, left: 10 });
        let attempt = new_attempt(&app);
        assert_eq!(use_code(&app, user, attempt, &codes[0]).await, BackupCodesUsed { verdict: Verdict::Proved, left: 9 });
        assert_eq!(use_code(&app, user, attempt, &codes[0]).await, BackupCodesUsed { verdict: Verdict::ProvedBefore, left: 9 });
        assert_eq!(use_code(&app, user, attempt, &codes[1]).await, BackupCodesUsed { verdict: WRONG, left: 9 });
        assert_eq!(use_code(&app, user, new_attempt(&app), &codes[0]).await, BackupCodesUsed { verdict: WRONG, left: 9 });
        // An attempt is for one factor.
        assert_eq!(check(&app, user, attempt, &codes[0]).await, Verdict::Unknown);
    }

    async fn of_50_attempts_with_one_backup_code_one_is_proved(app: TestApp) {
        let (user, set) = (new_user(&app), new_set(&app));
        let codes = issue(&app, user, set).await;
        let (mut proved, mut turned_away) = (0, 0);
        for tried in join_all((0..50).map(|_| try_code(&app, user, new_attempt(&app), &codes[0]))).await {
            match tried {
                Ok(used) => proved += usize::from(used.verdict == Verdict::Proved),
                Err(CallError::Unavailable { .. }) => turned_away += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
        one_took_a_code(proved, turned_away, left(&app, user).await);
    }

    async fn removed_backup_codes_prove_nothing(app: TestApp) {
        let (user, old, new) = (new_user(&app), new_set(&app), new_set(&app));
        let _ = issue(&app, user, old).await;
        let codes = issue(&app, user, new).await;
        let remove = async |set: Option<BackupCodeSetId>| {
            for _ in 0..2 {
                as_auth(&app).backup_codes_remove(BackupCodesRemove { user, set }).await.expect("removed");
            }
        };
        remove(Some(old)).await;
        assert_eq!(left(&app, user).await, 10);
        remove(Some(new)).await;
        assert_eq!(use_code(&app, user, new_attempt(&app), &codes[0]).await.verdict, Verdict::Unknown);
        let _ = issue(&app, user, new).await;
        remove(None).await;
        assert_eq!(left(&app, user).await, 0);
    }
}
