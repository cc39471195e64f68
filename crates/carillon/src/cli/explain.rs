//! `carillon explain`: what each worker message becomes, or why it is refused. Sends nothing.

use std::{io, ops::ControlFlow, path::Path};

use ingest::Explanation;
use notice::{EventName, Kind, StatusTable, TaskKey};

use crate::{
    cli::{Console, input},
    exit::{Exit, Failure, OutputError},
};

pub(super) fn explain(
    file: &Path,
    status: &StatusTable,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let source = input::open(file)?;
    let (mut index, mut refused) = (0_usize, 0_usize);
    let mut written = Ok(());
    input::read(source, &mut |_form, json| {
        let explanation = ingest::explain(&json, status);
        refused += usize::from(matches!(explanation, Explanation::Refused { .. }));
        let line = told(&explanation);
        written = writeln!(console.out, "{index}: {line}");
        index += 1;
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    written.map_err(OutputError::from)?;
    conclude(console, index, refused)?;
    Ok(if refused == 0 { Exit::Stopped } else { Exit::Failed })
}

fn conclude(console: &mut Console<'_>, messages: usize, refused: usize) -> io::Result<()> {
    if messages == 0 {
        writeln!(console.err, "hint: the input holds no message")?;
    }
    if refused > 0 {
        writeln!(console.err, "error: {refused} of {messages} messages would be refused")?;
    }
    Ok(())
}

fn told(explanation: &Explanation) -> String {
    let (event, kind, audience, narrowing) = match explanation {
        Explanation::Refused { reason, error } => return format!("refused ({reason}): {error}"),
        Explanation::Becomes { event, kind, audience, narrowing } => {
            (event, kind, audience, narrowing)
        }
    };
    let event = event.as_ref().map_or("the socket's own id", EventName::as_str);
    let narrowed = narrowing.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
    let kind = match kind {
        Kind::Progress { task, .. } => format!("progress of {}, newer replaces it", named(task)),
        Kind::Final { task, .. } => format!("the end of {}, kept and replayed", named(task)),
        Kind::Volatile => "volatile, dropped where it would have to wait".to_owned(),
        Kind::Kept => "plain, and kept for those who come into its room later".to_owned(),
        Kind::Plain => "plain, delivered once to those who are there".to_owned(),
    };
    format!("{event} to {audience}{narrowed}: {kind}")
}

fn named(task: &TaskKey) -> String {
    match &task.run {
        Some(run) => format!("task {} run {run}", task.identity),
        None => format!("task {}", task.identity),
    }
}
