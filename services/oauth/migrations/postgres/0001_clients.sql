-- OAuth clients (applications, tenants) and their secrets.

create table clock_mark (
    id integer     not null primary key,
    at timestamptz not null
);

-- Lists are JSON arrays of names; a name that this release does not know grants nothing.
create table oauth_clients (
    client_id           text        not null primary key,
    name                text        not null,
    enabled             boolean     not null,
    first_party         boolean     not null,
    auth_methods        text        not null,
    grant_types         text        not null,
    response_types      text        not null,
    scopes              text        not null,
    redirect_uris       text        not null,
    require_pkce        boolean     not null,
    access_token_format text        not null,
    access_token_alg    text        not null,
    access_token_ttl_s  bigint      not null,
    id_token_alg        text        not null,
    version             bigint      not null,
    created_at          timestamptz not null,
    updated_at          timestamptz not null
);

-- Two may be live at once: the new one, and the old one until it expires.
create table client_secrets (
    id         uuid        not null primary key,
    client_id  text        not null references oauth_clients (client_id),
    digest     bytea       not null,
    created_at timestamptz not null,
    expires_at timestamptz
);
create index client_secrets_client on client_secrets (client_id);
