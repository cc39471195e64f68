//! The programs of other people that the chores need, why, and where each comes from.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::{errand::Errand, failure::Failure, workshop::Workshop};

mod golang;
mod node;

use golang::Package;
pub(crate) use golang::bring_folder;
pub(crate) use node::fetch_node;

#[derive(Debug)]
pub(crate) struct Tool {
    /// Its names; the first that is found will do.
    programs: &'static [&'static str],
    source: Source,
    purpose: &'static str,
}

#[derive(Debug)]
enum Source {
    /// A component of the pinned toolchain. Its program may be a stub, so it is tried.
    Rustup(&'static str),
    /// One package, or several with a space between.
    Apt(&'static str),
    /// Built from source into the target folder, so that nothing outside the tree changes.
    Cargo(&'static str),
    /// The same for those that are written in Go.
    Go(Package),
}

pub(crate) const RUSTFMT: Tool = Tool {
    programs: &["cargo-fmt"],
    source: Source::Rustup("rustfmt"),
    purpose: "it lays out the code",
};
pub(crate) const CLIPPY: Tool = Tool {
    programs: &["cargo-clippy"],
    source: Source::Rustup("clippy"),
    purpose: "it holds the house rules",
};
pub(crate) const MAKE: Tool = Tool {
    programs: &["make"],
    source: Source::Apt("make"),
    purpose: "the allocator is built with it",
};
pub(crate) const CXX: Tool = Tool {
    programs: &["c++"],
    source: Source::Apt("g++"),
    purpose: "the fuzzer is written in C++",
};
pub(crate) const REDIS: Tool = Tool {
    programs: &["redis-server"],
    source: Source::Apt("redis-server"),
    purpose: "the tests of the bus start their own",
};
pub(crate) const OPENSSL: Tool = Tool {
    programs: &["openssl"],
    source: Source::Apt("openssl"),
    purpose: "the tests of the bus make certificates with it",
};
pub(crate) const HAPROXY: Tool = Tool {
    programs: &["haproxy"],
    source: Source::Apt("haproxy"),
    purpose: "nodes are tried behind it",
};
pub(crate) const NGINX: Tool = Tool {
    programs: &["nginx"],
    source: Source::Apt("nginx-light"),
    purpose: "nodes are tried behind it",
};
pub(crate) const PROMTOOL: Tool = Tool {
    programs: &["promtool"],
    source: Source::Apt("prometheus"),
    purpose: "alerts and dashboards are tried with it",
};
pub(crate) const NPM: Tool = Tool {
    programs: &["npm"],
    source: Source::Apt("npm"),
    purpose: "it brings the official clients",
};
pub(crate) const GIT: Tool = Tool {
    programs: &["git"],
    source: Source::Apt("git"),
    purpose: "a test asks it which files there are",
};
pub(crate) const KILL: Tool = Tool {
    programs: &["kill"],
    source: Source::Apt("procps"),
    purpose: "the tests stop and freeze what they started",
};
pub(crate) const SS: Tool = Tool {
    programs: &["ss"],
    source: Source::Apt("iproute2"),
    purpose: "the tests of loadtest count bytes with it",
};
pub(crate) const CHROMIUM: Tool = Tool {
    programs: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
    source: Source::Apt("chromium"),
    purpose: "the browser tests drive it",
};
pub(crate) const PYTHON: Tool = Tool {
    programs: &["python3"],
    source: Source::Apt("python3-venv"),
    purpose: "the guide for workers has a snippet in Python",
};
pub(crate) const PHP: Tool = Tool {
    programs: &["php"],
    source: Source::Apt("php-cli php-redis"),
    purpose: "the guide for workers has a snippet in PHP",
};
pub(crate) const DENY: Tool = Tool {
    programs: &["cargo-deny"],
    source: Source::Cargo("cargo-deny"),
    purpose: "it checks licences, sources and who may import whom",
};
pub(crate) const MACHETE: Tool = Tool {
    programs: &["cargo-machete"],
    source: Source::Cargo("cargo-machete"),
    purpose: "it finds dependencies that nothing uses",
};
pub(crate) const PODMAN: Tool = Tool {
    programs: &["podman"],
    source: Source::Apt("podman"),
    purpose: "the image and the compose file are run by it",
};
pub(crate) const RUNC: Tool = Tool {
    programs: &["runc"],
    source: Source::Apt("runc"),
    purpose: "podman runs containers with it",
};
pub(crate) const NETAVARK: Tool = Tool {
    programs: &["../lib/podman/netavark"],
    source: Source::Apt("netavark aardvark-dns"),
    purpose: "containers find each other by it",
};
pub(crate) const BUILDAH: Tool = Tool {
    programs: &["buildah"],
    source: Source::Apt("buildah"),
    purpose: "it builds deploy/Dockerfile",
};
pub(crate) const MMDEBSTRAP: Tool = Tool {
    programs: &["mmdebstrap"],
    source: Source::Apt("mmdebstrap"),
    purpose: "base images are made by it",
};
pub(crate) const OBJCOPY: Tool = Tool {
    programs: &["objcopy"],
    source: Source::Apt("binutils"),
    purpose: "what a binary is made of is read with it",
};
pub(crate) const HELM: Tool = Tool {
    programs: &["helm"],
    source: Source::Go(Package::Published("helm.sh/helm/v4/cmd/helm@v4.3.1")),
    purpose: "it installs the chart",
};
pub(crate) const HELM_3: Tool = Tool {
    programs: &["helm3"],
    source: Source::Go(Package::Published("helm.sh/helm/v3/cmd/helm@v3.22.0")),
    purpose: "the chart is for the older helm as well",
};
pub(crate) const KUBE_SCORE: Tool = Tool {
    programs: &["kube-score"],
    source: Source::Go(Package::Published("github.com/zegl/kube-score/cmd/kube-score@v1.20.0")),
    purpose: "it judges what the chart makes",
};
pub(crate) const KUBECTL: Tool = Tool {
    programs: &["kubectl"],
    source: Source::Go(Package::Pinned("k8s.io/kubernetes/cmd/kubectl")),
    purpose: "the cluster is asked with it",
};
pub(crate) const KUBE_APISERVER: Tool = Tool {
    programs: &["kube-apiserver"],
    source: Source::Go(Package::Pinned("k8s.io/kubernetes/cmd/kube-apiserver")),
    purpose: "it judges and keeps what the chart makes",
};
pub(crate) const KUBE_CONTROLLER_MANAGER: Tool = Tool {
    programs: &["kube-controller-manager"],
    source: Source::Go(Package::Pinned("k8s.io/kubernetes/cmd/kube-controller-manager")),
    purpose: "it makes and replaces pods",
};
pub(crate) const KUBE_SCHEDULER: Tool = Tool {
    programs: &["kube-scheduler"],
    source: Source::Go(Package::Pinned("k8s.io/kubernetes/cmd/kube-scheduler")),
    purpose: "it gives pods to nodes",
};
pub(crate) const ETCD: Tool = Tool {
    programs: &["etcd"],
    source: Source::Go(Package::Pinned("go.etcd.io/etcd/server/v3")),
    purpose: "the API server keeps everything in it",
};
pub(crate) const KWOK: Tool = Tool {
    programs: &["kwok"],
    source: Source::Go(Package::Pinned("sigs.k8s.io/kwok/cmd/kwok")),
    purpose: "it plays the nodes of a cluster",
};

impl Tool {
    /// Where the program is. Installs it if it is nowhere, and says so before.
    pub(crate) fn fetch(&self, shop: &mut Workshop) -> Result<PathBuf, Failure> {
        if let Some(program) = self.find() {
            return Ok(program);
        }
        self.bring(shop)?;
        self.find().ok_or_else(|| self.missing("it was installed, and is still not found"))
    }

    /// Installs it, wherever it may be already, and says so before.
    pub(crate) fn bring(&self, shop: &mut Workshop) -> Result<(), Failure> {
        let (name, means) = match &self.source {
            Source::Rustup(component) => (*component, "rustup"),
            Source::Apt(package) => (*package, "apt-get"),
            Source::Cargo(package) => (*package, "cargo, which takes some minutes"),
            Source::Go(package) => (package.as_ref(), "go, which takes some minutes"),
        };
        shop.say(&format!("installing {name} with {means}: {}", self.purpose));
        self.install(shop)
    }

    fn find(&self) -> Option<PathBuf> {
        let folders = search_path();
        let mut programs = self.programs.iter().flat_map(|name| {
            folders.iter().map(move |folder| folder.join(name)).filter(|program| program.is_file())
        });
        match self.source {
            Source::Rustup(_) => programs.find(|program| starts(program)),
            Source::Apt(_) | Source::Cargo(_) | Source::Go(_) => programs.next(),
        }
    }

    fn install(&self, shop: &mut Workshop) -> Result<(), Failure> {
        match &self.source {
            Source::Rustup(component) => {
                Errand::new("rustup").args(["component", "add", *component]).run()
            }
            Source::Apt(packages) => self.install_by_apt(packages),
            Source::Cargo(package) => Errand::new("cargo")
                .args(["install", "--locked", "--root"])
                .args([tools_folder()?.as_os_str(), package.as_ref()])
                .run(),
            Source::Go(package) => package.build(self.programs[0], shop),
        }
    }

    fn install_by_apt(&self, packages: &str) -> Result<(), Failure> {
        let apt = |args: &[&str]| {
            let root = owned_by_root();
            // In words: sudo keeps no variables.
            let words = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
            let errand = if root { Errand::new("env") } else { Errand::new("sudo").args(["env"]) };
            errand.args(&words[1..]).args(args).run()
        };
        if !on_search_path("apt-get") {
            return Err(self.missing("install it by hand, and put it on the search path"));
        }
        if !owned_by_root() && !on_search_path("sudo") {
            let hint = format!("without sudo it takes the super-user: apt-get install {packages}");
            return Err(self.missing(&hint));
        }
        apt(&["update", "-q"])?;
        let mut install = vec!["install", "-q", "-y", "--no-install-recommends"];
        install.extend(packages.split(' '));
        apt(&install)
    }

    fn missing(&self, hint: &str) -> Failure {
        let hint = format!("{hint} ({})", self.purpose);
        Failure::Missing { program: self.programs[0].into(), hint }
    }
}

/// A program that is used where it is and brought by nobody.
pub(crate) fn found(program: &str) -> Option<PathBuf> {
    search_path().iter().map(|folder| folder.join(program)).find(|program| program.is_file())
}

fn starts(program: &Path) -> bool {
    Errand::new(program).args(["--version"]).answer().is_some()
}

/// First what was brought here, last where Debian keeps servers, which an ordinary user's path leaves out.
pub(crate) fn search_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let servers = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    own_programs().into_iter().chain(env::split_paths(&path)).chain(servers).collect()
}

fn on_search_path(program: &str) -> bool {
    search_path().iter().any(|folder| folder.join(program).is_file())
}

/// Whether we may install at all without asking: the super-user's own processes may.
fn owned_by_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

fn tools_folder() -> Result<PathBuf, Failure> {
    Ok(Workshop::target()?.join("tools"))
}

fn own_programs() -> Result<PathBuf, Failure> {
    Ok(tools_folder()?.join("bin"))
}
