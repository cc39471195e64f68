//! The module that pages may import, as it is served.

/// `/carillon.js`: a small Socket.IO client of our own, with a cursor and login handles.
pub const MODULE: &str = include_str!("../page/carillon.js");
