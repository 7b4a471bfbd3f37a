//! The committed rules, `docs/boundaries.toml`: a new edge between crates or an exception from a
//! rule is a line in that file, so it is seen in review.

use std::collections::BTreeMap;

use anyhow::Context as _;
use figment::Figment;
use figment::providers::{Format as _, Toml};
use serde::Deserialize;

use crate::workspace::Workspace;

/// Where the rules are.
pub const PATH: &str = "docs/boundaries.toml";

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rulebook {
    /// The crates from the bottom up: a shipped edge goes to a lower row.
    pub order: Vec<Vec<String>>,
    /// What each crate depends on within the workspace.
    pub crates: BTreeMap<String, Edges>,
    /// What the folders of a service may name.
    pub layers: BTreeMap<String, Layer>,
    /// Where SQL statements may stand.
    pub sql: Sql,
    /// The libraries and folders the project promises to stand on.
    pub card: Card,
}

/// The edges of one crate within the workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edges {
    /// Those of the normal and the build table.
    #[serde(default)]
    pub normal: Vec<String>,
    /// Those of the dev table.
    #[serde(default)]
    pub dev: Vec<String>,
}

/// The rule of one folder of a service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// If given, the only paths it may name.
    pub only: Option<Vec<String>>,
    /// Paths it must not name.
    #[serde(default)]
    pub never: Vec<String>,
    /// Whether `async` and `await` are banned.
    #[serde(default)]
    pub synchronous: bool,
    /// What to do about a finding.
    pub mend: String,
}

/// Where SQL statements may stand.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sql {
    /// Files and, with a closing `/`, folders; `*` is any run of characters within one name.
    pub allowed_in: Vec<String>,
}

/// The libraries and folders the project promises to stand on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Libraries that a shipped crate depends on and uses.
    pub libraries: Vec<String>,
    /// Those among them that are not used yet, each with its reason.
    #[serde(default)]
    pub pending: BTreeMap<String, String>,
    /// Entries of the repository's root.
    pub entries: Vec<String>,
    /// Member crates that are not shipped.
    pub not_shipped: Vec<String>,
    /// What every service depends on.
    pub every_service_depends_on: String,
    /// The most direct normal dependencies a service may have.
    pub max_direct_dependencies: usize,
}

impl Rulebook {
    /// Reads the committed file.
    pub fn load(workspace: &Workspace) -> anyhow::Result<Self> {
        Figment::from(Toml::file_exact(workspace.root.join(PATH)))
            .extract()
            .with_context(|| format!("cannot read {PATH}"))
    }
}
