//! Programs written in Go, built from the module proxy at fixed versions, with nothing of C in them.

use std::{fs, path::Path, time::Duration};

use super::{Source, Tool, own_programs};
use crate::{errand::Errand, failure::Failure, workshop::Workshop};

/// The release of Go that the modules ask for: 1.26.
const MINOR_MIN: u32 = 26;

/// Debian keeps each release in a folder of its own, beside those of the search path.
const GO: Tool = Tool {
    programs: &["go", "../lib/go-1.26/bin/go"],
    source: Source::Apt("golang-1.26-go"),
    purpose: "helm and Kubernetes are built with it",
};
const HINT: &str = "put Go 1.26 or newer (https://go.dev/dl) first on the search path";

/// What one program may take on busy cores, with nothing built before.
const BUILD_LIMIT: Duration = Duration::from_mins(30);

/// Kubernetes is told its version when it is linked; helm refuses a cluster that knows none.
const LINKED: &str = "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
    -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36 \
    -X k8s.io/client-go/pkg/version.gitVersion=v1.36.3";

/// A package that has a program in it.
#[derive(Debug)]
pub(super) enum Package {
    /// With its version; the program is called as its folder.
    Published(&'static str),
    /// Of the module in `crates/xtask/kube`, which fixes the version.
    Pinned(&'static str),
}

impl Package {
    /// Builds it into our own folder of programs, under the name `program`.
    pub(super) fn build(&self, program: &str, shop: &mut Workshop) -> Result<(), Failure> {
        let place = own_programs()?.join(program);
        match self {
            Self::Published(package) => install(package, &place, shop),
            Self::Pinned(package) => errand("build", shop)?
                .args([Path::new("-o"), &place, Path::new(package)])
                .folder(&Workshop::root().join("crates/xtask/kube"))
                .run(),
        }
    }
}

impl AsRef<str> for Package {
    fn as_ref(&self) -> &str {
        match self {
            Self::Published(package) | Self::Pinned(package) => package,
        }
    }
}

/// Brings a folder of a module, written `MODULE@VERSION/FOLDER`, and answers where it is.
pub(crate) fn bring_folder(place: &str, shop: &mut Workshop) -> Result<String, Failure> {
    let go = fetch(shop)?;
    let version = place.find('@').unwrap_or_default();
    let end = place[version..].find('/').map_or(place.len(), |slash| version + slash);
    Errand::bounded(BUILD_LIMIT, &go)?.args(["mod", "download", &place[..end]]).run()?;
    let modules = Errand::new(&go).args(["env", "GOMODCACHE"]).answer().unwrap_or_default();
    Ok(format!("{}/{place}", modules.trim()))
}

/// By way of a folder, since two programs may have the same name at home.
fn install(package: &str, place: &Path, shop: &mut Workshop) -> Result<(), Failure> {
    let folder = place.with_extension("made");
    errand("install", shop)?.args([package]).env("GOBIN", &folder).run()?;
    let name = package.split('@').next().and_then(|path| path.rsplit('/').next());
    let made = folder.join(name.unwrap_or_default());
    let failed = |source| Failure::File { path: made.display().to_string(), source };
    fs::rename(&made, place).map_err(failed)?;
    fs::remove_dir(&folder).map_err(failed)
}

fn errand(verb: &str, shop: &mut Workshop) -> Result<Errand, Failure> {
    let errand = Errand::bounded(BUILD_LIMIT, &fetch(shop)?)?;
    // Without C all of them share what was built before.
    Ok(errand.args([verb, "-trimpath", "-ldflags", LINKED]).env("CGO_ENABLED", "0"))
}

/// Go, if it is as new as the modules need it: most systems install an older one.
fn fetch(shop: &mut Workshop) -> Result<String, Failure> {
    let missing = |hint: String| Failure::Missing { program: "go 1.26".into(), hint };
    let go = GO.fetch(shop).map_err(|failure| missing(format!("{HINT} ({failure})")))?;
    // Outside of any module, which may ask for another release.
    let answer = Errand::new(&go).args(["version"]).answer().unwrap_or_default();
    if minor(&answer).is_some_and(|minor| minor >= MINOR_MIN) {
        return Ok(go.to_string_lossy().into_owned());
    }
    Err(missing(format!("{HINT}; {:?} is there", answer.trim())))
}

/// `go version go1.26.8 linux/amd64`
fn minor(answer: &str) -> Option<u32> {
    let (_, version) = answer.split_once("go1.")?;
    version.split(['.', ' ', 'r']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn the_release_of_go_is_read_from_what_it_answers() {
        assert_eq!(minor("go version go1.26.8 linux/amd64\n"), Some(26));
        assert_eq!(minor("go version go1.27rc1 linux/amd64"), Some(27));
        assert_eq!(minor("no such file"), None);
    }
}
