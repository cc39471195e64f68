//! `cargo xtask fuzz`: libFuzzer on everything of ours that reads untrusted bytes, each target for `--seconds`. The
//! pinned toolchain will do: what the fuzzer needs to see of the code are flags of the compiler.

use std::fs;

use crate::{errand::Errand, failure::Failure, step::Step, toolbox, workshop::Workshop};

/// How long each target runs unless told.
const SECONDS: u32 = 300;

pub(crate) const FUZZ: &[Step] = &[
    Step { name: "build", claim: "the fuzz targets build", run: build },
    Step { name: "run", claim: "no bytes make a reader stumble", run },
];

/// The flags of cargo-fuzz without a sanitizer of memory: no code of ours is unsafe.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                     -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares";
/// Named to cargo, so that the flags are for the targets and not for build scripts.
fn platform() -> Result<String, Failure> {
    let told = Errand::new("rustc").args(["--print", "host-tuple"]).answer();
    told.map(|text| text.trim().to_owned())
        .ok_or_else(|| Failure::Tree("rustc does not say what this machine is".into()))
}

fn build(shop: &mut Workshop) -> Result<(), Failure> {
    toolbox::CXX.fetch(shop)?;
    Errand::new("cargo")
        .args(["build", "--release", "--bins", "--target", &platform()?])
        .folder(&Workshop::root().join("fuzz"))
        .env_unsaid("RUSTFLAGS", FLAGS)
        .env_unsaid("CARGO_TARGET_DIR", Workshop::target()?.join("fuzz"))
        .run()
}

/// Finds are added to a corpus under the target folder; what makes a reader stumble is left beside it.
fn run(shop: &mut Workshop) -> Result<(), Failure> {
    let seconds = shop.seconds.unwrap_or(SECONDS);
    let target = Workshop::target()?.join("fuzz");
    let programs = target.join(platform()?).join("release");
    let sources = Workshop::root().join("fuzz/fuzz_targets");
    for source in Workshop::files_ending(&sources, &[".rs"])? {
        let name = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let corpus = target.join("corpus").join(&name);
        let failed = |source| Failure::File { path: corpus.display().to_string(), source };
        fs::create_dir_all(&corpus).map_err(failed)?;
        shop.say(&format!("{name}, for {seconds} s"));
        Errand::new(programs.join(&name))
            .args([&corpus, &Workshop::root().join("fuzz/seeds").join(&name)])
            .args([format!("-max_total_time={seconds}")])
            .args([format!("-artifact_prefix={}/{name}-", target.display())])
            .args(["-max_len=4096", "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"])
            .run()?;
    }
    Ok(())
}
