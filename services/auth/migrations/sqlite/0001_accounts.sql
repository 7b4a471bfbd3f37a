-- Users, their addresses and passwords, and what is due to them.

create table clock_mark (
    id integer     not null primary key,
    at text        not null
);

create table users (
    number         integer     not null primary key autoincrement,
    id             blob        not null unique,
    status         text        not null,
    security_epoch integer     not null,
    username       text,
    first_name     text,
    last_name      text,
    locale         text,
    country        text,
    version        integer     not null,
    created_at     text        not null,
    updated_at     text        not null
);

create table email_addresses (
    id          blob        not null primary key,
    user_id     blob        not null references users (id),
    given       text        not null,
    canonical   text        not null unique,
    verified_at text,
    is_primary  integer     not null
);
create unique index email_addresses_primary on email_addresses (user_id) where is_primary;

create table password_credentials (
    user_id    blob        not null primary key references users (id),
    phc        text        not null,
    changed_at text        not null
);

-- The registry of what an account demands.
create table second_factors (
    id          blob        not null primary key,
    user_id     blob        not null references users (id),
    kind        text        not null,
    label       text        not null,
    enrolled_at text        not null
);
create index second_factors_user on second_factors (user_id);

-- What a mailed link is good for. The effect happens once: conditional on done_at.
create table mailed_links (
    verification_id blob        not null primary key,
    user_id         blob        not null references users (id),
    purpose         text        not null,
    address         text        not null,
    created_at      text        not null,
    done_at         text
);
create index mailed_links_user on mailed_links (user_id, purpose);

create table account_events (
    id         integer     not null primary key autoincrement,
    user_id    blob        not null references users (id),
    action     text        not null,
    user_agent text,
    address    text,
    at         text        not null
);
create index account_events_user on account_events (user_id, id);

-- Wrong passwords, counted before they are compared: per identifier as typed (in canonical form) and budget.
create table password_attempts (
    subject      text        not null,
    budget       text        not null,
    window_start text        not null,
    wrong        integer     not null,
    primary key (subject, budget)
);
