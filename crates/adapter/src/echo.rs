//! Whether a node hears on the bus what it sends to itself: the road that every notice to it has to go.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// How often in a row nothing may come back: after the first time the road is built anew.
const SILENT_MAX: u32 = 2;

/// What came back lately. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Echo(Arc<AtomicU32>);

impl Echo {
    /// Whether nothing came back several times in a row though the store answers. The bus in memory always
    /// hears.
    pub fn is_silent(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= SILENT_MAX
    }

    /// It came back, or nothing can be said of it.
    pub(crate) fn came(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    pub(crate) fn stayed_out(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Echo;

    #[test]
    fn one_that_stays_out_proves_nothing_and_one_that_comes_ends_the_silence() {
        let echo = Echo::default();
        echo.stayed_out();
        assert!(!echo.is_silent());
        echo.stayed_out();
        assert!(echo.is_silent());
        echo.came();
        assert!(!echo.is_silent());
    }
}
