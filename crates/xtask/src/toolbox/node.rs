//! Node, as new as the tests of the clients and the page need it: some systems install an older one, and npm has others.

use std::{env::consts, fs, os::unix::fs::symlink};

use super::{NPM, Source, Tool, own_programs, tools_folder};
use crate::{errand::Errand, failure::Failure, workshop::Workshop};

const MAJOR_MIN: u32 = 20;

const NODE: Tool =
    Tool { programs: &["node"], source: Source::Apt("nodejs"), purpose: "the clients run in it" };

/// Sees to it that the first on the search path is new enough.
pub(crate) fn fetch_node(shop: &mut Workshop) -> Result<(), Failure> {
    let version = version(shop)?;
    if is_enough(&version) {
        return Ok(());
    }
    shop.say(&format!(
        "installing node {MAJOR_MIN} with npm: the tests need it, and {} is here",
        version.trim()
    ));
    bring(shop)?;
    let version = self::version(shop)?;
    if is_enough(&version) {
        return Ok(());
    }
    let hint = format!("{:?} is; put a newer one first on the search path", version.trim());
    Err(Failure::Missing { program: format!("node {MAJOR_MIN}"), hint })
}

fn version(shop: &mut Workshop) -> Result<String, Failure> {
    Ok(Errand::new(NODE.fetch(shop)?).args(["--version"]).answer().unwrap_or_default())
}

fn is_enough(version: &str) -> bool {
    let major = version.trim().trim_start_matches('v').split('.').next();
    major.and_then(|major| major.parse().ok()).is_some_and(|major: u32| major >= MAJOR_MIN)
}

/// Into the target folder, so that nothing outside the tree changes.
fn bring(shop: &mut Workshop) -> Result<(), Failure> {
    let arch = if consts::ARCH == "aarch64" { "arm64" } else { "x64" };
    let package = format!("node-{}-{arch}", consts::OS);
    let (place, programs) = (tools_folder()?.join("node"), own_programs()?);
    let npm = Errand::new(NPM.fetch(shop)?).args(["install", "--silent", "--no-save", "--prefix"]);
    npm.args([&place]).args([format!("{package}@{MAJOR_MIN}")]).run()?;
    let (program, link) =
        (place.join("node_modules").join(package).join("bin/node"), programs.join("node"));
    let linked = fs::create_dir_all(&programs).and_then(|()| symlink(program, &link));
    linked.map_err(|source| Failure::File { path: link.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    //! Which versions will do.

    use super::is_enough;

    #[test]
    fn what_is_older_or_says_nothing_will_not_do() {
        for (version, enough) in
            [("v20.19.0\n", true), ("v24.1.0", true), ("v18.20.4\n", false), ("", false)]
        {
            assert_eq!(is_enough(version), enough, "{version:?}");
        }
    }
}
