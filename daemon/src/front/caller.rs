//! Who asks.

/// Who asks, as a front has proven it. Only fronts make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    uid: u32,
    pid: Option<u32>,
    via: &'static str,
}

impl Caller {
    /// States that the peer of a connection is this user, as the kernel or the bus says.
    pub(in crate::front) fn proven(uid: u32, pid: Option<u32>, via: &'static str) -> Self {
        Self { uid, pid, via }
    }

    /// Any caller, for tests of what lies behind the fronts.
    #[cfg(test)]
    pub(crate) fn example(uid: u32) -> Self {
        Self { uid, pid: Some(1), via: "test" }
    }

    /// Its user.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// Its process, for people only: a number can be used again by another process.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// The front's name.
    #[must_use]
    pub fn via(&self) -> &'static str {
        self.via
    }
}
