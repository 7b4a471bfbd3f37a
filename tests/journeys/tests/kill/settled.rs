//! What must hold once everything that was begun has come to its end, read from the files themselves.

use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tessera_journeys::DataFolder;

use crate::account::{Account, Operation, Outcome};

/// The longest claim of what a killed program had in hand is that of a mail: half a minute.
const UNTIL_SETTLED: Duration = Duration::from_secs(60);

/// A rule, and a query for what breaks it. `main` is auth.
type Rule = (&'static str, &'static str);

/// What is still under way.
const UNDER_WAY: [Rule; 4] = [
    ("every event of auth is published", "select hex(id) from main.outbox where published_at is null"),
    ("every event of sessions is published", "select hex(id) from sessions.outbox where published_at is null"),
    (
        "every call is acknowledged",
        "select kind from main.durable_calls union all select kind from sessions.durable_calls",
    ),
    ("every mail is sent", "select destination from verify.deliveries where state = 'queued'"),
];

const RULES: [Rule; 15] = [
    (
        "no event died",
        "select consumer || ': ' || reason from \
         (select * from main.dead_letters union all select * from sessions.dead_letters)",
    ),
    (
        "each event of auth was applied",
        "select hex(id) from main.outbox o where not exists \
         (select 1 from sessions.inbox i where i.consumer = 'sessions.profiles' and i.envelope_id = o.id)",
    ),
    (
        "each event of sessions was applied",
        "select hex(id) from sessions.outbox o where not exists \
         (select 1 from main.inbox i where i.consumer = 'auth.account_events' and i.envelope_id = o.id)",
    ),
    (
        "each sign-in was noted once",
        "select e.given from main.email_addresses e where \
         (select count(*) from sessions.sessions s where s.user_id = e.user_id) <> \
         (select count(*) from main.account_events a where a.user_id = e.user_id and a.action = 'signed_in')",
    ),
    (
        "each sign-out was noted once",
        "select e.given from main.email_addresses e where \
         (select count(*) from sessions.sessions s where s.user_id = e.user_id and s.status <> 'active') <> \
         (select count(*) from main.account_events a where a.user_id = e.user_id and a.action = 'signed_out')",
    ),
    (
        "each password change was noted once",
        "select e.given from main.email_addresses e join main.users u on u.id = e.user_id where u.security_epoch - 1 <> \
         (select count(*) from main.account_events a where a.user_id = u.id and a.action = 'password_changed')",
    ),
    (
        "each proof of an address was noted once",
        "select e.given from main.email_addresses e where (e.verified_at is not null) <> \
         (select count(*) from main.account_events a where a.user_id = e.user_id and a.action = 'email_verified')",
    ),
    (
        "each change of a user was told",
        "select e.given from main.email_addresses e join main.users u on u.id = e.user_id \
         where u.version <> (select count(*) from main.outbox o where o.aggregate = u.id)",
    ),
    (
        "each change of a session was told",
        "select cast(s.number as text) from sessions.sessions s \
         where s.version <> (select count(*) from sessions.outbox o where o.aggregate = s.id)",
    ),
    (
        "sessions knows every user as auth does",
        "select e.given from main.email_addresses e join main.users u on u.id = e.user_id where not exists \
         (select 1 from sessions.persons p where p.user_id = u.id and p.number = u.number and p.email = e.given \
          and p.version = u.version and p.email_verified = (e.verified_at is not null))",
    ),
    (
        "each password change has cut",
        "select e.given from main.email_addresses e join main.users u on u.id = e.user_id where u.security_epoch > 1 \
         and not exists (select 1 from sessions.user_floors f where f.user_id = u.id and f.epoch = u.security_epoch)",
    ),
    (
        "nothing lives below a floor",
        "select cast(s.number as text) from sessions.sessions s join sessions.user_floors f on f.user_id = s.user_id \
         where s.status = 'active' and s.epoch < f.epoch",
    ),
    (
        "every user has an address and a password, and no session is without a user",
        "select 'user ' || u.number from main.users u where \
         not exists (select 1 from main.email_addresses e where e.user_id = u.id) or \
         not exists (select 1 from main.password_credentials p where p.user_id = u.id) \
         union all select 'session ' || s.number from sessions.sessions s where \
         not exists (select 1 from main.users u where u.id = s.user_id)",
    ),
    (
        "no address has two accounts",
        "select canonical from main.email_addresses group by canonical having count(*) > 1",
    ),
    (
        "everybody who signed up got mail",
        "select given from main.email_addresses e \
         where not exists (select 1 from verify.dev_messages m where m.recipient = e.canonical)",
    ),
];

/// Waits until nothing is under way in the program that works on the folder.
pub async fn wait(folder: &DataFolder) {
    let mut left = Vec::new();
    let settling = async {
        let mut files = open(folder).await;
        loop {
            left = broken(&mut files, &UNDER_WAY).await;
            if left.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let settled = tokio::time::timeout(UNTIL_SETTLED, settling).await;
    assert!(settled.is_ok(), "after {UNTIL_SETTLED:?} still under way: {left:#?}");
}

/// Checks the files of a folder that no program works on.
pub async fn check(folder: &DataFolder, accounts: &[Account]) {
    let mut files = open(folder).await;
    for schema in ["main", "sessions", "verify", "oauth"] {
        let sound: Vec<String> = rows(&mut files, &format!("pragma {schema}.integrity_check")).await;
        assert_eq!(sound, ["ok"], "{schema}");
    }
    let broken = [broken(&mut files, &UNDER_WAY).await, broken(&mut files, &RULES).await].concat();
    assert!(broken.is_empty(), "{broken:#?}");

    let verified = rows(&mut files, "select given from main.email_addresses where verified_at is not null").await;
    let told = accounts.iter().filter(|account| account.outcome(Operation::VerifyEmail) == Some(Outcome::Done));
    for account in told {
        assert!(verified.contains(&account.email), "not verified: {account:#?}");
    }
}

async fn open(folder: &DataFolder) -> SqliteConnection {
    let file = |context: &str| folder.path().join(format!("{context}.sqlite"));
    let options = SqliteConnectOptions::new().filename(file("auth")).read_only(true);
    let mut files = options.connect().await.expect("auth's file");
    for context in ["sessions", "verify", "oauth"] {
        let attached = sqlx::query("attach database $1 as $2").bind(file(context).display().to_string()).bind(context);
        attached.execute(&mut files).await.expect("a file");
    }
    files
}

/// The rules that are broken, each with what breaks it.
async fn broken(files: &mut SqliteConnection, rules: &[Rule]) -> Vec<(&'static str, Vec<String>)> {
    let mut broken = Vec::new();
    for (rule, query) in rules {
        let by = rows(files, query).await;
        if !by.is_empty() {
            broken.push((*rule, by));
        }
    }
    broken
}

async fn rows(files: &mut SqliteConnection, query: &str) -> Vec<String> {
    sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned())).fetch_all(files).await.expect("an answer")
}
