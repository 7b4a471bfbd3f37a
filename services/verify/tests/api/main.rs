//! The verification API, the dev mailbox and what siblings call, as their callers see them. One binary; a file for each path.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot be set up, or that gets a wrong answer, fails"
)]

mod any_body;
mod any_call;
mod authenticator;
mod authenticator_app;
mod authenticator_params;
mod backup_code;
mod browser;
mod carried;
mod consumer;
mod damage;
mod delivery;
mod dev_messages;
mod factors;
mod foreign;
mod housekeeping;
mod initiate;
mod mail_server;
mod order_of_checks;
mod phone;
mod providers;
mod qr;
mod replicas;
mod resend;
mod sibling_codes;
mod siblings;
mod sms_provider;
mod support;
mod sweeps;
mod validate;
mod verifier;
