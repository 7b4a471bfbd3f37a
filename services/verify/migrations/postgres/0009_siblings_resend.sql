-- What siblings have asked to be sent again: each request is carried out once, however often its call is repeated.
create table resends (
    op            uuid        not null primary key,
    verification  uuid        not null references verifications (row_id) on delete cascade,
    -- Nothing was sent, for the recipient had too many messages until then.
    limited_until timestamptz
);
create index resends_verification on resends (verification);
