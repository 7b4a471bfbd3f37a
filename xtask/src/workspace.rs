//! The workspace as cargo describes it: members, their dependencies and where their sources are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::process;

/// The answer of `cargo metadata`, as far as it is needed here.
#[derive(Debug, Deserialize)]
pub struct Workspace {
    /// The folder of the root manifest.
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
    /// The member crates.
    pub packages: Vec<Package>,
}

/// One member crate.
#[derive(Debug, Deserialize)]
pub struct Package {
    /// Its name in the manifest.
    pub name: String,
    /// Its manifest.
    pub manifest_path: PathBuf,
    /// What it depends on, of every kind.
    pub dependencies: Vec<Dependency>,
    /// What it builds.
    pub targets: Vec<Target>,
}

/// One line of a dependency table.
#[derive(Debug, Deserialize)]
pub struct Dependency {
    /// The name of the package depended on.
    pub name: String,
    /// The table it stands in; absent for the normal one.
    pub kind: Option<String>,
    /// Its name in the sources, where that is another one.
    pub rename: Option<String>,
}

/// One library, program or test.
#[derive(Debug, Deserialize)]
pub struct Target {
    /// `lib`, `bin`, `test` …
    pub kind: Vec<String>,
}

/// A Rust source file, read.
#[derive(Debug)]
pub struct SourceFile {
    /// Its path relative to the repository, with `/` between the parts.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Dependency {
    /// Whether it is needed to build or run the crate, not only to test it.
    pub fn is_shipped(&self) -> bool {
        self.kind.as_deref() != Some("dev")
    }

    /// Whether it stands in the normal table.
    pub fn is_normal(&self) -> bool {
        self.kind.is_none()
    }

    /// Its name in the sources.
    pub fn library_name(&self) -> String {
        self.rename.as_deref().unwrap_or(&self.name).replace('-', "_")
    }
}

impl Package {
    /// Its folder relative to the repository, with `/` between the parts.
    pub fn folder(&self, workspace: &Workspace) -> String {
        let folder = self.manifest_path.parent().unwrap_or(&self.manifest_path);
        workspace.relative(folder)
    }

    /// Whether it has a library.
    pub fn has_library(&self) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "lib"))
    }

    /// Whether it is one of the services, the all-in-one included.
    pub fn is_service(&self, workspace: &Workspace) -> bool {
        self.folder(workspace).starts_with("services/")
    }

    /// The libraries its shipped sources can name.
    pub fn library_names(&self) -> BTreeSet<String> {
        self.dependencies.iter().filter(|d| d.is_shipped()).map(Dependency::library_name).collect()
    }

    /// Every Rust file below its `src` folder, in order of their paths.
    pub fn sources(&self, workspace: &Workspace) -> anyhow::Result<Vec<SourceFile>> {
        let folder = self.manifest_path.parent().unwrap_or(&self.manifest_path).join("src");
        let mut paths = Vec::new();
        if folder.is_dir() {
            collect_rust_files(&folder, &mut paths)?;
        }
        paths.sort();
        paths.iter().map(|path| read_source(workspace, path)).collect()
    }
}

impl Workspace {
    /// Asks cargo, in the present folder.
    pub fn load() -> anyhow::Result<Self> {
        let output = process::cargo()
            .args(["metadata", "--no-deps", "--format-version", "1", "--locked"])
            .output()
            .context("cargo metadata did not start")?;
        ensure!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        serde_json::from_slice(&output.stdout).context("cannot read the answer of cargo metadata")
    }

    /// A path relative to the repository, with `/` between the parts.
    pub fn relative(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.root).unwrap_or(path);
        let parts: Vec<_> = inside.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        parts.join("/")
    }

    /// The names of the member crates.
    pub fn member_names(&self) -> BTreeSet<&str> {
        self.packages.iter().map(|package| package.name.as_str()).collect()
    }
}

fn read_source(workspace: &Workspace, path: &Path) -> anyhow::Result<SourceFile> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(SourceFile { path: workspace.relative(path), text })
}

fn collect_rust_files(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect_rust_files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}
