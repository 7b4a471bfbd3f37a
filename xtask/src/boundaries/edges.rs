//! The edges between the crates of the workspace, compared with the committed list.

use std::collections::BTreeSet;

use crate::report::{Finding, Outcome};
use crate::rulebook::{Edges, PATH, Rulebook};
use crate::workspace::{Package, Workspace};

/// The crate that only tests need; services may name it among their dev dependencies unasked.
const TESTKIT: &str = "tessera-testkit";
/// The one service crate that composes the others.
const STANDALONE: &str = "tessera-standalone";

/// A crate as its manifest describes it.
#[derive(Debug)]
struct Member {
    name: String,
    manifest: String,
    is_service: bool,
    edges: Edges,
}

/// Compares every member with the committed list.
pub fn check(workspace: &Workspace, rulebook: &Rulebook) -> Outcome {
    let members: Vec<Member> = workspace.packages.iter().map(|package| member(workspace, package)).collect();
    compare(&members, rulebook)
}

fn member(workspace: &Workspace, package: &Package) -> Member {
    let names = workspace.member_names();
    let edges_of = |shipped: bool| -> Vec<String> {
        let found: BTreeSet<&str> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.is_shipped() == shipped)
            .map(|dependency| dependency.name.as_str())
            .filter(|name| names.contains(name))
            .collect();
        found.into_iter().map(str::to_owned).collect()
    };
    Member {
        name: package.name.clone(),
        manifest: workspace.relative(&package.manifest_path),
        is_service: package.is_service(workspace),
        edges: Edges { normal: edges_of(true), dev: edges_of(false) },
    }
}

fn compare(members: &[Member], rulebook: &Rulebook) -> Outcome {
    let mut outcome = Outcome::default();
    let services: BTreeSet<&str> =
        members.iter().filter(|member| member.is_service).map(|member| member.name.as_str()).collect();
    for member in members {
        outcome.compared += member.edges.normal.len() + member.edges.dev.len();
        outcome.findings.extend(compare_with_list(member, rulebook));
        outcome.findings.extend(directions(member, rulebook));
        outcome.findings.extend(service_edges(member, &services));
    }
    for listed in rulebook.crates.keys().filter(|name| members.iter().all(|member| member.name != **name)) {
        outcome.findings.push(finding(
            PATH,
            "crate-edges",
            format!("lists `{listed}`, which is not a member"),
            format!("remove [crates.{listed}]"),
        ));
    }
    outcome
}

/// Each edge is listed, and each listed edge exists.
fn compare_with_list(member: &Member, rulebook: &Rulebook) -> Vec<Finding> {
    let Some(listed) = rulebook.crates.get(&member.name) else {
        let message = format!("`{}` is not listed in {PATH}", member.name);
        return vec![finding(&member.manifest, "crate-edges", message, format!("add [crates.{}]", member.name))];
    };
    let mut found = Vec::new();
    for (table, actual, expected) in
        [("normal", &member.edges.normal, &listed.normal), ("dev", &member.edges.dev, &listed.dev)]
    {
        for edge in actual.iter().filter(|edge| !expected.contains(edge)) {
            if table == "dev" && member.is_service && edge == TESTKIT {
                continue;
            }
            found.push(finding(
                &member.manifest,
                "crate-edges",
                format!("the {table} edge `{}` -> `{edge}` is not listed", member.name),
                format!("drop the dependency, or add it to [crates.{}] in {PATH} for review", member.name),
            ));
        }
        for edge in expected.iter().filter(|edge| !actual.contains(edge)) {
            found.push(finding(
                PATH,
                "crate-edges",
                format!("the {table} edge `{}` -> `{edge}` is listed but not there", member.name),
                format!("take it off [crates.{}]", member.name),
            ));
        }
    }
    found
}

/// Shipped edges go down, whatever the list says.
fn directions(member: &Member, rulebook: &Rulebook) -> Vec<Finding> {
    let row_of = |name: &str| rulebook.order.iter().position(|row| row.iter().any(|entry| entry == name));
    let Some(own_row) = row_of(&member.name) else {
        let message = format!("`{}` has no place in `order`", member.name);
        return vec![finding(PATH, "crate-order", message, "add it to the row it belongs to".to_owned())];
    };
    member
        .edges
        .normal
        .iter()
        .filter(|edge| row_of(edge).is_none_or(|row| row >= own_row))
        .map(|edge| {
            finding(
                &member.manifest,
                "crate-order",
                format!("`{}` depends on `{edge}`, which is not below it", member.name),
                "turn the dependency round, or move the shared part to a lower crate".to_owned(),
            )
        })
        .collect()
}

/// A service never depends on another service, whatever the list says.
fn service_edges(member: &Member, services: &BTreeSet<&str>) -> Vec<Finding> {
    if !member.is_service || member.name == STANDALONE {
        return Vec::new();
    }
    let edges = member.edges.normal.iter().chain(&member.edges.dev);
    edges
        .filter(|edge| services.contains(edge.as_str()))
        .map(|edge| {
            finding(
                &member.manifest,
                "services-apart",
                format!("the service `{}` depends on the service `{edge}`", member.name),
                "call it through a trait of tessera-contracts; only tessera-standalone joins services".to_owned(),
            )
        })
        .collect()
}

fn finding(file: &str, rule: &'static str, message: String, mend: String) -> Finding {
    Finding { file: file.to_owned(), line: None, rule, message, mend }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rulebook::{Card, Sql};

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    fn crate_of(name: &str, is_service: bool, normal: &[&str], dev: &[&str]) -> Member {
        let edges = Edges { normal: names(normal), dev: names(dev) };
        Member { name: name.to_owned(), manifest: format!("{name}/Cargo.toml"), is_service, edges }
    }

    fn rules(crates: &[(&str, &[&str])]) -> Rulebook {
        let crates = crates
            .iter()
            .map(|(name, normal)| ((*name).to_owned(), Edges { normal: names(normal), dev: Vec::new() }))
            .collect();
        let order = vec![names(&["common"]), names(&["auth", "oauth"]), names(&[STANDALONE])];
        Rulebook { order, crates, layers: Default::default(), sql: Sql::default(), card: Card::default() }
    }

    fn rules_broken(members: &[Member], rulebook: &Rulebook) -> Vec<&'static str> {
        compare(members, rulebook).findings.iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn listed_edges_are_green() {
        let members = [
            crate_of("common", false, &[], &[]),
            crate_of("auth", true, &["common"], &[TESTKIT]),
            crate_of(STANDALONE, true, &["auth", "common"], &[]),
        ];
        let rulebook = rules(&[("common", &[]), ("auth", &["common"]), (STANDALONE, &["auth", "common"])]);
        assert_eq!(rules_broken(&members, &rulebook), Vec::<&str>::new());
        assert_eq!(compare(&members, &rulebook).compared, 4);
    }

    #[test]
    fn an_unlisted_edge_and_a_stale_one_are_red() {
        let members = [crate_of("auth", true, &["common"], &[])];
        assert_eq!(rules_broken(&members, &rules(&[("auth", &[])])), ["crate-edges"]);
        let members = [crate_of("auth", true, &[], &[])];
        assert_eq!(rules_broken(&members, &rules(&[("auth", &["common"])])), ["crate-edges"]);
    }

    #[test]
    fn unknown_crates_are_red_on_both_sides() {
        let members = [crate_of("auth", true, &[], &[])];
        assert_eq!(rules_broken(&members, &rules(&[("oauth", &[])])), ["crate-edges", "crate-edges"]);
    }

    #[test]
    fn an_edge_upwards_is_red_even_if_listed() {
        let members = [crate_of("common", false, &["auth"], &[])];
        assert_eq!(rules_broken(&members, &rules(&[("common", &["auth"])])), ["crate-order"]);
    }

    #[test]
    fn a_service_that_depends_on_a_service_is_red_even_if_listed() {
        let members = [crate_of("auth", true, &[], &[]), crate_of("oauth", true, &["auth"], &[])];
        let rulebook = rules(&[("auth", &[]), ("oauth", &["auth"])]);
        assert_eq!(rules_broken(&members, &rulebook), ["crate-order", "services-apart"]);
    }

    #[test]
    fn only_services_get_the_testkit_unasked() {
        let members = [crate_of("common", false, &[], &[TESTKIT])];
        assert_eq!(rules_broken(&members, &rules(&[("common", &[])])), ["crate-edges"]);
    }
}
