//! The signature algorithms of tokens (RFC 7518 §3.1), by their names.

use std::fmt;

use jsonwebtoken::{Algorithm, AlgorithmFamily};
use thiserror::Error;

use crate::key::Key;

/// All that a token may be signed with. `none` is not among them.
const ALL: [(&str, Algorithm); 12] = [
    ("HS256", Algorithm::HS256),
    ("HS384", Algorithm::HS384),
    ("HS512", Algorithm::HS512),
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// Those that are taken, in the order of the settings; none named: whatever fits the key.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Algorithms(Vec<Algorithm>);

#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[error(
    "names {0:?}, and there are HS256 to HS512, RS256 to RS512, PS256 to PS512, ES256, ES384, EdDSA"
)]
pub struct UnknownAlgorithm(String);

impl Algorithms {
    pub fn parse(names: &[String]) -> Result<Self, UnknownAlgorithm> {
        let one = |name: &String| {
            let known = ALL.iter().find(|(known, _)| known == name);
            known.map(|(_, algorithm)| *algorithm).ok_or_else(|| UnknownAlgorithm(name.clone()))
        };
        names.iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    /// Whether `key` serves one of them.
    pub fn fit(&self, key: &Key) -> bool {
        !self.of(key.family()).is_empty()
    }

    /// Those of them that a key of `family` can serve.
    pub(crate) fn of(&self, family: AlgorithmFamily) -> Vec<Algorithm> {
        let fits = |algorithm: &Algorithm| algorithm.family() == family;
        if self.0.is_empty() {
            return ALL.iter().map(|(_, algorithm)| *algorithm).filter(fits).collect();
        }
        self.0.iter().copied().filter(fits).collect()
    }
}

impl fmt::Display for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|algorithm| format!("{algorithm:?}")).collect();
        f.write_str(&names.join(", "))
    }
}
