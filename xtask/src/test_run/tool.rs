//! What tests run that others wrote: a Python with its packages, and what drives a browser. A variable names each.

use std::env;
use std::path::Path;
use std::process::Command;

use super::absence::Absence;
use crate::process;
use crate::workspace::Workspace;

/// The packages of Python that tests import, each `name==version`.
const REQUIREMENTS: &str = "services/verify/tests/api/foreign/requirements.txt";
/// Says where a Python is, and what it has, as [`REQUIREMENTS`] does.
const INSTALLED: &str = "import sys; from importlib.metadata import distributions; print(sys.executable, \
                         *(f'{it.metadata[\"Name\"]}=={it.version}' for it in distributions()), sep='\\n')";

/// The packages of node that drive a browser.
const DRIVERS: [&str; 2] = ["puppeteer-core", "axe-core"];

/// A tool of the tests.
#[derive(Debug)]
pub struct Tool {
    /// The variable that names it.
    variable: &'static str,
    /// What the tests are told, independent of the folder they run in.
    found: Result<String, Absence>,
}

impl Tool {
    /// The Python.
    pub fn python(workspace: &Workspace) -> Self {
        let required = workspace.root.join(REQUIREMENTS);
        let absence = Absence {
            name: "Python",
            without: "nothing that others wrote sends to us or takes what we send",
            reasons: vec![],
            remedy: "python3 -m venv target/python && target/python/bin/pip install --requirement \
                     services/verify/tests/api/foreign/requirements.txt && TESSERA_TEST_PYTHON=target/python/bin/python make test",
        };
        Self::find("TESSERA_TEST_PYTHON", absence, |named| python(named, &required))
    }

    /// The folder with what drives a browser.
    pub fn browser() -> Self {
        let absence = Absence {
            name: "browser",
            without: "no page is opened",
            reasons: vec![],
            remedy: "npm install --prefix target/browser puppeteer-core axe-core && TESSERA_TEST_BROWSER=target/browser make test",
        };
        Self::find("TESSERA_TEST_BROWSER", absence, browser)
    }

    fn find(variable: &'static str, absence: Absence, look: impl FnOnce(&str) -> Result<String, Vec<String>>) -> Self {
        let named = env::var(variable).ok().filter(|named| !named.is_empty());
        let found = named.ok_or_else(|| vec![format!("{variable} names none")]).and_then(|named| look(&named));
        Self { variable, found: found.map_err(|reasons| Absence { reasons, ..absence }) }
    }

    /// Tells a test run about it.
    pub fn configure(&self, command: &mut Command) {
        match &self.found {
            Ok(found) => command.env(self.variable, found),
            Err(_) => command.env_remove(self.variable),
        };
    }

    /// One line about it.
    pub fn describe(&self) -> String {
        self.found.as_ref().map_or_else(Absence::sentence, Clone::clone)
    }

    /// Why there is none, if so.
    pub fn absence(&self) -> Option<&Absence> {
        self.found.as_ref().err()
    }
}

/// Where a Python is, if it has all that is required.
fn python(named: &str, required: &Path) -> Result<String, Vec<String>> {
    let required = std::fs::read_to_string(required)
        .map_err(|error| vec![format!("{} cannot be read: {error}", required.display())])?;
    let output = Command::new(named).args(["-c", INSTALLED]).output().ok().filter(|output| output.status.success());
    let said = output.and_then(|output| String::from_utf8(output.stdout).ok());
    let Some((program, installed)) = said.as_deref().and_then(|said| said.split_once('\n')) else {
        return Err(vec![format!("{named} is no Python that runs")]);
    };
    none(lacking(&required, installed).map(|package| format!("{named} lacks {package}")))?;
    Ok(program.to_owned())
}

/// What is required and not installed in the same version. The names of packages are the same in either letter case.
fn lacking<'a>(required: &'a str, installed: &str) -> impl Iterator<Item = &'a str> {
    let required = required.lines().filter(|line| !line.starts_with('#'));
    required.filter(|package| !installed.lines().any(|found| found.eq_ignore_ascii_case(package)))
}

/// Where a folder is, if a browser can be driven from it.
fn browser(folder: &str) -> Result<String, Vec<String>> {
    let path = std::path::absolute(folder).map_err(|error| vec![format!("{folder}: {error}")])?;
    let missing = DRIVERS.into_iter().filter(|name| !path.join("node_modules").join(name).is_dir());
    let chromium = env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    let silent =
        ["node", &chromium].into_iter().filter(|program| !process::answers(Command::new(program).arg("--version")));
    none(
        missing
            .map(|name| format!("{folder} has no {name}"))
            .chain(silent.map(|program| format!("{program} does not run"))),
    )?;
    Ok(path.display().to_string())
}

/// An error of all reasons, if there is one.
fn none(reasons: impl Iterator<Item = String>) -> Result<(), Vec<String>> {
    let reasons: Vec<_> = reasons.collect();
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(found: Result<&str, Vec<String>>) -> Tool {
        let absence = Absence { name: "tool", without: "nothing is missing", reasons: vec![], remedy: "fetch it" };
        let found = found.map(str::to_owned).map_err(|reasons| Absence { reasons, ..absence });
        Tool { variable: "TESSERA_TEST_TOOL", found }
    }

    /// What a test run is told of it.
    fn told(tool: &Tool) -> Option<String> {
        let mut command = Command::new("true");
        tool.configure(&mut command);
        let (_, value) = command.get_envs().next().expect("it is told something");
        value.map(|value| value.to_string_lossy().into_owned())
    }

    #[test]
    fn a_test_run_is_told_of_what_was_found_and_of_nothing_else() {
        let found = tool(Ok("/a/tool"));
        assert_eq!((told(&found).as_deref(), found.describe().as_str()), (Some("/a/tool"), "/a/tool"));
        assert!(found.absence().is_none());
        let missing = tool(Err(vec!["a is missing".to_owned(), "b is missing".to_owned()]));
        assert_eq!((told(&missing), missing.describe()), (None, "left out (a is missing; b is missing)".to_owned()));
        assert!(missing.absence().is_some());
    }

    #[test]
    fn a_package_is_there_in_its_version_and_in_no_other() {
        let required = "# why\nmail==1.0\ntotp==2.1\nsms==9.2\n";
        assert_eq!(
            lacking(required, "Totp==2.1\nmail==1.0.1\nother==1.0\n").collect::<Vec<_>>(),
            ["mail==1.0", "sms==9.2"]
        );
        assert_eq!(lacking(required, "sms==9.2\nmail==1.0\ntotp==2.1").count(), 0);
    }

    #[test]
    fn what_is_no_python_and_what_drives_no_browser_is_said() {
        let folder = env!("CARGO_MANIFEST_DIR");
        let required = Path::new(folder).join("..").join(REQUIREMENTS);
        assert_eq!(python("/bin/false", &required), Err(vec!["/bin/false is no Python that runs".to_owned()]));
        let reasons = browser(folder).unwrap_err();
        assert_eq!(reasons[..2], DRIVERS.map(|name| format!("{folder} has no {name}")));
    }
}
