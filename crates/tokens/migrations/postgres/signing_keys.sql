-- Keys that tokens are signed with, sealed under the ring of the context: the same table in every context that signs.
-- A key is published at once, signs from active_at to retired_at, and is gone when the last token it signed has ended.
create table signing_keys (
    kid          text        not null primary key,
    key_set      text        not null,
    alg          text        not null,
    generation   bigint      not null,
    sealed       bytea       not null,
    published_at timestamptz not null,
    active_at    timestamptz not null,
    retired_at   timestamptz,
    gone_at      timestamptz,
    unique (key_set, alg, generation)
);
