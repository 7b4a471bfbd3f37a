//! The program `tessera`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tessera_common::clock::Clock;
use tessera_common::config::{Config, ConfigError};
use tessera_common::random::Random;
use tessera_process::command::{healthcheck, report, show, start_telemetry};
use tessera_process::production::{self, Calls};
use tessera_standalone::dev_secrets::Owner;
use tessera_standalone::settings::{self, Settings};
use tessera_standalone::{describe, dev_cert, dev_secrets, gateway, serve, service_keys};

/// Accounts, sessions, verification and OAuth in one program.
#[derive(Debug, Parser)]
#[command(name = "tessera", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the platform
    Serve(Chosen),
    /// Ask the running platform on this machine whether it is ready
    Healthcheck(Chosen),
    /// Look at the settings
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Make the keys that the four services sign their calls to each other with
    ServiceKeys {
        /// The folder to write to
        #[arg(long)]
        out: PathBuf,
    },
    /// Make an authority and a certificate of it, for one's own machines
    DevCert {
        /// The folder to write to
        #[arg(long)]
        out: PathBuf,
        /// Hosts and addresses it is for, besides localhost
        #[arg(long = "name")]
        names: Vec<String>,
        /// Keep the authority's key, to make more certificates with
        #[arg(long)]
        keep_ca_key: bool,
    },
    /// Write the OpenAPI descriptions
    Openapi {
        /// The folder to write to
        #[arg(long)]
        out: PathBuf,
    },
    /// Write the gateway's configuration
    Gateway {
        /// The folder to write to
        #[arg(long)]
        out: PathBuf,
    },
    /// Make the secrets that four services and their engines need on one machine
    DevSecrets {
        /// The folder to write to: a folder in it for each that needs some
        #[arg(long)]
        out: PathBuf,
        /// Whom the files of a folder belong to, as auth=10001:10001
        #[arg(long, value_name = "FOLDER=UID:GID")]
        owner: Vec<Owner>,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print each setting with its value and where it came from
    Show(Chosen),
}

/// What the command line says about the settings.
#[derive(Debug, Args)]
struct Chosen {
    /// A settings file
    #[arg(long, env = "TESSERA_CONFIG")]
    config: Option<PathBuf>,
    /// Where the databases are
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// The public port
    #[arg(long)]
    port: Option<u16>,
}

impl Chosen {
    fn layer(&self) -> Result<Config, ConfigError> {
        let variables = std::env::vars().filter(|(name, _)| name != "TESSERA_CONFIG");
        let mut config = settings::layer(self.config.as_deref(), variables)?;
        if let Some(folder) = &self.data_dir {
            config = config.with_flag("data_dir", folder.display().to_string());
        }
        if let Some(port) = self.port {
            config = config.with_flag("port", port);
        }
        Ok(config)
    }
}

fn main() -> ExitCode {
    report("tessera", run(Cli::parse().command))
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(chosen) => {
            let config = chosen.layer()?;
            let settings = Settings::read(&config)?;
            // Before anything is sent, to a collector too. No call between services leaves the process.
            production::check(&config, &settings.process, Calls::default())?;
            let _telemetry = start_telemetry(&settings.process, "tessera")?;
            tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve::serve(&config, &settings))
        }
        Command::Healthcheck(chosen) => {
            let config = chosen.layer()?;
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(healthcheck(&config))
        }
        Command::Config { command: ConfigCommand::Show(chosen) } => {
            show(&chosen.layer()?);
            Ok(())
        }
        Command::ServiceKeys { out } => service_keys::write(&out),
        Command::DevCert { out, names, keep_ca_key } => dev_cert::write(&out, &names, keep_ca_key, &Clock::machine()),
        Command::Openapi { out } => describe::write(&out),
        Command::Gateway { out } => gateway::write(&out),
        Command::DevSecrets { out, owner } => dev_secrets::write(&out, &owner, &Random::system()),
    }
}
