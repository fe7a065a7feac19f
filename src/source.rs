//! Where bytes come from. A source reads into a pipeline's own buffer, and
//! when the pipeline's call returns, what it read is counted: nothing after
//! the source knows which one it is.

pub mod compressed;
pub mod stdin;
