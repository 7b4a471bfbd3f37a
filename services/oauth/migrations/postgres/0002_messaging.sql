-- State that travels: the same four tables in every context.

-- Events, written in the transaction of the change they tell of.
create table outbox (
    id           uuid        primary key,
    source       text        not null,
    event_type   text        not null,
    aggregate    uuid        not null,
    version      bigint      not null,
    happened_at  timestamptz not null,
    trace        text,
    body         bytea       not null,
    published_at timestamptz,
    unique (aggregate, version)
);
create index outbox_unpublished on outbox (aggregate, version) where published_at is null;
create index outbox_waiting_since on outbox (happened_at) where published_at is null;
create index outbox_published_at on outbox (published_at) where published_at is not null;

-- What each consumer of this context has applied already.
create table inbox (
    consumer    text        not null,
    envelope_id uuid        not null,
    seen_at     timestamptz not null,
    primary key (consumer, envelope_id)
);
create index inbox_seen_at on inbox (seen_at);

-- Events a consumer could not take, with the reason.
create table dead_letters (
    id          uuid        not null,
    consumer    text        not null,
    source      text        not null,
    event_type  text        not null,
    aggregate   uuid        not null,
    version     bigint      not null,
    happened_at timestamptz not null,
    trace       text,
    body        bytea       not null,
    reason      text        not null,
    died_at     timestamptz not null,
    primary key (id, consumer)
);
create index dead_letters_died_at on dead_letters (died_at);

-- Calls to other contexts, queued with the change and repeated until acknowledged.
create table durable_calls (
    id          uuid        primary key,
    kind        text        not null,
    payload     text        not null,
    tries       bigint      not null,
    queued_at   timestamptz not null,
    next_try_at timestamptz not null
);
create index durable_calls_next_try_at on durable_calls (next_try_at);
