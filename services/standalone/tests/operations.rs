//! `docs/operations.tsv` lists every operation and says which are served: compared with what the code registers.

use std::collections::{BTreeMap, BTreeSet};

use tessera_common::server::Endpoints;

const TABLE: &str = include_str!("../../../docs/operations.tsv");
const COLUMNS: &str = "api\tservice\tmethod\tpath\tcaller\tserved\tnote";
const APIS: [&str; 6] = ["accounts", "approval", "client", "identity", "verification", "own"];

/// `service`, `method` and `path` as a line has them.
fn registered() -> BTreeSet<String> {
    let services: [(&str, Endpoints); 4] = [
        ("auth", tessera_auth::endpoints()),
        ("sessions", tessera_sessions::endpoints()),
        ("verify", tessera_verify::endpoints().and(tessera_verify::dev_endpoints())),
        ("oauth", tessera_oauth::endpoints()),
    ];
    let named = |(service, endpoints): &(&str, Endpoints)| {
        endpoints.iter().map(|one| format!("{service}\t{}\t{}", one.method(), one.path())).collect::<Vec<_>>()
    };
    services.iter().flat_map(named).collect()
}

/// What has to be mended in `table`, one sentence for each line.
fn problems(table: &str, registered: &BTreeSet<String>) -> Vec<String> {
    let mut problems = Vec::new();
    // Two APIs may share a path: it is served when one of them is.
    let mut served = BTreeMap::<String, bool>::new();
    let mut seen = BTreeSet::new();
    let mut lines = table.lines();
    if lines.next() != Some(COLUMNS) {
        problems.push(format!("line 1: the columns are {COLUMNS:?}"));
    }
    for (number, line) in (2..).zip(lines) {
        let [api, service, method, path, _, yes_or_no, _] = *line.split('\t').collect::<Vec<_>>() else {
            problems.push(format!("line {number}: a line has seven columns, tabs between them"));
            continue;
        };
        if !APIS.contains(&api) {
            problems.push(format!("line {number}: `{api}` is none of {APIS:?}"));
        }
        if !["yes", "no"].contains(&yes_or_no) {
            problems.push(format!("line {number}: `served` is yes or no, not `{yes_or_no}`"));
        }
        if !seen.insert((api, method, path)) {
            problems.push(format!("line {number}: {method} {path} is there twice"));
        }
        let operation = format!("{service}\t{method}\t{path}");
        if yes_or_no == "yes" && !registered.contains(&operation) {
            problems.push(format!("line {number}: no `{service}` serves {method} {path}: say no"));
        }
        *served.entry(operation).or_default() |= yes_or_no == "yes";
    }
    problems.extend(registered.iter().filter_map(|operation| match served.get(operation) {
        Some(true) => None,
        Some(false) => Some(format!("the code serves {operation:?}: say yes in its line")),
        None => Some(format!("the code serves {operation:?}: it has no line yet")),
    }));
    problems
}

#[test]
fn the_table_of_operations_is_true() {
    let problems = problems(TABLE, &registered());
    assert!(problems.is_empty(), "mend docs/operations.tsv:\n{}", problems.join("\n"));
}

#[test]
fn a_table_that_is_not_true_is_found_out() {
    let registered = BTreeSet::from(["auth\tPOST\t/sign_up".to_owned()]);
    let with = |lines: &str| problems(&format!("{COLUMNS}\n{lines}"), &registered);
    let line = |api: &str, path: &str, served: &str| format!("{api}\tauth\tPOST\t{path}\tnone\t{served}\t\n");
    let true_line = line("accounts", "/sign_up", "yes");

    assert_eq!(with(&true_line), Vec::<String>::new());
    assert_eq!(with(&(line("identity", "/sign_up", "no") + &true_line)), Vec::<String>::new());
    for (lines, problem) in [
        (line("accounts", "/sign_up", "no"), "say yes in its line"),
        (String::new(), "it has no line yet"),
        (true_line.clone() + &line("accounts", "/sign_in", "yes"), "line 3: no `auth` serves POST /sign_in"),
        (true_line.clone() + &true_line, "line 3: POST /sign_up is there twice"),
        (true_line.clone() + &line("003", "/sign_in", "no"), "`003` is none of"),
        (true_line.clone() + &line("accounts", "/sign_in", "soon"), "not `soon`"),
        (true_line + "accounts\tauth\n", "line 3: a line has seven columns"),
    ] {
        let found = with(&lines);
        assert!(found.len() == 1 && found[0].contains(problem), "{problem}: {found:?}");
    }
}
