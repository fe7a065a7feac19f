//! Where bytes come from. A source gives a pipeline its bytes, and when the
//! pipeline's call returns they are counted: nothing after the source knows
//! which one it is.

pub mod compressed;
pub mod file;
pub mod follow;
pub mod format;
pub mod forward;
mod held;
pub mod http;
pub mod input;
pub mod intake;
mod json;
#[cfg(feature = "kafka")]
pub mod kafka;
#[allow(unsafe_code)]
mod mapped;
pub mod otlp;
mod pace;
pub mod pieces;
pub mod settings;
pub mod socket;
pub mod stdin;
pub mod stop;
mod unpack;
pub mod utf16;
