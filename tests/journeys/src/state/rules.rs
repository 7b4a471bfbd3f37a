//! The rules, one query for each database and compared here: no query spans two.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use uuid::Uuid;

use super::{Broken, State};

/// What is still under way (I2).
pub async fn under_way(state: &mut State) -> Vec<Broken> {
    let unpublished = "select cast(event_type as text) from outbox where published_at is null";
    let queued = "select kind from durable_calls";
    let [of_auth, of_others] = outboxes(state).await;
    let found = [
        broken("every event of auth is published", state.auth.column::<String>(unpublished).await),
        broken("every event of sessions is published", state.sessions.column::<String>(unpublished).await),
        broken("every event of verify is published", state.verify.column::<String>(unpublished).await),
        broken("every call of auth is acknowledged", state.auth.column::<String>(queued).await),
        broken("every call of sessions is acknowledged", state.sessions.column::<String>(queued).await),
        broken("every event of auth is applied", &of_auth.published - &of_auth.applied),
        broken("every event of sessions and verify is applied", &of_others.published - &of_others.applied),
        broken(
            "every mail is sent",
            state.verify.column::<String>("select destination from deliveries where state = 'queued'").await,
        ),
    ];
    found.into_iter().flatten().collect()
}

/// What must never be.
pub async fn broken_rules(state: &mut State) -> Vec<Broken> {
    let mut found = Vec::new();
    let [of_auth, of_others] = outboxes(state).await;
    // I3: an effect of an event whose change was never committed.
    found.extend(broken("no event of auth was applied that is not there", &of_auth.applied - &of_auth.published));
    found.extend(broken(
        "no event of sessions or verify was applied that is not there",
        &of_others.applied - &of_others.published,
    ));
    let died = "select consumer || ': ' || reason from dead_letters";
    for (rule, of) in [
        ("the file of auth is whole", state.auth.damage().await),
        ("the file of sessions is whole", state.sessions.damage().await),
        ("the file of verify is whole", state.verify.damage().await),
        ("the file of oauth is whole", state.oauth.damage().await),
        ("no event died in auth", state.auth.column(died).await),
        ("no event died in sessions", state.sessions.column(died).await),
        ("no address has two accounts", state.auth.column("select canonical from email_addresses group by canonical having count(*) > 1").await),
        (
            "every user has an address and a password",
            state.auth.column(
                "select cast(number as text) from users u where not exists (select 1 from email_addresses e where e.user_id = u.id) \
                 or not exists (select 1 from password_credentials p where p.user_id = u.id)",
            ).await,
        ),
        (
            "nothing lives below a floor",
            state.sessions.column(
                "select cast(s.number as text) from sessions s join user_floors f on f.user_id = s.user_id \
                 where s.status = 'active' and s.epoch < f.epoch",
            ).await,
        ),
        (
            "each change of a user was told",
            state.auth.column(
                "select cast(u.number as text) from users u \
                 where u.version <> (select count(*) from outbox o where o.aggregate = u.id)",
            ).await,
        ),
        (
            "each change of a session was told",
            state.sessions.column(
                "select cast(s.number as text) from sessions s \
                 where s.version <> (select count(*) from outbox o where o.aggregate = s.id)",
            ).await,
        ),
    ] {
        found.extend(broken(rule, of));
    }
    let users = users(state).await;
    found.extend(audit(state, &users).await);
    found.extend(knowledge(state, &users).await);
    found
}

/// The events of a context, and those of them that their consumer has applied.
struct Outbox {
    published: BTreeSet<Uuid>,
    applied: BTreeSet<Uuid>,
}

/// That of auth, whose profiles sessions keeps, and those of sessions and verify, whose events auth notes.
async fn outboxes(state: &mut State) -> [Outbox; 2] {
    // What was applied before what was published: nothing can be applied in between that is then missing.
    let applied = [
        state.sessions.column("select envelope_id from inbox where consumer = 'sessions.profiles'").await,
        state.auth.column("select envelope_id from inbox where consumer = 'auth.account_events'").await,
    ];
    let published = "select id from outbox";
    let mut of_others: Vec<Uuid> = state.sessions.column(published).await;
    of_others.extend(state.verify.column::<Uuid>(published).await);
    let published = [state.auth.column(published).await, of_others];
    let [auth, others] = published.map(|ids: Vec<Uuid>| ids.into_iter().collect());
    let [auth_applied, others_applied] = applied.map(|ids: Vec<Uuid>| ids.into_iter().collect());
    [Outbox { published: auth, applied: auth_applied }, Outbox { published: others, applied: others_applied }]
}

/// A user as auth has it.
struct User {
    number: i64,
    email: String,
    version: i64,
    epoch: i64,
    verified: bool,
}

async fn users(state: &mut State) -> BTreeMap<Uuid, User> {
    let query = "select u.id, u.number, e.given, u.version, u.security_epoch, e.verified_at is not null \
                 from users u join email_addresses e on e.user_id = u.id";
    let rows: Vec<(Uuid, i64, String, i64, i64, bool)> = state.auth.rows(query).await;
    let user = |(id, number, email, version, epoch, verified)| (id, User { number, email, version, epoch, verified });
    rows.into_iter().map(user).collect()
}

/// Each security change has exactly one account event.
async fn audit(state: &mut State, users: &BTreeMap<Uuid, User>) -> Vec<Broken> {
    let events: Vec<(Uuid, String, i64)> =
        state.auth.rows("select user_id, action, count(*) from account_events group by user_id, action").await;
    let events: BTreeMap<(Uuid, &str), i64> =
        events.iter().map(|(user, action, count)| ((*user, action.as_str()), *count)).collect();
    let sessions: BTreeMap<Uuid, i64> =
        state.sessions.rows("select user_id, count(*) from sessions group by user_id").await.into_iter().collect();
    let ended = "select user_id, count(*) from sessions where status <> 'active' group by user_id";
    let ended: BTreeMap<Uuid, i64> = state.sessions.rows(ended).await.into_iter().collect();
    let noted = |id: &Uuid, action: &str| events.get(&(*id, action)).copied().unwrap_or_default();
    let of = |counts: &BTreeMap<Uuid, i64>, id: &Uuid| counts.get(id).copied().unwrap_or_default();
    let unlike = |rule, is_right: &dyn Fn(&Uuid, &User) -> bool| {
        broken(rule, users.iter().filter(|(id, user)| !is_right(id, user)).map(|(_, user)| &user.email))
    };
    [
        unlike("each sign-in was noted once", &|id, _| noted(id, "signed_in") == of(&sessions, id)),
        unlike("each sign-out was noted once", &|id, _| noted(id, "signed_out") == of(&ended, id)),
        unlike("each password change was noted once", &|id, user| noted(id, "password_changed") == user.epoch - 1),
        unlike("each proof of an address was noted once", &|id, user| {
            noted(id, "email_verified") == i64::from(user.verified)
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The contexts know of each other what they must.
async fn knowledge(state: &mut State, users: &BTreeMap<Uuid, User>) -> Vec<Broken> {
    let persons = "select user_id, number, email, version, email_verified from persons";
    let persons: Vec<(Uuid, i64, String, i64, bool)> = state.sessions.rows(persons).await;
    let persons: BTreeMap<Uuid, (i64, String, i64, bool)> = persons
        .into_iter()
        .map(|(id, number, email, version, verified)| (id, (number, email, version, verified)))
        .collect();
    let floors: BTreeMap<Uuid, i64> =
        state.sessions.rows("select user_id, epoch from user_floors").await.into_iter().collect();
    let owners: Vec<Uuid> = state.sessions.column("select distinct user_id from sessions").await;
    let mailed: Vec<String> = state.verify.column("select distinct recipient from dev_messages").await;
    let is_known = |id: &Uuid, user: &User| {
        persons.get(id).is_some_and(|person| *person == (user.number, user.email.clone(), user.version, user.verified))
    };
    let emails = |of: &dyn Fn(&Uuid, &User) -> bool| -> Vec<String> {
        users.iter().filter(|(id, user)| of(id, user)).map(|(_, user)| user.email.clone()).collect()
    };
    [
        broken("sessions knows every user as auth does", emails(&|id, user| !is_known(id, user))),
        broken(
            "each password change has cut",
            emails(&|id, user| user.epoch > 1 && floors.get(id) != Some(&user.epoch)),
        ),
        broken("no session is without a user", owners.iter().filter(|id| !users.contains_key(id))),
        broken("everybody who signed up got mail", emails(&|_, user| !mailed.contains(&user.email.to_lowercase()))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn broken<T: Debug>(rule: &'static str, by: impl IntoIterator<Item = T>) -> Option<Broken> {
    let by: Vec<String> = by.into_iter().map(|by| format!("{by:?}")).collect();
    (!by.is_empty()).then_some(Broken { rule, by })
}
