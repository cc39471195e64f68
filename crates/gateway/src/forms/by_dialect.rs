//! One message as each kind of client reads it, encoded when the first of that kind needs it and shared by all
//! others.

use std::sync::{Arc, OnceLock};

use crate::{encoded::Encoded, engine::Dialect};

#[derive(Debug, Default)]
pub(crate) struct ByDialect {
    socketio: OnceLock<Arc<Encoded>>,
    plain: OnceLock<Arc<Encoded>>,
    stream: OnceLock<Arc<Encoded>>,
}

impl ByDialect {
    pub(crate) fn get(
        &self,
        dialect: Dialect,
        encode: impl FnOnce() -> Arc<Encoded>,
    ) -> &Arc<Encoded> {
        let form = match dialect {
            Dialect::Engine3 { .. } | Dialect::Engine4 => &self.socketio,
            Dialect::PlainWebSocket => &self.plain,
            Dialect::EventStream => &self.stream,
        };
        form.get_or_init(encode)
    }
}
