-- What became of a message at its provider.

-- Tries that a provider has not answered: it may have taken the message.
alter table deliveries add column unanswered bigint not null default 0;
-- What the provider said last, in words of our own.
alter table deliveries add column last_error text;

-- Each provider has a queue of its own.
drop index deliveries_due;
create index deliveries_due on deliveries (channel, next_try_at) where state = 'queued';

-- Addresses and numbers that a provider has refused for good, until it takes a message to them.
create table undeliverable (
    channel   text not null,
    recipient text not null,
    reason    text not null,
    since     timestamptz not null,
    primary key (channel, recipient)
);
