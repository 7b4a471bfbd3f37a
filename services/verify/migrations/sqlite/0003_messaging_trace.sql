-- The trace that queued a call, as a W3C traceparent: its attempts go on with it.
alter table durable_calls add column trace text;
