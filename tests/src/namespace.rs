//! A test in a network and with mounts of its own, which end with it: Linux namespaces, which the
//! system must allow us (root may always).

use std::{
    env,
    io::{Write, stderr},
    process::{Command, Stdio},
};

/// Names the test that runs inside, to itself.
const INSIDE: &str = "CC_TEST_INSIDE";

/// Whether the calling test, `name`, is to go on: it is the one inside, and `setup`, a shell script,
/// has been run there. Where it is not inside yet, it is run again there, and this returns `false`
/// when that run is done; where the system does not let it, with a line that says so.
///
/// # Panics
/// Where the run inside fails.
pub fn inside(name: &str, setup: &str) -> bool {
    if env::var(INSIDE).is_ok_and(|inside| inside == name) {
        return true;
    }
    let Some(unshare) = ways().into_iter().find(|way| works(way, setup)) else {
        // Not by a macro, whose output the test harness would keep to itself.
        let _ = writeln!(
            stderr(),
            "skipped: {name}: needs root, unshare, mount and ip"
        );
        return false;
    };
    let this = env::current_exe().expect("a test knows its path");
    let script = format!("{setup}\nexec \"$0\" --exact {name} --nocapture");
    let status = command(&unshare, &script)
        .arg(this)
        .env(INSIDE, name)
        .status();
    assert!(
        status.expect("it started before").success(),
        "{name} failed inside"
    );
    false
}

/// Root needs no user namespace, and not every system has them.
fn ways() -> [Vec<&'static str>; 2] {
    [
        vec!["--mount", "--net"],
        vec!["--map-root-user", "--mount", "--net"],
    ]
}

fn works(way: &[&str], setup: &str) -> bool {
    let probe = command(way, setup)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    probe.is_ok_and(|status| status.success())
}

fn command(way: &[&str], script: &str) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(way)
        .args(["sh", "-ec", script])
        .stdin(Stdio::null());
    command
}
