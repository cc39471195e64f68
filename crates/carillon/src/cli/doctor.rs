//! `carillon doctor`: looks at what a node needs from this machine and from Redis, and at nodes that run; and says what to
//! do.

mod front;
mod machine;
mod nodes;
mod redis;

use std::io::{self, Write};

use gateway::Identity;

use self::nodes::Nodes;
use crate::{
    cli::{Console, arguments::DoctorArgs, block_on, healthcheck, remote::Remote, trust},
    exit::{Exit, Failure},
    settings::{API_KEY, Config},
};

/// What was found out about one thing.
struct Finding {
    what: String,
    verdict: Verdict,
}

enum Verdict {
    Good(String),
    /// It will run, but not as far as its settings go.
    Weak(String, String),
    /// It will not run.
    Bad(String, String),
}

pub(super) fn doctor(args: DoctorArgs, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let nodes = Nodes::of(&args.node, console.environment.get(API_KEY), &args.tls)?;
    let front = args.front.as_deref();
    let front = front.map(|url| Remote::parse("--front", url, "https://push.example.com"));
    let front = front.transpose()?;
    let rules = front.as_ref().map(|front| trust::rules(front, &args.tls)).transpose()?;
    let config = match console.settings(args.settings).into_config() {
        Ok(config) => config,
        Err(mistakes) => {
            writeln!(console.out, "bad   settings: {}", mistakes.0.len())?;
            return Err(mistakes.into());
        }
    };
    let findings = block_on(async {
        // It is large: it speaks to Redis in several ways.
        let mut findings = Box::pin(of_oneself(&config)).await?;
        findings.extend(nodes.look(&config).await);
        if let (Some(front), Some(rules)) = (&front, rules) {
            findings.extend(front::look(front, rules, &config.public.path).await);
        }
        Ok(findings)
    })?;
    for finding in &findings {
        finding.print(console.out)?;
    }
    let sick = findings.iter().any(|finding| matches!(finding.verdict, Verdict::Bad(..)));
    Ok(if sick { Exit::Failed } else { Exit::Stopped })
}

/// What a node with these settings would find if it started here.
async fn of_oneself(config: &Config) -> Result<Vec<Finding>, Failure> {
    let mut findings = vec![
        Finding::of("settings", Verdict::Good("right".to_owned())),
        Finding::of("file limit", machine::file_limit(config)),
        Finding::of("clock", machine::clock().await?),
    ];
    findings.extend(machine::kernel(config));
    findings.extend(redis::look(config).await);
    if let Some(identity) = &config.public.tls {
        findings.push(Finding::of("certificate", certificate(identity)));
    }
    let runs = healthcheck::runs(config).await;
    for (what, addr, name) in [
        ("public port", config.public.addr, "--public-addr"),
        ("internal port", config.internal.addr, "--internal-addr"),
    ] {
        findings.push(Finding::of(what, machine::port(addr, name, runs)));
    }
    Ok(findings)
}

impl Finding {
    fn of(what: impl Into<String>, verdict: Verdict) -> Self {
        Self { what: what.into(), verdict }
    }

    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let (mark, text, hint) = match &self.verdict {
            Verdict::Good(text) => ("good", text, None),
            Verdict::Weak(text, hint) => ("weak", text, Some(hint)),
            Verdict::Bad(text, hint) => ("bad ", text, Some(hint)),
        };
        writeln!(out, "{mark}  {}: {text}", self.what)?;
        hint.iter().try_for_each(|hint| writeln!(out, "      hint: {hint}"))
    }
}

impl Verdict {
    fn good(text: impl Into<String>) -> Self {
        Self::Good(text.into())
    }

    fn weak(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Weak(text.into(), hint.into())
    }

    fn bad(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Bad(text.into(), hint.into())
    }

    /// Of an error; most say themselves what to do.
    fn of_error(error: &dyn std::fmt::Display, hint: &str) -> Self {
        let said = error.to_string();
        let own = said.strip_suffix(')').and_then(|said| said.split_once(" (hint: "));
        let (text, hint) = own.unwrap_or((&said, hint));
        Self::bad(text, hint)
    }
}

/// It was read with the settings, and its key fits.
fn certificate(identity: &Identity) -> Verdict {
    let until = humantime::format_rfc3339_seconds(identity.until());
    if identity.ends_soon(std::time::SystemTime::now()) {
        Verdict::weak(
            format!("ends at {until}"),
            "renew it; a running node takes the new one by itself",
        )
    } else {
        Verdict::good(format!("holds until {until}"))
    }
}
