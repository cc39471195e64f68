//! `carillon token`: signs a token with the key of the settings.

use anyhow::anyhow;
use auth::Signer;

use crate::{
    cli::{Console, arguments::TokenArgs},
    exit::{Exit, Failure, OutputError},
    settings::Settings,
};

pub(super) fn token(
    args: &TokenArgs,
    settings: Settings,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let signing = settings.into_config()?.auth.signing;
    let Some(key) = &signing.key else {
        let hint = "set auth.key to a secret of 32 bytes or more, or to a private key (PEM)";
        return Err(Failure::usage(anyhow!("sign a token: auth.key is not set"), hint));
    };
    let signer = Signer::new(key, &signing.algorithms).map_err(|error| {
        Failure::usage(
            error,
            "auth.key must be a secret or a private key that fits auth.algorithms",
        )
    })?;
    let first = |names: Vec<String>| names.into_iter().next();
    let signer = signer.naming(first(signing.issuers), first(signing.audiences));
    let token = signer.sign(&args.user, &args.room, args.ttl);
    let token =
        token.map_err(|error| Failure::usage(error, "is auth.key the key it should be?"))?;
    writeln!(console.out, "{token}").map_err(OutputError::from)?;
    Ok(Exit::Stopped)
}
