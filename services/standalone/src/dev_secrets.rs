//! `tessera dev-secrets`: everything secret that four services and their engines need on one machine, drawn at random. Each who needs
//! some has a folder with nothing else in it, so that nobody is given what belongs to another.

use std::io::Write as _;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::random::Random;
use tessera_tokens::key_ring::KeyRing;

use crate::private_files;
use crate::service_keys::{MadeKeys, PUBLIC_KEYS};

/// The services: each has a role and a database of its own, named after it.
const SERVICES: [&str; 4] = ["auth", "sessions", "verify", "oauth"];

/// Whom the files of a folder belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    folder: String,
    user: u32,
    group: u32,
}

impl FromStr for Owner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (folder, ids) = text.split_once('=')?;
            let (user, group) = ids.split_once(':')?;
            Some(Self { folder: folder.to_owned(), user: user.parse().ok()?, group: group.parse().ok()? })
        };
        read().ok_or_else(|| format!("`{text}` is not FOLDER=UID:GID, as auth=10001:10001"))
    }
}

/// A file to be written.
struct Secret {
    folder: &'static str,
    name: &'static str,
    text: SecretString,
}

impl Secret {
    fn new(folder: &'static str, name: &'static str, text: String) -> Self {
        Self { folder, name, text: text.into() }
    }
}

/// Writes all of them to folders of `out`, where none is there yet. Where all are, nothing happens.
///
/// # Errors
/// When some are there and others are not, or one cannot be written.
pub fn write(out: &Path, owners: &[Owner], random: &Random) -> anyhow::Result<()> {
    let secrets = draw(random)?;
    if let Some(unknown) = owners.iter().find(|owner| secrets.iter().all(|secret| secret.folder != owner.folder)) {
        bail!("nobody has a folder `{}`", unknown.folder);
    }
    let is_there = |secret: &&Secret| out.join(secret.folder).join(secret.name).exists();
    let (there, missing): (Vec<&Secret>, Vec<&Secret>) = secrets.iter().partition(is_there);
    match (there.first(), missing.first()) {
        (_, None) => Ok(()),
        (None, _) => secrets.iter().try_for_each(|secret| keep(out, secret, owners)),
        (Some(there), Some(missing)) => bail!(
            "{out} has {}/{} but not {}/{}, and they belong together: remove all to begin anew (docker compose down --volumes)",
            there.folder,
            there.name,
            missing.folder,
            missing.name,
            out = out.display()
        ),
    }
}

fn keep(out: &Path, secret: &Secret, owners: &[Owner]) -> anyhow::Result<()> {
    let folder = out.join(secret.folder);
    let write = || -> std::io::Result<()> {
        private_files::create_dir(&folder)?;
        // Whoever finds the file under its name finds all of it.
        let unfinished = folder.join(format!(".{}", secret.name));
        if unfinished.exists() {
            std::fs::remove_file(&unfinished)?;
        }
        let mut file = private_files::open(&unfinished)?;
        file.write_all(secret.text.expose_secret().as_bytes())?;
        file.sync_all()?;
        if let Some(owner) = owners.iter().find(|owner| owner.folder == secret.folder) {
            private_files::give_to(&unfinished, owner.user, owner.group)?;
        }
        std::fs::rename(&unfinished, folder.join(secret.name))
    };
    write().with_context(|| format!("{}/{} cannot be written", folder.display(), secret.name))
}

fn draw(random: &Random) -> anyhow::Result<Vec<Secret>> {
    let service_keys = MadeKeys::make()?;
    let (redis, rabbitmq) = (password(random), password(random));
    let mut databases = String::new();
    let mut secrets = vec![
        Secret::new("postgres", "password", password(random)),
        Secret::new("redis", "password", redis.clone()),
        Secret::new("redis", "redis.conf", format!("requirepass {redis}\n")),
        Secret::new("rabbitmq", "rabbitmq.conf", format!("default_user = tessera\ndefault_pass = {rabbitmq}\n")),
    ];
    for service in SERVICES {
        let (role, own) = (format!("tessera_{service}"), password(random));
        databases.push_str(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{own}';\n\
             CREATE DATABASE {role} OWNER {role};\n\
             REVOKE ALL ON DATABASE {role} FROM PUBLIC;\n"
        ));
        secrets.extend([
            Secret::new(service, "database.url", format!("postgres://{role}:{own}@postgres/{role}")),
            Secret::new(service, "redis.url", format!("redis://:{redis}@redis/")),
            Secret::new(service, "amqp.url", format!("amqp://tessera:{rabbitmq}@rabbitmq/%2f")),
            Secret { folder: service, name: "keys", text: KeyRing::generate(random) },
            // No secret, but nobody else may choose whom a service believes.
            Secret::new(service, PUBLIC_KEYS, service_keys.public.clone()),
        ]);
    }
    for (service, text) in service_keys.private {
        secrets.push(Secret { folder: service, name: "service-key", text });
    }
    secrets.push(Secret::new("postgres", "databases.sql", databases));
    Ok(secrets)
}

/// 256 random bits in letters and digits, which no file's syntax minds.
fn password(random: &Random) -> String {
    random.bytes::<32>().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(out: &Path, file: &str) -> String {
        std::fs::read_to_string(out.join(file)).expect(file)
    }

    #[test]
    fn each_has_what_it_needs_and_nothing_of_the_others() {
        let out = tempfile::tempdir().expect("a folder");
        write(out.path(), &[], &Random::seeded(1)).expect("written");
        let mut rings = Vec::new();
        for service in SERVICES {
            let url = read(out.path(), &format!("{service}/database.url"));
            let (role, password) = url
                .strip_prefix("postgres://")
                .and_then(|rest| rest.split_once('@'))
                .and_then(|(user, _)| user.split_once(':'))
                .expect("a role and a password");
            assert_eq!(role, format!("tessera_{service}"));
            assert!(
                read(out.path(), "postgres/databases.sql")
                    .contains(&format!("ROLE {role} LOGIN PASSWORD '{password}'"))
            );
            let ring = read(out.path(), &format!("{service}/keys"));
            KeyRing::parse(&ring.clone().into()).expect("a ring");
            rings.extend([ring, password.to_owned()]);
            let redis = read(out.path(), "redis/password");
            assert_eq!(read(out.path(), &format!("{service}/redis.url")), format!("redis://:{redis}@redis/"));
        }
        rings.sort();
        rings.dedup();
        assert_eq!(rings.len(), 2 * SERVICES.len(), "no two are the same");
    }

    #[test]
    fn what_is_there_stays_and_a_part_of_it_is_refused() {
        let out = tempfile::tempdir().expect("a folder");
        write(out.path(), &[], &Random::seeded(1)).expect("written");
        let before = read(out.path(), "auth/keys");
        write(out.path(), &[], &Random::seeded(2)).expect("there");
        assert_eq!(read(out.path(), "auth/keys"), before);

        std::fs::remove_file(out.path().join("redis/password")).expect("removed");
        let refused = write(out.path(), &[], &Random::seeded(3)).expect_err("a part").to_string();
        assert!(refused.contains("not redis/password"), "{refused}");
        assert!(!out.path().join("redis/password").exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_them() {
        use std::os::unix::fs::MetadataExt as _;
        let out = tempfile::tempdir().expect("a folder");
        let (user, group) =
            (out.path().metadata().expect("a folder").uid(), out.path().metadata().expect("a folder").gid());
        let owner: Owner = format!("auth={user}:{group}").parse().expect("an owner");
        write(out.path(), &[owner], &Random::seeded(1)).expect("written");
        let modes = ["auth/keys", "postgres/password", "redis/redis.conf", "rabbitmq/rabbitmq.conf"];
        for file in modes {
            assert_eq!(out.path().join(file).metadata().expect(file).mode() & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn an_owner_is_of_a_folder_that_somebody_has() {
        assert!("auth=10001".parse::<Owner>().is_err() && "auth=a:b".parse::<Owner>().is_err());
        let out = tempfile::tempdir().expect("a folder");
        let owner: Owner = "mail=1:1".parse().expect("an owner");
        assert!(write(out.path(), &[owner], &Random::seeded(1)).is_err());
        assert!(!out.path().join("auth").exists());
    }
}
