//! How a node stops: in the order that notices flow, so that nothing is held when its way out shuts.

use std::future::pending;

use gateway::Gateway;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    events,
    node::{RunError, Running, wiring},
    settings::Drain,
};

impl Running {
    /// Closes everything: unready first, so that no new socket is routed here; then newcomers are turned away;
    /// what takes in; sockets after their last notice; the bus when no one is left to use it. The internal port
    /// goes last, for its health answers.
    pub(super) async fn stop(self) -> Result<(), RunError> {
        let Self { readiness, door, demo, intake, sockets, bus, internal, gateway, hurry, drain } =
            self;
        let Drain { grace, delay, .. } = drain;
        readiness.withdraw();
        if let Some(gateway) = &gateway {
            gateway.withdraw(Instant::now() + wiring::sockets_grace(grace));
        }
        let mut stage = "balancer";
        let closing = async {
            // Over, or cut short by a hurry.
            drop(timeout(delay, hurry.cancelled()).await);
            if let Some(gateway) = &gateway {
                gateway.turn_newcomers_away();
            }
            stage = "intake";
            demo.close().await;
            door.close().await;
            intake.close().await;
            stage = "sockets";
            sockets.close().await;
            stage = "bus";
            bus.close().await;
            stage = "internal port";
            internal.close().await;
        };
        let closed = async {
            tokio::select! {
                () = closing => {}
                () = pass_hurry_on(&hurry, gateway.as_ref()) => {}
            }
        };
        if timeout(grace, closed).await.is_err() {
            events::overran(stage, grace);
            return Err(RunError::Overran { stage, grace });
        }
        events::stopped();
        Ok(())
    }
}

/// Never ends.
async fn pass_hurry_on(hurry: &CancellationToken, gateway: Option<&Gateway>) {
    hurry.cancelled().await;
    if let Some(gateway) = gateway {
        gateway.hurry();
    }
    pending::<()>().await;
}
