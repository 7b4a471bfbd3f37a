//! Settings: commented defaults compiled in, then a file, then the environment, then the command line.
//!
//! Every setting is listed in the defaults, so its name in the environment is known: `TESSERA_` and the key in capitals, dots as
//! underscores. A secret is given as a value or as a file that holds it, never both, and never prints.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format as _, Serialized, Toml};
use figment::value::{Dict, Value};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A setting is missing, of the wrong type, or unreadable.
    #[error("setting `{setting}`: {problem} (from {origin})")]
    Setting {
        /// Its key.
        setting: String,
        /// What is wrong and how to mend it.
        problem: String,
        /// Where the value came from.
        origin: String,
    },
    /// A variable that no setting has the name of.
    #[error("environment variable {0} is not the name of a setting; `config show` lists them")]
    UnknownVariable(String),
    /// A key of the settings file that no setting has the name of.
    #[error("`{0}` in {1} is not the name of a setting; `config show` lists them")]
    UnknownSetting(String, PathBuf),
    /// The settings file cannot be read.
    #[error("the settings file {0} cannot be read")]
    NoFile(PathBuf),
}

/// A layered configuration, before it is read into a type.
#[derive(Clone, Debug)]
pub struct Config {
    figment: Figment,
    keys: Vec<String>,
}

/// One line of `config show`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The key.
    pub key: String,
    /// Its value; `***` for a secret that is set.
    pub value: String,
    /// Where it came from.
    pub origin: String,
}

impl Config {
    /// Layers the `defaults` (TOML, later ones over earlier ones), the `file` if one is given, and the environment `variables`.
    ///
    /// # Errors
    /// When the file is not there, or a `TESSERA_` variable names no setting.
    pub fn layer(
        defaults: &[&str],
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut figment = defaults.iter().fold(Figment::new(), |layers, text| layers.merge(Toml::string(text)));
        let keys = leaf_keys(&figment);
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigError::NoFile(file.to_owned()));
            }
            let given = Figment::from(Toml::file_exact(file));
            if let Some(unknown) = leaf_keys(&given).into_iter().find(|key| !keys.contains(key)) {
                return Err(ConfigError::UnknownSetting(unknown, file.to_owned()));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let names: BTreeMap<String, &String> = keys.iter().map(|key| (variable(key), key)).collect();
        for (name, value) in variables {
            if !name.starts_with("TESSERA_") || name.starts_with("TESSERA_TEST_") {
                continue;
            }
            let key = names.get(&name).ok_or_else(|| ConfigError::UnknownVariable(name.clone()))?;
            let read: Value = value.parse().unwrap_or_else(|_| Value::from(value.clone()));
            // What is a text by default is one: a telephone number is no number.
            let is_text = matches!(figment.find_value(key), Ok(Value::String(..)));
            let value = if is_text && !matches!(read, Value::String(..)) { Value::from(value) } else { read };
            let provider = Serialized::default(key, value);
            figment = figment.merge(FromVariable { name, provider });
        }
        Ok(Self { figment, keys })
    }

    /// Puts a command-line value over everything.
    #[must_use]
    pub fn with_flag(mut self, key: &str, value: impl Into<Value>) -> Self {
        let provider = Serialized::default(key, value.into());
        self.figment =
            self.figment.merge(FromVariable { name: format!("--{}", key.replace(['.', '_'], "-")), provider });
        self
    }

    /// Reads the settings into a type.
    ///
    /// # Errors
    /// Names the first setting that does not fit, and where it came from.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        self.figment.extract().map_err(|error| self.misfit(&error))
    }

    /// Reads one table of the settings into a type.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn read_section<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        self.figment.extract_inner(name).map_err(|error| self.misfit(&error))
    }

    fn misfit(&self, error: &figment::Error) -> ConfigError {
        let setting = error.path.join(".");
        ConfigError::Setting { problem: error.kind.to_string(), origin: self.origin(&setting), setting }
    }

    /// The secret of setting `key`, given as a value or in a file that `<key>_file` names; `None` where neither is given.
    ///
    /// # Errors
    /// When both are given, or the file cannot be read.
    pub fn secret(&self, key: &str) -> Result<Option<SecretString>, ConfigError> {
        let text = |key: &str| self.figment.extract_inner::<String>(key).map_err(|error| self.misfit(&error));
        let (value, file) = (text(key)?, text(&format!("{key}_file"))?);
        match (value.as_str(), file.as_str()) {
            ("", "") => Ok(None),
            (_, "") => Ok(Some(value.into())),
            ("", _) => match std::fs::read_to_string(&file) {
                Ok(text) => Ok(Some(text.trim().to_owned().into())),
                Err(error) => Err(ConfigError::Setting {
                    problem: format!("{file} cannot be read: {error}"),
                    origin: self.origin(&format!("{key}_file")),
                    setting: format!("{key}_file"),
                }),
            },
            _ => Err(ConfigError::Setting {
                problem: "give the value or the file, not both".to_owned(),
                origin: self.origin(key),
                setting: key.to_owned(),
            }),
        }
    }

    /// The names of the settings that are secrets: those with a twin `<name>_file`.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str).filter(|key| is_secret(key, &self.keys))
    }

    /// The setting `key`, which may be none of this process; `None` where it is not, or does not fit.
    #[must_use]
    pub fn find<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.figment.extract_inner(key).ok()
    }

    /// All settings with their values and origins, secrets hidden.
    #[must_use]
    pub fn show(&self) -> Vec<Shown> {
        let line = |key: &String| {
            let value = self.figment.find_value(key).ok();
            let value = match value {
                Some(Value::String(_, text)) if is_secret(key, &self.keys) && !text.is_empty() => "***".to_owned(),
                Some(value) => serde_json::to_string(&value).unwrap_or_default(),
                None => String::new(),
            };
            Shown { key: key.clone(), value, origin: self.origin(key) }
        };
        self.keys.iter().map(line).collect()
    }

    fn origin(&self, key: &str) -> String {
        let Some(metadata) = self.figment.find_metadata(key) else { return "nowhere: it is missing".to_owned() };
        match &metadata.source {
            Some(figment::Source::File(path)) => path.display().to_string(),
            _ if metadata.name.starts_with("TOML") => "default".to_owned(),
            _ => metadata.name.to_string(),
        }
    }
}

/// The environment's name of a setting.
fn variable(key: &str) -> String {
    format!("TESSERA_{}", key.replace('.', "_").to_uppercase())
}

/// What can be given as a file too is a secret.
fn is_secret(key: &str, keys: &[String]) -> bool {
    keys.contains(&format!("{key}_file"))
}

fn leaf_keys(figment: &Figment) -> Vec<String> {
    fn walk(prefix: &str, dict: &Dict, keys: &mut Vec<String>) {
        for (name, value) in dict {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match value {
                Value::Dict(_, inner) => walk(&key, inner, keys),
                _ => keys.push(key),
            }
        }
    }
    let mut keys = Vec::new();
    if let Ok(data) = figment::Provider::data(figment) {
        for dict in data.values() {
            walk("", dict, &mut keys);
        }
    }
    keys
}

/// A value that says in `config show` which variable or flag it came from.
struct FromVariable<P> {
    name: String,
    provider: P,
}

impl<P: figment::Provider> figment::Provider for FromVariable<P> {
    fn metadata(&self) -> figment::Metadata {
        figment::Metadata::named(self.name.clone())
    }

    fn data(&self) -> figment::error::Result<figment::value::Map<figment::Profile, Dict>> {
        self.provider.data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    const DEFAULTS: &str = "port = 8000\n[log]\nlevel = \"info\"\n";

    fn layered(file: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, file).expect("written");
        Config::layer(&[DEFAULTS], Some(&path), [("TESSERA_PORT".to_owned(), "9000".to_owned())])
    }

    #[test]
    fn a_variable_is_a_text_where_the_default_is_one() {
        for (given, read) in [
            ("+4930123456", "+4930123456"),
            ("true", "true"),
            ("0042", "0042"),
            ("[x]", "[x]"),
            ("\"quoted\"", "quoted"),
        ] {
            let variables = [("TESSERA_LOG_LEVEL".to_owned(), given.to_owned())];
            let config = Config::layer(&[DEFAULTS], None, variables).expect("settings");
            assert_eq!(config.find::<String>("log.level").as_deref(), Some(read));
        }
    }

    #[test]
    fn the_environment_beats_the_file_and_the_file_the_defaults() {
        let shown = layered("port = 8500\n[log]\nlevel = \"debug\"\n").expect("settings").show();
        let value =
            |key: &str| shown.iter().find(|line| line.key == key).map(|line| (line.value.clone(), line.origin.clone()));
        assert_eq!(value("port"), Some(("9000".to_owned(), "TESSERA_PORT".to_owned())));
        let (level, origin) = value("log.level").expect("a line");
        assert!(level == "\"debug\"" && origin.ends_with("settings.toml"), "{level} from {origin}");
    }

    #[test]
    fn a_secret_is_a_value_or_a_file_and_never_shown() {
        let defaults = "[auth]\nkeys = \"\"\nkeys_file = \"\"\n";
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ring");
        std::fs::write(&file, "from a file\n").expect("written");
        let given = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Config::layer(&[defaults], None, variables).expect("settings")
        };
        let read = |config: &Config| {
            config.secret("auth.keys").map(|secret| secret.map(|secret| secret.expose_secret().to_owned()))
        };
        assert_eq!(read(&given(&[])).expect("none"), None);
        let by_value = given(&[("TESSERA_AUTH_KEYS", "a value")]);
        assert_eq!(read(&by_value).expect("one").as_deref(), Some("a value"));
        assert!(by_value.show().iter().all(|line| !line.value.contains("a value")));
        let by_file = [("TESSERA_AUTH_KEYS_FILE", file.to_str().expect("a path"))];
        assert_eq!(read(&given(&by_file)).expect("one").as_deref(), Some("from a file"));
        assert!(read(&given(&[("TESSERA_AUTH_KEYS", "a value"), by_file[0]])).is_err());
        assert!(read(&given(&[("TESSERA_AUTH_KEYS_FILE", "/none")])).is_err());
    }

    #[test]
    fn a_mistyped_key_or_variable_is_refused_by_name() {
        assert!(matches!(layered("prot = 1\n"), Err(ConfigError::UnknownSetting(key, _)) if key == "prot"));
        let variable = [("TESSERA_PROT".to_owned(), "1".to_owned())];
        assert!(
            matches!(Config::layer(&[DEFAULTS], None, variable), Err(ConfigError::UnknownVariable(name)) if name == "TESSERA_PROT")
        );
    }
}
