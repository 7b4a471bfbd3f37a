-- The trace that queued a message, as a W3C traceparent: its delivery goes on with it.
alter table deliveries add column trace text;
