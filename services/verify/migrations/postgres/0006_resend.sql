-- The code itself, sealed, for as long as it may have to be sent again. What cannot be sent again has none.
alter table verifications add column sealed_code bytea;
create index verifications_sealed on verifications (deadline) where sealed_code is not null;
