-- One-time secrets: what was promised to whom, and the messages that carry them.

create table clock_mark (
    id integer     not null primary key,
    at text        not null
);

-- `id` is shown as it was given and found by `lookup_id`, its lower case. `consumer` likewise, with `recipient` its canonical form.
-- Wrong answers are counted here per verification, and in `counters` per `subject` and `purpose_group`.
create table verifications (
    row_id        blob        not null primary key,
    tenant        text        not null,
    method        text        not null,
    id            text        not null,
    lookup_id     text        not null,
    -- The sibling's row that the proof is for; empty for a tenant's own.
    holder        text        not null,
    subject       text        not null,
    purpose_group text        not null,
    consumer      text        not null,
    recipient     text        not null,
    -- Raised when an id is used again: what belongs to an earlier one is void.
    generation    integer     not null,
    code_digest   blob        not null,
    form          text        not null,
    attempts      integer     not null,
    issued_at     text        not null,
    deadline      text        not null,
    -- JSON as it came.
    payload       text,
    state         text        not null,
    proved_at     text,
    unique (tenant, method, lookup_id)
);
create index verifications_deadline on verifications (deadline);
create index verifications_subject on verifications (tenant, subject, recipient);

-- A message on its way. It is sealed, and erased once it needs no sending any more.
create table deliveries (
    id              blob        not null primary key,
    verification    blob        not null references verifications (row_id) on delete cascade,
    generation      integer     not null,
    channel         text        not null,
    destination     text        not null,
    sealed          blob,
    tries           integer     not null,
    next_try_at     text        not null,
    state           text        not null,
    queued_at       text        not null
);
create index deliveries_due on deliveries (next_try_at) where state = 'queued';
create index deliveries_verification on deliveries (verification);

-- What may happen only so often in a time: wrong answers of a subject, messages to a recipient.
create table counters (
    tenant  text        not null,
    subject text        not null,
    kind    text        not null,
    used    integer     not null,
    ends_at text        not null,
    primary key (tenant, subject, kind)
);
create index counters_ends_at on counters (ends_at);

-- The dev mailbox: messages that were caught instead of sent.
create table dev_messages (
    number      integer     not null primary key autoincrement,
    id          blob        not null unique,
    channel     text        not null,
    destination text        not null,
    recipient   text        not null,
    sender      text,
    subject     text,
    body        text        not null,
    created_at  text        not null
);
create index dev_messages_recipient on dev_messages (recipient, number);
