//! The bench that the suites in `tests/` stand on: scratch folders, tokens, buses and the real programs,
//! each started for one test and gone with it.

pub mod tree;
