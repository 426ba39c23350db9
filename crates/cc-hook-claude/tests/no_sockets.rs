//! The hook opens no socket: it is not even linked to what could.

#![cfg(target_os = "linux")]

use std::process::Command;

/// What a process must call to speak to another machine or daemon.
const NETWORK: [&str; 6] = [
    "socket",
    "socketpair",
    "connect",
    "bind",
    "sendto",
    "getaddrinfo",
];

#[test]
fn the_program_is_linked_to_nothing_that_opens_a_socket() {
    let hook = env!("CARGO_BIN_EXE_cc-hook-claude");
    let Ok(listed) = Command::new("nm")
        .args(["-D", "--undefined-only", hook])
        .output()
    else {
        println!("skipped: nm is missing");
        return;
    };
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let called: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .filter_map(|symbol| symbol.split('@').next())
        .collect();
    assert!(called.contains(&"write"), "nm listed nothing: {listed}");
    let sockets: Vec<_> = NETWORK
        .iter()
        .filter(|name| called.contains(name))
        .collect();
    assert!(sockets.is_empty(), "it can call {sockets:?}");
}
