-- Keys that tokens are signed with, sealed under the ring of the context: the same table in every context that signs.
-- A key is published at once, signs from active_at to retired_at, and is gone when the last token it signed has ended.
create table signing_keys (
    kid          text    not null primary key,
    key_set      text    not null,
    alg          text    not null,
    generation   integer not null,
    sealed       blob    not null,
    published_at text    not null,
    active_at    text    not null,
    retired_at   text,
    gone_at      text,
    unique (key_set, alg, generation)
);
