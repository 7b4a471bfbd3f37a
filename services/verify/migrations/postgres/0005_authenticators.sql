-- Secrets that people hold themselves: authenticator apps, and codes on paper.

-- The authenticator of a consumer: the confirmed secret, and one that waits for its first right code. Both are sealed to their place,
-- with the name of their key in front.
create table authenticators (
    tenant           text        not null,
    consumer         text        not null,
    secret_id        uuid,
    sealed           bytea,
    confirmed_at     timestamptz,
    -- The step of the code that confirmed it, and that of the latest code: no step is taken twice.
    confirmed_step   bigint,
    last_step        bigint,
    pending_id       uuid,
    pending_sealed   bytea,
    pending_until    timestamptz,
    pending_attempts bigint      not null,
    primary key (tenant, consumer)
);
create index authenticators_pending_until on authenticators (pending_until) where pending_until is not null;

-- The codes of a consumer, of which a new set kills the old.
create table backup_code_sets (
    tenant    text        not null,
    consumer  text        not null,
    set_id    uuid        not null,
    issued_at timestamptz not null,
    primary key (tenant, consumer)
);
create table backup_codes (
    tenant   text        not null,
    consumer text        not null,
    set_id   uuid        not null,
    number   bigint      not null,
    digest   bytea       not null,
    used_at  timestamptz,
    primary key (tenant, consumer, set_id, number),
    foreign key (tenant, consumer) references backup_code_sets (tenant, consumer) on delete cascade
);

-- One answer of a sibling: it is counted once, and whoever lost the verdict asks for it again with the same answer.
create table answers (
    id          uuid        not null primary key,
    consumer    text        not null,
    method      text        not null,
    digest      bytea       not null,
    answered_at timestamptz not null,
    proved_at   timestamptz
);
create index answers_answered_at on answers (answered_at);
