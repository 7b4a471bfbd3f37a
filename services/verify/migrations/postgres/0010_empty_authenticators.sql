-- Rows in which no secret is left are found by the sweep without looking at the others.
create index authenticators_empty on authenticators (tenant, consumer) where secret_id is null and pending_id is null;
