//! Paths that are judged, without a room.

use std::os::unix::fs::symlink;

use super::*;

fn person(path: &Path) -> Request {
    Request {
        path: path.to_owned(),
        within: None,
        is_agent: false,
        force: false,
    }
}

struct Place {
    _dir: tempfile::TempDir,
    top: PathBuf,
    home: PathBuf,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().canonicalize().unwrap();
    let home = top.join("cc");
    for folder in ["cc/rooms", ".aws", "x", "trip/photos"] {
        fs::create_dir_all(top.join(folder)).unwrap();
    }
    for (name, text) in [
        (".aws/credentials", "none"),
        ("notes.txt", "hello"),
        ("trip/plan.md", "plan"),
        ("cc/identity.key", "k"),
    ] {
        fs::write(top.join(name), text).unwrap();
    }
    Place {
        _dir: dir,
        top,
        home,
    }
}

#[test]
fn neither_dots_nor_links_lead_to_a_credential() {
    let Place { _dir, top, home } = place();
    symlink(top.join(".aws/credentials"), top.join("x/list.txt")).unwrap();
    symlink(top.join(".aws"), top.join("x/folder")).unwrap();
    symlink(top.join("notes.txt"), top.join(".aws/harmless.txt")).unwrap();
    for path in [
        ".aws/credentials",
        "x/../.aws/credentials",
        "x/list.txt",
        "x/folder",
        "x/folder/credentials",
        ".aws/harmless.txt",
        ".aws",
    ] {
        let refused = check(person(&top.join(path)), &home).unwrap_err();
        assert_eq!(refused.code, code::CREDENTIAL, "{path}: {refused:?}");
        let hint = refused.hint.unwrap();
        assert!(hint.contains("cc-connect share --force /"), "{hint}");
        let forced = Request {
            force: true,
            ..person(&top.join(path))
        };
        check(forced, &home).unwrap();
    }
    check(person(&top.join("x/../notes.txt")), &home).unwrap();
}

#[test]
fn what_is_really_there_is_named() {
    let Place { _dir, top, home } = place();
    fs::create_dir(top.join(".ssh")).unwrap();
    let said = |path: &str| {
        let refused = check(person(&top.join(path)), &home).unwrap_err();
        assert_eq!(refused.code, code::CREDENTIAL, "{refused:?}");
        refused.message
    };
    let there = top.join(".aws/credentials").display().to_string();
    for path in ["x/../.ssh/../.aws/credentials", ".ssh/../.aws/credentials"] {
        let said = said(path);
        let end = format!(" is {there}, which looks like keys of AWS, and was not shared");
        assert!(said.ends_with(&end), "{said}");
    }
    let ends = [
        ("x/../.aws/credentials", "keys of AWS"),
        // Nothing is there that looks like any, and it was typed so.
        (".ssh/../notes.txt", "keys of ssh"),
    ];
    for (path, what) in ends {
        let end = format!("{path} looks like {what}, and was not shared");
        let said = said(path);
        assert!(said.ends_with(&end), "{said}");
    }
}

#[test]
fn a_folder_is_refused_for_what_lies_in_it_and_says_which() {
    let Place { _dir, top, home } = place();
    check(person(&top.join("trip")), &home).unwrap();
    for name in ["photos/.env", "a.pem", "b.key"] {
        fs::write(top.join("trip").join(name), "x").unwrap();
    }
    let refused = check(person(&top.join("trip")), &home).unwrap_err();
    assert_eq!(refused.code, code::CREDENTIAL);
    assert!(
        refused.message.ends_with(": a.pem, b.key, photos/.env"),
        "{}",
        refused.message
    );
}

#[test]
fn our_own_home_is_never_shared_but_what_a_room_brought_is() {
    let Place { _dir, top, home } = place();
    let brought = home.join("rooms/00/files/0123456789abcdef");
    fs::create_dir_all(&brought).unwrap();
    fs::write(brought.join("a.txt"), "x").unwrap();
    symlink(home.join("identity.key"), top.join("x/me.txt")).unwrap();
    for path in [
        "cc/identity.key",
        "cc",
        "cc/rooms/00/files",
        ".",
        "x/me.txt",
    ] {
        for force in [false, true] {
            let request = Request {
                force,
                ..person(&top.join(path))
            };
            let refused = check(request, &home).unwrap_err();
            assert_eq!(refused.code, code::CREDENTIAL, "{path}");
            assert!(!refused.hint.unwrap().contains("--force"), "{path}");
        }
    }
    check(person(&brought.join("a.txt")), &home).unwrap();
}

#[test]
fn what_is_no_file_is_refused_without_being_opened() {
    let Place { _dir, top, home } = place();
    let pipe = top.join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let socket = top.join("socket");
    let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let paths = [
        &pipe,
        &socket,
        &top.join("none"),
        Path::new("/dev/zero"),
        Path::new("/proc/self/environ"),
    ];
    for path in paths {
        let refused = check(person(path), &home).unwrap_err();
        assert_eq!(refused.code, code::UNREADABLE, "{}", path.display());
    }
    let refused = check(person(Path::new("notes.txt")), &home).unwrap_err();
    assert_eq!(refused.code, code::INVALID_PARAMS);
}

#[test]
fn an_agent_shares_from_its_folder_only() {
    let Place { _dir, top, home } = place();
    // Outside of the folders for temporary files, wherever this is built.
    let outside = fs::canonicalize("/bin/sh").unwrap();
    symlink(&outside, top.join("x/link.toml")).unwrap();
    let agent = |path: &Path, within: Option<&Path>| Request {
        within: within.map(Path::to_owned),
        is_agent: true,
        ..person(path)
    };
    check(agent(&top.join("notes.txt"), None), &home).unwrap();
    check(agent(&outside, outside.parent()), &home).unwrap();
    for path in [&outside, &top.join("x/link.toml")] {
        let refused = check(agent(path, Some(&top)), &home).unwrap_err();
        assert_eq!(refused.code, code::OUTSIDE);
    }
    for (name, of) in [("other", "x.txt"), (".cc-connect", "deep/x.txt")] {
        let folder = top.join(name);
        fs::create_dir_all(folder.join("rooms")).unwrap();
        fs::create_dir_all(folder.join("deep")).unwrap();
        fs::write(folder.join(of), "x").unwrap();
        if name == "other" {
            check(agent(&folder.join(of), None), &home).unwrap();
            fs::write(folder.join("identity"), "x").unwrap();
        }
        let refused = check(agent(&folder.join(of), None), &home).unwrap_err();
        assert_eq!(refused.code, code::OUTSIDE, "{name}");
    }
    let refused = check(agent(&top.join(".aws"), Some(&top)), &home).unwrap_err();
    assert!(refused.hint.unwrap().starts_with("leave it out"));
}

#[test]
fn a_path_in_a_hint_can_be_typed_again() {
    assert_eq!(quoted(Path::new("/a/b.txt")), "/a/b.txt");
    assert_eq!(quoted(Path::new("/a b/c'd")), r"'/a b/c'\''d'");
}
