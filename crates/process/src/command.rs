//! The command line of a service.
#![expect(clippy::print_stdout, reason = "`config show` answers on standard output")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use tessera_common::clock::Clock;
use tessera_common::config::{Config, ConfigError};
use tessera_common::random::Random;
use tessera_common::telemetry::{self, Telemetry};

use crate::foundation::open_database;
use crate::production::{self, Calls};
use crate::serve::serve;
use crate::service::{Foundation, Service};
use crate::service_settings;
use crate::settings::{self, ProcessSettings};

/// One service of the platform.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// A settings file
    #[arg(long, env = "TESSERA_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service
    Serve,
    /// Bring the database's schema to this release, and end
    Migrate,
    /// Ask the running service on this machine whether it is ready
    Healthcheck,
    /// Write what the examples rely on to the database, and end
    Bootstrap(Bootstrap),
    /// Look at the settings
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Debug, Args)]
struct Bootstrap {
    /// The fixed values of the dev profile
    #[arg(long)]
    dev: bool,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print each setting with its value and where it came from
    Show,
}

/// Runs the program of service `S` as its command line says.
#[must_use]
pub fn main<S: Service>() -> ExitCode {
    let program = Cli::command().name(S::PROGRAM).get_matches();
    let cli = match Cli::from_arg_matches(&program) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    report(S::PROGRAM, run::<S>(cli))
}

/// The status of a program that has ended so, and its last word.
#[expect(clippy::print_stderr, reason = "the last word of a program that cannot go on, also when logging never began")]
pub fn report(name: &str, ended: anyhow::Result<()>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints each setting with its value and its origin.
pub fn show(config: &Config) {
    for line in config.show() {
        println!("{:<28} {:<32} {}", line.key, line.value, line.origin);
    }
}

fn run<S: Service>(cli: Cli) -> anyhow::Result<()> {
    let config = layer::<S>(cli.config)?;
    let in_runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match cli.command {
        Command::Serve => {
            let settings: ProcessSettings = config.read()?;
            // Before anything is sent, to a collector too.
            production::check(&config, &settings, Calls::of::<S>())?;
            let _telemetry = start_telemetry(&settings, S::PROGRAM)?;
            in_runtime()?.block_on(serve::<S>(&config))
        }
        Command::Migrate => in_runtime()?.block_on(async {
            let db = open_database(&config).await?;
            S::migrations().apply(&db).await?;
            db.close().await;
            Ok(())
        }),
        Command::Healthcheck => in_runtime()?.block_on(healthcheck(&config)),
        Command::Bootstrap(Bootstrap { dev }) => in_runtime()?.block_on(bootstrap::<S>(&config, dev)),
        Command::Config { command: ConfigCommand::Show } => {
            show(&config);
            Ok(())
        }
    }
}

/// Starts logs, traces and metrics as the settings say. Hold what it answers until the runtime is gone: what is said until then is still
/// sent.
///
/// # Errors
/// When something in the settings cannot be used.
pub fn start_telemetry(settings: &ProcessSettings, program: &'static str) -> anyhow::Result<Telemetry> {
    let trust = settings.trust()?;
    telemetry::init(&settings.log, &settings.telemetry, trust.pem(), program, std::io::stdout)
        .map_err(anyhow::Error::from_boxed)
}

fn layer<S: Service>(file: Option<PathBuf>) -> Result<Config, ConfigError> {
    let variables = std::env::vars().filter(|(name, _)| name != "TESSERA_CONFIG");
    Config::layer(&[settings::DEFAULTS, service_settings::DEFAULTS, S::DEFAULTS], file.as_deref(), variables)
}

async fn bootstrap<S: Service>(config: &Config, dev: bool) -> anyhow::Result<()> {
    let settings: ProcessSettings = config.read()?;
    if !dev {
        bail!("say --dev: this release knows the fixed values of the dev profile only");
    }
    if !settings.is_dev() {
        bail!("setting `profile`: the fixed values of the dev profile are public, and refused in production");
    }
    let db = open_database(config).await?;
    S::migrations().check(&db).await?;
    let foundation = Foundation::open::<S>(config, db, Clock::machine(), Random::system()).await?;
    S::build(foundation, config).await?.bootstrap_dev().await
}

/// Asks the program that serves on this machine with these settings whether it is ready.
///
/// # Errors
/// When it is not, or nothing answers.
pub async fn healthcheck(config: &Config) -> anyhow::Result<()> {
    let settings: ProcessSettings = config.read()?;
    let scheme = if settings.tls.certificate.is_empty() { "http" } else { "https" };
    let url = format!("{scheme}://127.0.0.1:{}/health/ready", settings.internal_port);
    let answer = healthcheck_client()?.get(url).send().await.context("the service does not answer")?;
    if !answer.status().is_success() {
        bail!("the service is not ready");
    }
    Ok(())
}

/// A client for this machine's own service: its certificate is for the name that others know, and nothing secret is said to it.
fn healthcheck_client() -> reqwest::Result<reqwest::Client> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(2));
    client.tls_danger_accept_invalid_certs(true).no_proxy().build()
}
