//! The house rules that no compiler checks, each a test named as a sentence, over the files of the
//! tree and what `cargo metadata` says of the crates. Each rule is also shown a planted fault, so
//! that a rule which finds nothing has been seen to find something.
//!
//! May enter: names, lines and dependencies. May not enter: anything that has to be run.

mod tidy {
    mod fault;
    mod tree;

    mod arrows;
    mod chart;
    mod files;
    mod layout;
    mod links;
    mod metrics;
    mod settings;
    mod socketio;
    mod strangers;
    mod threats;
}
