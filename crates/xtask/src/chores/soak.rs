//! `cargo xtask soak`: the tests that are too long for every change, and the whole suite again and
//! again, since a fault of timing shows itself once in many rounds.

use crate::{
    chores::{cargo_test, chaos, clients, deploy},
    failure::Failure,
    step::Step,
    workshop::Workshop,
};

pub(crate) const SOAK: &[Step] = &[
    Step { name: "long", claim: "the ignored tests with soak in their name pass", run: long },
    Step { name: "clients", claim: "the long tests of the clients pass", run: long_clients },
    Step {
        name: "alarms",
        claim: "the alert that is meant rings and falls quiet, and no other",
        run: deploy::alarms,
    },
    Step { name: "chaos", claim: "nothing is lost, whatever the seed", run: chaos::soak },
    Step { name: "rounds", claim: "the suite passes every time, not only once", run: rounds },
];

fn long(shop: &mut Workshop) -> Result<(), Failure> {
    cargo_test(&["--", "--ignored", "soak"], shop)
}

fn long_clients(shop: &mut Workshop) -> Result<(), Failure> {
    let suite = clients::suite(clients::SOAKS)?;
    if suite.is_empty() {
        shop.say("the clients have no *.soak.mjs");
        return Ok(());
    }
    clients::run(&suite, shop)
}

fn rounds(shop: &mut Workshop) -> Result<(), Failure> {
    let suite = clients::suite(clients::TESTS)?;
    for round in 1..=shop.rounds {
        shop.say(&format!("\nround {round} of {}", shop.rounds));
        cargo_test(&["--lib", "--bins", "--tests"], shop)?;
        if !suite.is_empty() {
            clients::run(&suite, shop)?;
        }
    }
    Ok(())
}
