//! Messaging over a real broker: `TESSERA_TEST_AMQP_URL` names it, `TESSERA_TEST_RABBITMQ=off` leaves these tests out.

#[macro_use]
mod stage;

mod delivery;
mod gate;
mod outages;
mod telemetry;
mod tls;
mod topology;
mod trouble;
