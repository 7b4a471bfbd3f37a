//! Forms that several methods share.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// A secret that is written into a body, and nowhere else: it does not print.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Exposed(SecretString);

impl Serialize for Exposed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl From<SecretString> for Exposed {
    fn from(secret: SecretString) -> Self {
        Self(secret)
    }
}

impl From<Exposed> for SecretString {
    fn from(exposed: Exposed) -> Self {
        exposed.0
    }
}

impl PartialSchema for Exposed {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Password);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for Exposed {}

/// Nothing but that it was done.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Done {}
