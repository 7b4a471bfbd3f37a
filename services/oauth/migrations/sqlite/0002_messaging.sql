-- State that travels: the same four tables in every context.

-- Events, written in the transaction of the change they tell of.
create table outbox (
    id           blob        not null primary key,
    source       text        not null,
    event_type   text        not null,
    aggregate    blob        not null,
    version      integer     not null,
    happened_at  text        not null,
    trace        text,
    body         blob        not null,
    published_at text,
    unique (aggregate, version)
);
create index outbox_unpublished on outbox (aggregate, version) where published_at is null;
create index outbox_waiting_since on outbox (happened_at) where published_at is null;
create index outbox_published_at on outbox (published_at) where published_at is not null;

-- What each consumer of this context has applied already.
create table inbox (
    consumer    text        not null,
    envelope_id blob        not null,
    seen_at     text        not null,
    primary key (consumer, envelope_id)
);
create index inbox_seen_at on inbox (seen_at);

-- Events a consumer could not take, with the reason.
create table dead_letters (
    id          blob        not null,
    consumer    text        not null,
    source      text        not null,
    event_type  text        not null,
    aggregate   blob        not null,
    version     integer     not null,
    happened_at text        not null,
    trace       text,
    body        blob        not null,
    reason      text        not null,
    died_at     text        not null,
    primary key (id, consumer)
);
create index dead_letters_died_at on dead_letters (died_at);

-- Calls to other contexts, queued with the change and repeated until acknowledged.
create table durable_calls (
    id          blob        not null primary key,
    kind        text        not null,
    payload     text        not null,
    tries       integer     not null,
    queued_at   text        not null,
    next_try_at text        not null
);
create index durable_calls_next_try_at on durable_calls (next_try_at);
