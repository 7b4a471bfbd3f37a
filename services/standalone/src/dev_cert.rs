//! `tessera dev-cert`: certificates for one's own machines, without an authority that anybody else trusts.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use secrecy::ExposeSecret as _;
use tessera_common::clock::Clock;
use tessera_common::tls::DevCertificates;

use crate::private_files;

/// Writes `ca.pem`, `server.pem` and `server.key` (and `ca.key` if it is to be kept) to a folder.
///
/// # Errors
/// When one of them is there already, a name can be no server's, or the folder cannot be written to.
pub fn write(folder: &Path, names: &[String], keep_authority_key: bool, clock: &Clock) -> anyhow::Result<()> {
    let made = DevCertificates::make(names, clock)?;
    let mut files = vec![
        ("ca.pem", made.authority.as_str(), false),
        ("server.pem", &made.certificate, false),
        ("server.key", made.key.expose_secret(), true),
    ];
    if keep_authority_key {
        files.push(("ca.key", made.authority_key.expose_secret(), true));
    }
    if let Some((name, ..)) = files.iter().find(|(name, ..)| folder.join(name).exists()) {
        bail!("{} is there already: remove it, or choose another folder by --out", folder.join(name).display());
    }
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    for (name, content, is_secret) in files {
        let file = folder.join(name);
        let new = if is_secret { private_files::create_new(&file) } else { File::create_new(&file) };
        let written = new.and_then(|mut new| new.write_all(content.as_bytes()));
        written.with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}
