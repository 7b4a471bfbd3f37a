//! Clients, scopes, resources and requests: pure types and rules.

pub mod client;
pub mod client_authentication;
pub mod discovery;
pub mod own_token;
pub mod resource;
pub mod scope;
pub mod token_request;
