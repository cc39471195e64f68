//! `carillon dead`: what no node could use, looked through, handed in again, let go.
//!
//! Promise: what a letter holds is shown to a person without what would move their terminal.

mod letters;
mod shown;

use ingest::Which;

use self::letters::{Address, Letters};
use crate::{
    cli::{
        Console,
        arguments::{DeadCommand, DeadList, DeadWhich},
        block_on,
    },
    exit::{Exit, Failure},
};

/// Letters asked for at once.
const PAGE_LEN: usize = 100;

pub(super) fn dead(command: DeadCommand, console: &mut Console<'_>) -> Result<Exit, Failure> {
    match command {
        DeadCommand::List(args) => list(args, console),
        DeadCommand::Replay(args) => change(args, "replay", "replayed", console),
        DeadCommand::Drop(args) => change(args, "drop", "dropped", console),
    }
}

fn list(args: DeadList, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let address = Address::read(args.at, console)?;
    block_on(async {
        let letters = address.connect().await?;
        let (mut before, mut left) = (args.before.map(|id| id.to_string()), args.limit);
        while left > 0 {
            let asked = left.min(PAGE_LEN);
            let page = letters.page(before.as_deref(), asked).await?;
            shown::page(&page, before.is_none(), console)?;
            left -= page.len().min(left);
            if page.len() < asked {
                letters.close().await;
                return Ok(Exit::Stopped);
            }
            before = page.last().map(|letter| letter.id.clone());
        }
        letters.close().await;
        if let (true, Some(id)) = (console.out_watched, before) {
            writeln!(console.err, "hint: there may be older ones: --before {id}")?;
        }
        Ok(Exit::Stopped)
    })
}

fn change(
    args: DeadWhich,
    verb: &'static str,
    done: &str,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let address = Address::read(args.at, console)?;
    // The arguments' group sees to it that one of both is given.
    let which = args.which.id.map_or(Which::All, Which::One);
    let len = block_on(async {
        let letters: Letters = address.connect().await?;
        let len = letters.change(verb, which).await?;
        letters.close().await;
        Ok(len)
    })?;
    writeln!(console.out, "{done} {len}")?;
    Ok(Exit::Stopped)
}
