-- Clients, sign-ins and sessions, and what is known of the people they belong to.

create table clock_mark (
    id integer     not null primary key,
    at text        not null
);

-- A browser or an app install. The previous secret is stale for a moment after a rise.
create table browser_clients (
    id                  blob        not null primary key,
    kind                text        not null,
    secret_digest       blob,
    previous_digest     blob,
    rotated_at          text        not null,
    presented_at        text,
    auth_changed_at     text        not null,
    last_active_session blob,
    created_at          text        not null
);
-- Partial, so that replacing a secret does not change a key that other rows refer to: sign-ins of two users on one client need not wait
-- for each other in a circle.
create unique index browser_clients_secret on browser_clients (secret_digest) where secret_digest is not null;
create unique index browser_clients_previous on browser_clients (previous_digest) where previous_digest is not null;

-- The one pending login of a client, whatever API drives it.
create table sign_ins (
    id         blob        not null primary key,
    op         blob        not null unique,
    client_id  blob        not null references browser_clients (id),
    entry      text        not null,
    state      text        not null,
    user_id    blob,
    epoch      integer     not null,
    created_at text        not null,
    expires_at text        not null,
    challenge_digest blob
);
create unique index sign_ins_challenge on sign_ins (challenge_digest) where challenge_digest is not null;
create unique index sign_ins_open on sign_ins (client_id) where state in ('needs_identifier', 'needs_first', 'needs_second');

create table sessions (
    number           integer     not null primary key autoincrement,
    id               blob        not null unique,
    client_id        blob        not null references browser_clients (id),
    sign_in_id       blob        not null references sign_ins (id),
    user_id          blob        not null,
    user_number      integer     not null,
    entry            text        not null,
    status           text        not null,
    listed           integer     not null,
    epoch            integer     not null,
    token_digest     blob        unique,
    started_at       text        not null,
    last_active_at   text        not null,
    expire_at        text        not null,
    abandon_at       text        not null,
    first_factor_at  text        not null,
    second_factor_at text,
    application      text,
    user_agent       text,
    address          text        not null,
    ended_at         text,
    ended_reason     text,
    version          integer     not null,
    updated_at       text        not null
);
create index sessions_client on sessions (client_id);
create index sessions_user on sessions (user_id, number);

-- What is born below a user's floor is dead. It only rises.
create table user_floors (
    user_id  blob    not null primary key,
    epoch    integer not null,
    disabled integer not null
);

-- The only copy of profiles outside auth: for display and claims, never for whether somebody may sign in.
create table persons (
    user_id        blob        not null primary key,
    number         integer     not null,
    email          text        not null,
    email_verified integer     not null,
    version        integer     not null,
    created_at     text        not null,
    updated_at     text        not null
);

create table signing_keys (
    kid          text        not null primary key,
    key_set      text        not null,
    alg          text        not null,
    generation   integer     not null,
    sealed       blob        not null,
    published_at text        not null,
    active_at    text        not null,
    retired_at   text,
    gone_at      text,
    unique (key_set, alg, generation)
);
