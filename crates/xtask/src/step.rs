//! A chore is a list of steps, cheapest first. The first that fails ends it.

use std::{process::ExitCode, time::Duration};

use crate::{failure::Failure, order::Choice, workshop::Workshop};

#[cfg(test)]
mod tests;

pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// What is true when it has passed.
    pub(crate) claim: &'static str,
    pub(crate) run: fn(&mut Workshop) -> Result<(), Failure>,
}

/// Does the chosen steps in order, each with its time, and ends with one line of counts.
pub(crate) fn walk(
    chore: &str,
    steps: &[Step],
    choice: &Choice,
    shop: &mut Workshop,
) -> Result<ExitCode, Failure> {
    let steps = chosen(steps, choice)?;
    if choice.list {
        for step in steps {
            shop.say(&format!("{:10} {}", step.name, step.claim));
        }
        return Ok(ExitCode::SUCCESS);
    }
    (shop.rounds, shop.seconds, shop.seed) = (choice.rounds, choice.seconds, choice.seed);
    let mut times = Vec::new();
    let mut code = ExitCode::SUCCESS;
    for step in steps {
        shop.say(&format!("\n== {}: {}", step.name, step.claim));
        let failed_before = shop.tally.failed;
        let (time, ended) = timed(|| (step.run)(shop));
        times.push(format!("{:10} {:>7.1} s", step.name, time.as_secs_f32()));
        if let Err(failure) = ended {
            // A step that stopped before it counted anything has failed all the same.
            shop.tally.failed = shop.tally.failed.max(failed_before + 1);
            times.push(format!("\n{} failed: {failure}", step.name));
            times.push(format!("run it again with: cargo xtask {chore} --only {}\n", step.name));
            code = ExitCode::FAILURE;
            break;
        }
    }
    sum_up(&times, shop);
    Ok(code)
}

fn chosen<'a>(steps: &'a [Step], choice: &Choice) -> Result<Vec<&'a Step>, Failure> {
    let Some(only) = &choice.only else { return Ok(steps.iter().collect()) };
    let found: Vec<_> = steps.iter().filter(|step| step.name == only).collect();
    if found.is_empty() {
        let names: Vec<_> = steps.iter().map(|step| step.name).collect();
        return Err(Failure::usage(format!("no step {only:?} in {}", names.join(", "))));
    }
    Ok(found)
}

fn sum_up(lines: &[String], shop: &mut Workshop) {
    shop.say("");
    for line in lines {
        shop.say(line);
    }
    let tally = shop.tally;
    if tally.skipped > 0 {
        shop.say(&format!("{} skipped", tally.skipped));
    }
    shop.say(&format!("{} passed, {} failed", tally.passed, tally.failed));
}

#[expect(clippy::disallowed_types, reason = "no test pauses the clock of a chore")]
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = std::time::Instant::now();
    let done = work();
    (start.elapsed(), done)
}
