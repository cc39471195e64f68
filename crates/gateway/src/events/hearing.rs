//! A node that hears less than the others.

use super::Events;

impl Events {
    pub(crate) fn deaf(&self, is_deaf: bool) {
        self.deaf.set(i64::from(is_deaf));
        if is_deaf {
            tracing::error!(
                "hears nothing of the bus while another node does, and takes no newcomers"
            );
        } else {
            tracing::info!("hears the bus again, and takes newcomers");
        }
    }
}
