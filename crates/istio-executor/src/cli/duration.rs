//! Durations, as flags have them.

pub(super) use crate::duration::duration;
