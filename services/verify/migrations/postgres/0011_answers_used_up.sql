-- When the last answer that a verification takes was counted. Whoever counted it judges it and ends the verification; the sweep does so for
-- whoever could not.
alter table verifications add column answers_used_up_at timestamptz;
create index verifications_answers_used_up on verifications (answers_used_up_at) where answers_used_up_at is not null;
