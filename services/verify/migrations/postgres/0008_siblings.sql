-- Which sibling began a verification of the platform: to the others it is unknown. Null for a tenant's own. What the release before
-- began, auth began.
alter table verifications add column sibling text default 'auth';
update verifications set sibling = null where tenant <> 'platform';

-- A sibling names a verification by its id alone.
create unique index verifications_platform on verifications (lookup_id) where tenant = 'platform';
