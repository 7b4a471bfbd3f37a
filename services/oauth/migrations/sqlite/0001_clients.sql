-- OAuth clients (applications, tenants) and their secrets.

create table clock_mark (
    id integer not null primary key,
    at text    not null
);

-- Lists are JSON arrays of names; a name that this release does not know grants nothing.
create table oauth_clients (
    client_id           text    not null primary key,
    name                text    not null,
    enabled             integer not null,
    first_party         integer not null,
    auth_methods        text    not null,
    grant_types         text    not null,
    response_types      text    not null,
    scopes              text    not null,
    redirect_uris       text    not null,
    require_pkce        integer not null,
    access_token_format text    not null,
    access_token_alg    text    not null,
    access_token_ttl_s  integer not null,
    id_token_alg        text    not null,
    version             integer not null,
    created_at          text    not null,
    updated_at          text    not null
);

-- Two may be live at once: the new one, and the old one until it expires.
create table client_secrets (
    id         blob not null primary key,
    client_id  text not null references oauth_clients (client_id),
    digest     blob not null,
    created_at text not null,
    expires_at text
);
create index client_secrets_client on client_secrets (client_id);
