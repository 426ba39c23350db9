//! What only Unix has about processes: leaving the terminal, and watching a process end.

use std::os::fd::AsFd;
use std::time::Duration;

use crate::error::{CliError, CliResult, Kind};

/// Leaves the terminal and the session of the command that started us, so that its end is not ours.
pub fn detach() {
    // Refused to the leader of a process group: then a person started us by hand and keeps us in the terminal.
    let _ = rustix::process::setsid();
}

/// Points standard output at nothing: the pipe to the command that started us has served its purpose.
pub fn silence_stdout() -> CliResult {
    let failed = |error: &dyn std::error::Error| {
        CliError::new(Kind::Daemon, "cannot let go of standard output").because(error)
    };
    let null = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/null")
        .map_err(|error| failed(&error))?;
    rustix::stdio::dup2_stdout(null.as_fd()).map_err(|error| failed(&error))
}

/// A process that can be waited for, though it is not our child. Taken while it is known to live, it can be no other.
#[derive(Debug)]
pub struct Watch {
    #[cfg(target_os = "linux")]
    process: std::os::fd::OwnedFd,
}

/// Watches a process; `None` where the system cannot, or it has ended.
#[cfg(target_os = "linux")]
pub fn watch(pid: i32) -> Option<Watch> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    let process = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    Some(Watch { process })
}

/// Watches a process: elsewhere than on Linux, its lock has to do.
#[cfg(not(target_os = "linux"))]
pub fn watch(_pid: i32) -> Option<Watch> {
    None
}

impl Watch {
    /// Blocks until the process has ended, or for the deadline.
    #[cfg(target_os = "linux")]
    pub fn wait(&self, deadline: Duration) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let timeout = Timespec {
            tv_sec: deadline.as_secs().cast_signed(),
            tv_nsec: 0,
        };
        // Nothing more can be done about an error: the lock was free already.
        let _ = poll(
            &mut [PollFd::new(&self.process, PollFlags::IN)],
            Some(&timeout),
        );
    }

    /// Elsewhere there is nothing to wait for.
    #[cfg(not(target_os = "linux"))]
    pub fn wait(&self, _deadline: Duration) {}
}
