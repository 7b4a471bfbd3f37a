//! What the project promises to stand on: the libraries it is built with, the entries of its root,
//! and the small manifests of its services.

use std::collections::BTreeSet;

use anyhow::Context as _;

use crate::report::{Finding, Outcome};
use crate::rulebook::{Card, PATH, Rulebook};
use crate::source::{named_paths, shipped_tokens};
use crate::workspace::Workspace;

const ROOT_MANIFEST: &str = "Cargo.toml";

/// A member crate, as far as the card is about it.
#[derive(Debug, Default)]
struct Member {
    name: String,
    manifest: String,
    is_service: bool,
    normal: BTreeSet<String>,
    used: BTreeSet<String>,
}

/// Checks everything on the card.
pub fn check(workspace: &Workspace, rulebook: &Rulebook) -> anyhow::Result<Outcome> {
    let card = &rulebook.card;
    let members = members(workspace)?;
    let manifest = std::fs::read_to_string(workspace.root.join(ROOT_MANIFEST)).context("cannot read Cargo.toml")?;

    let mut outcome = libraries(&members, card);
    outcome.absorb(entries(card, |entry| workspace.root.join(entry).exists()));
    outcome.absorb(services(&members, card));
    outcome.absorb(reasons(&manifest));
    Ok(outcome)
}

fn members(workspace: &Workspace) -> anyhow::Result<Vec<Member>> {
    workspace
        .packages
        .iter()
        .map(|package| {
            let libraries: Vec<(String, String)> = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.is_normal())
                .map(|dependency| (dependency.library_name(), dependency.name.clone()))
                .collect();
            let roots: BTreeSet<String> = package
                .sources(workspace)?
                .iter()
                .flat_map(|source| named_paths(&shipped_tokens(&source.text), &[]))
                .map(|path| path.root().to_owned())
                .collect();
            Ok(Member {
                name: package.name.clone(),
                manifest: workspace.relative(&package.manifest_path),
                is_service: package.is_service(workspace),
                used: libraries
                    .iter()
                    .filter(|(library, _)| roots.contains(library))
                    .map(|(_, name)| name.clone())
                    .collect(),
                normal: libraries.into_iter().map(|(_, name)| name).collect(),
            })
        })
        .collect()
}

/// Each library is a normal dependency of a shipped crate that uses it, or pending with a reason.
fn libraries(members: &[Member], card: &Card) -> Outcome {
    let shipped: Vec<&Member> = members.iter().filter(|member| !card.not_shipped.contains(&member.name)).collect();
    let mut outcome = Outcome { compared: card.libraries.len(), findings: Vec::new() };
    for library in &card.libraries {
        let depends = shipped.iter().any(|member| member.normal.contains(library));
        let uses = shipped.iter().any(|member| member.used.contains(library));
        let problem = match (card.pending.get(library), depends, uses) {
            (Some(_), _, true) => Some((format!("`{library}` is pending but used"), "take it off [card.pending]")),
            (Some(reason), _, false) if reason.trim().is_empty() => {
                Some((format!("`{library}` is pending without a reason"), "write the reason"))
            }
            (None, false, _) => Some((
                format!("no shipped crate depends on `{library}`"),
                "use it where it belongs, or list it under [card.pending] with a reason",
            )),
            (None, true, false) => Some((
                format!("`{library}` is a dependency of a shipped crate but not used in it"),
                "use it where it belongs, or list it under [card.pending] with a reason",
            )),
            _ => None,
        };
        if let Some((message, mend)) = problem {
            outcome.findings.push(finding(PATH, "card-libraries", message, mend));
        }
    }
    for stray in card.pending.keys().filter(|name| !card.libraries.contains(name)) {
        let message = format!("`{stray}` is pending but not on the card");
        outcome.findings.push(finding(PATH, "card-libraries", message, "take it off [card.pending]"));
    }
    outcome
}

/// The entries of the repository's root that everything else is found by.
fn entries(card: &Card, exists: impl Fn(&str) -> bool) -> Outcome {
    let findings = card
        .entries
        .iter()
        .filter(|entry| !exists(entry))
        .map(|entry| {
            finding(entry, "card-entries", "it is missing".to_owned(), "restore it at the top of the repository")
        })
        .collect();
    Outcome { compared: card.entries.len(), findings }
}

/// Every service stands on the kernel and keeps its manifest short.
fn services(members: &[Member], card: &Card) -> Outcome {
    let mut outcome = Outcome::default();
    for service in members.iter().filter(|member| member.is_service) {
        outcome.compared += 1;
        if !service.normal.contains(&card.every_service_depends_on) {
            let message = format!("`{}` does not depend on `{}`", service.name, card.every_service_depends_on);
            outcome.findings.push(finding(&service.manifest, "card-services", message, "add the dependency"));
        }
        if service.normal.len() > card.max_direct_dependencies {
            let message = format!(
                "{} direct dependencies, at most {} are meant to be",
                service.normal.len(),
                card.max_direct_dependencies
            );
            let mend = "drop one, or move what needs it to the crate it belongs to";
            outcome.findings.push(finding(&service.manifest, "card-services", message, mend));
        }
    }
    outcome
}

/// Each dependency of the workspace from outside says in a comment on its line what it is for.
fn reasons(manifest: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let mut inside = false;
    let mut entry: Option<(usize, String, bool)> = None;
    let mut close = |entry: Option<(usize, String, bool)>| {
        let Some((line, name, has_reason)) = entry else {
            return;
        };
        outcome.compared += 1;
        if !has_reason {
            outcome.findings.push(Finding {
                line: Some(line),
                ..finding(
                    ROOT_MANIFEST,
                    "card-reasons",
                    format!("`{name}` has no reason"),
                    "say behind a `#` on its line what it is for",
                )
            });
        }
    };
    for (index, text) in manifest.lines().enumerate() {
        let trimmed = text.trim();
        if trimmed.starts_with('[') && !trimmed.starts_with("[[") && text.starts_with('[') {
            close(entry.take());
            inside = trimmed == "[workspace.dependencies]";
            continue;
        }
        if !inside || trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let has_reason = comment_of(text).is_some();
        match text.split_once('=') {
            Some((name, value)) if is_key(name) => {
                close(entry.take());
                let is_own = value.contains("path =") || value.contains("path=");
                entry = Some((index + 1, name.trim().to_owned(), has_reason || is_own));
            }
            _ => {
                if let Some((_, _, known)) = entry.as_mut() {
                    *known |= has_reason;
                }
            }
        }
    }
    close(entry.take());
    outcome
}

/// Whether a text before a `=` is the name of an entry rather than part of its value.
fn is_key(text: &str) -> bool {
    let name = text.trim_end();
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// The comment that ends a line of TOML, if it says anything.
fn comment_of(line: &str) -> Option<&str> {
    let mut quoted = false;
    let start = line.find(|character| {
        if character == '"' {
            quoted = !quoted;
        }
        character == '#' && !quoted
    })?;
    let comment = line.get(start + 1..)?.trim();
    (!comment.is_empty()).then_some(comment)
}

fn finding(file: &str, rule: &'static str, message: String, mend: &str) -> Finding {
    Finding { file: file.to_owned(), line: None, rule, message, mend: mend.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn member(name: &str, is_service: bool, normal: &[&str], used: &[&str]) -> Member {
        Member {
            name: name.to_owned(),
            manifest: format!("{name}/Cargo.toml"),
            is_service,
            normal: set(normal),
            used: set(used),
        }
    }

    fn card(pending: &[(&str, &str)]) -> Card {
        Card {
            libraries: vec!["sqlx".to_owned()],
            pending: pending.iter().map(|(name, why)| ((*name).to_owned(), (*why).to_owned())).collect(),
            entries: vec!["crates".to_owned(), "docs".to_owned()],
            not_shipped: vec!["testkit".to_owned()],
            every_service_depends_on: "common".to_owned(),
            max_direct_dependencies: 2,
        }
    }

    fn messages(outcome: &Outcome) -> Vec<&str> {
        outcome.findings.iter().map(|finding| finding.message.as_str()).collect()
    }

    #[test]
    fn a_used_library_is_green() {
        let members = [member("storage", false, &["sqlx"], &["sqlx"])];
        assert!(libraries(&members, &card(&[])).is_clean());
    }

    #[test]
    fn a_library_nobody_ships_or_uses_is_red() {
        let members = [member("testkit", false, &["sqlx"], &["sqlx"])];
        assert_eq!(messages(&libraries(&members, &card(&[]))), ["no shipped crate depends on `sqlx`"]);
        let members = [member("storage", false, &["sqlx"], &[])];
        assert_eq!(
            messages(&libraries(&members, &card(&[]))),
            ["`sqlx` is a dependency of a shipped crate but not used in it"]
        );
    }

    #[test]
    fn pending_needs_a_reason_and_ends_with_the_first_use() {
        let unused = [member("storage", false, &[], &[])];
        let used = [member("storage", false, &["sqlx"], &["sqlx"])];
        assert!(libraries(&unused, &card(&[("sqlx", "comes with the stores")])).is_clean());
        assert_eq!(messages(&libraries(&unused, &card(&[("sqlx", " ")]))), ["`sqlx` is pending without a reason"]);
        assert_eq!(messages(&libraries(&used, &card(&[("sqlx", "later")]))), ["`sqlx` is pending but used"]);
        assert_eq!(
            messages(&libraries(&used, &card(&[("left-pad", "later")]))),
            ["`left-pad` is pending but not on the card"]
        );
    }

    #[test]
    fn missing_entries_are_red() {
        assert!(entries(&card(&[]), |_| true).is_clean());
        assert_eq!(entries(&card(&[]), |entry| entry == "crates").findings.len(), 1);
    }

    #[test]
    fn services_stand_on_the_kernel_and_stay_small() {
        assert!(services(&[member("auth", true, &["common"], &[])], &card(&[])).is_clean());
        assert!(services(&[member("storage", false, &[], &[])], &card(&[])).is_clean());
        let outcome = services(&[member("auth", true, &["a", "b", "c"], &[])], &card(&[]));
        assert_eq!(outcome.findings.len(), 2);
    }

    #[test]
    fn each_outside_dependency_has_a_reason() {
        let manifest = "[workspace.dependencies]\n# ours\ncommon = { path = \"crates/common\" }\n\n\
                        # group\na = \"1\" # why\nb = { version = \"1\", features = [\"#\"] }\n\
                        c = { version = \"1\", features = [\n  \"x\", # y\n] }\nd = \"1\" #\n\n\
                        [workspace.lints.rust]\ne = \"deny\"\n";
        let outcome = reasons(manifest);
        assert_eq!(outcome.compared, 5);
        assert_eq!(messages(&outcome), ["`b` has no reason", "`d` has no reason"]);
        assert_eq!(outcome.findings[0].line, Some(7));
    }

    #[test]
    fn comments_are_told_from_strings() {
        assert_eq!(comment_of("a = \"#\" # b"), Some("b"));
        assert_eq!(comment_of("a = \"#\""), None);
    }
}
