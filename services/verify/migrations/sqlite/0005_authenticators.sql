-- Secrets that people hold themselves: authenticator apps, and codes on paper.

-- The authenticator of a consumer: the confirmed secret, and one that waits for its first right code. Both are sealed to their place,
-- with the name of their key in front.
create table authenticators (
    tenant           text        not null,
    consumer         text        not null,
    secret_id        blob,
    sealed           blob,
    confirmed_at     text,
    -- The step of the code that confirmed it, and that of the latest code: no step is taken twice.
    confirmed_step   integer,
    last_step        integer,
    pending_id       blob,
    pending_sealed   blob,
    pending_until    text,
    pending_attempts integer     not null,
    primary key (tenant, consumer)
);
create index authenticators_pending_until on authenticators (pending_until) where pending_until is not null;

-- The codes of a consumer, of which a new set kills the old.
create table backup_code_sets (
    tenant    text        not null,
    consumer  text        not null,
    set_id    blob        not null,
    issued_at text        not null,
    primary key (tenant, consumer)
);
create table backup_codes (
    tenant   text        not null,
    consumer text        not null,
    set_id   blob        not null,
    number   integer     not null,
    digest   blob        not null,
    used_at  text,
    primary key (tenant, consumer, set_id, number),
    foreign key (tenant, consumer) references backup_code_sets (tenant, consumer) on delete cascade
);

-- One answer of a sibling: it is counted once, and whoever lost the verdict asks for it again with the same answer.
create table answers (
    id          blob        not null primary key,
    consumer    text        not null,
    method      text        not null,
    digest      blob        not null,
    answered_at text        not null,
    proved_at   text
);
create index answers_answered_at on answers (answered_at);
