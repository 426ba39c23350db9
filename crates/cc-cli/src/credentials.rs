//! Which files are credentials by where they are and what they are called. What is in them is the part of [`crate::secrets`].
//!
//! A path is judged twice by whoever shares it: as it was typed, and as it is once links and `..` are followed. Neither
//! alone suffices: `notes.txt` may be a link to a key, and `.ssh/notes.txt` a link to notes.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use cc_proto::files::FILES_DIR;

/// Folders in which everything is taken for a credential, in lower case; of several names where one alone says too little.
const FOLDERS: &[(&[&str], &str)] = &[
    (&[".ssh"], "keys of ssh"),
    (&[".aws"], "keys of AWS"),
    (&[".azure"], "keys of Azure"),
    (&[".config", "gcloud"], "keys of Google Cloud"),
    (&[".gnupg"], "keys of GnuPG"),
    (&[".kube"], "keys of Kubernetes"),
    (&[".password-store"], "passwords"),
    (&[".config", "gh"], "tokens of GitHub"),
    (&[".config", "op"], "passwords"),
    (&[".config", "sops"], "keys of sops"),
    (&[".local", "share", "keyrings"], "passwords"),
    (&["library", "keychains"], "passwords"),
    (&[".mozilla"], "a browser's passwords"),
    (&[".terraform.d"], "tokens of Terraform"),
    (&[".vault-token"], "a token of Vault"),
];

/// A home of cc-connect, in which are a key and what was said.
const HOME: &str = ".cc-connect";

/// Names of files, in lower case.
const NAMES: &[(&str, &str)] = &[
    (".netrc", "passwords of hosts"),
    ("_netrc", "passwords of hosts"),
    (".npmrc", "tokens of npm"),
    (".yarnrc.yml", "tokens of yarn"),
    (".pypirc", "passwords of PyPI"),
    (".env", "an environment with its secrets"),
    (".envrc", "an environment with its secrets"),
    (".git-credentials", "passwords of git"),
    (".pgpass", "passwords of PostgreSQL"),
    (".my.cnf", "passwords of MySQL"),
    (".htpasswd", "passwords of a web server"),
    (".s3cfg", "keys of S3"),
    (".boto", "keys of a cloud"),
    (".dockercfg", "passwords of Docker"),
    ("wallet.dat", "a wallet"),
    ("shadow", "passwords of this machine"),
    ("gshadow", "passwords of this machine"),
    ("master.passwd", "passwords of this machine"),
    ("logins.json", "a browser's passwords"),
    ("key4.db", "a browser's passwords"),
    ("login data", "a browser's passwords"),
    ("login data for account", "a browser's passwords"),
    ("cookies", "a browser's sessions"),
    ("cookies.sqlite", "a browser's sessions"),
    (
        "terraform.tfstate",
        "the state of Terraform, with its secrets",
    ),
];

/// Beginnings of names, in lower case. A public key, which ends in `.pub`, is none of them.
const BEGINNINGS: &[(&str, &str)] = &[
    (".env.", "an environment with its secrets"),
    ("id_rsa", "a private key"),
    ("id_dsa", "a private key"),
    ("id_ecdsa", "a private key"),
    ("id_ed25519", "a private key"),
    ("credentials", "credentials"),
    (".credentials", "credentials"),
    ("client_secret", "credentials"),
    ("service-account", "credentials"),
    ("service_account", "credentials"),
    ("secrets.", "secrets"),
];

/// Endings of names, in lower case.
const ENDINGS: &[(&str, &str)] = &[("_history", "commands, with what was typed in them")];

/// Extensions, in lower case.
const EXTENSIONS: &[(&str, &str)] = &[
    ("env", "an environment with its secrets"),
    ("pem", "a key or certificate"),
    ("key", "a private key"),
    ("p8", "a private key"),
    ("p12", "a private key"),
    ("pfx", "a private key"),
    ("ppk", "a private key"),
    ("jks", "a private key"),
    ("keystore", "a private key"),
    ("agekey", "a private key"),
    ("kdbx", "a password safe"),
    ("kdb", "a password safe"),
    ("keychain", "a password safe"),
    ("keychain-db", "a password safe"),
    ("ovpn", "a key of a VPN"),
    ("tfvars", "variables of Terraform, with their secrets"),
];

/// What people hand on in place of an environment: names without values.
const SAMPLES: &[&str] = &["example", "sample", "template", "dist"];

/// What kind of credential a path seems to be: `keys of ssh`. A net, not a wall, as all such lists are.
///
/// Case is not looked at: on many systems `.SSH` is `.ssh`.
pub fn of_path(path: &Path) -> Option<&'static str> {
    let parts: Vec<String> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(lower(name)),
            _ => None,
        })
        .collect();
    let in_folder = FOLDERS.iter().find(|(folder, _)| {
        parts
            .windows(folder.len())
            .any(|parts| parts.iter().eq(folder.iter()))
    });
    if let Some((_, what)) = in_folder {
        return Some(what);
    }
    let home = parts.iter().position(|part| part == HOME);
    if let Some(home) = home
        && !is_brought(&parts[home + 1..].iter().collect::<PathBuf>())
    {
        return Some("a key of cc-connect");
    }
    let docker = parts
        .windows(2)
        .any(|parts| parts == [".docker", "config.json"]);
    if docker {
        return Some("passwords of Docker");
    }
    of_name(parts.last()?)
}

/// Whether a path below a home of cc-connect is of a file that a room brought there.
pub fn is_brought(inside: &Path) -> bool {
    let parts: Vec<_> = inside.iter().collect();
    matches!(parts.as_slice(), [rooms, _, files, place, _, ..]
        if *rooms == "rooms" && *files == FILES_DIR
            && place.len() == 16 && place.to_string_lossy().bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn of_name(name: &str) -> Option<&'static str> {
    let of = |list: &[(&'static str, &'static str)], is: &dyn Fn(&str) -> bool| {
        list.iter()
            .find(|(word, _)| is(word))
            .map(|(_, what)| *what)
    };
    if let Some(what) = of(NAMES, &|word| name == word) {
        return Some(what);
    }
    if let Some(what) = of(ENDINGS, &|word| name.ends_with(word)) {
        return Some(what);
    }
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    if extension == "env" && SAMPLES.contains(&stem) {
        return None;
    }
    let is_sample = name.starts_with(".env.") && SAMPLES.contains(&extension);
    if !is_sample
        && extension != "pub"
        && let Some(what) = of(BEGINNINGS, &|word| name.starts_with(word))
    {
        return Some(what);
    }
    of(EXTENSIONS, &|word| {
        extension == word && name.len() > word.len()
    })
}

fn lower(name: &OsStr) -> String {
    name.to_string_lossy().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_known_by_their_paths() {
        for path in [
            "/home/a/.ssh/known_hosts",
            "/home/a/.SSH/config",
            "/home/a/.aws",
            "/home/a/x/../.aws/credentials",
            "../.aws/credentials",
            "/home/a/.gnupg/pubring.kbx",
            "/home/a/.kube/config",
            "/home/a/.docker/config.json",
            "/home/a/.config/gcloud/x.db",
            "/home/a/.netrc",
            "/home/a/.npmrc",
            "/home/a/.pypirc",
            "/home/a/p/.env",
            "/home/a/p/.env.production",
            "/home/a/p/.envrc",
            "/tmp/id_rsa",
            "/tmp/id_rsa.old",
            "/tmp/id_ed25519_work",
            "/tmp/server.pem",
            "/tmp/Server.KEY",
            "/tmp/a.p12",
            "/tmp/safe.kdbx",
            "/tmp/credentials",
            "/tmp/credentials.json",
            "/tmp/Credentials-2.csv",
            "/tmp/secrets.yaml",
            "/etc/shadow",
            "/srv/terraform.tfstate",
            "/home/a/.psql_history",
            "/home/a/.bash_history",
            "/srv/prod.env",
            "/home/a/.config/chromium/Default/Cookies",
            "/home/a/.config/chromium/Default/Login Data",
            "/tmp/cookies.sqlite",
            "/tmp/key4.db",
            "/tmp/logins.json",
            "/home/a/.cc-connect/identity",
            "/home/a/.cc-connect",
            "/home/b/.CC-Connect/rooms/00/log.jsonl",
            "/home/a/.cc-connect/rooms/00/files/0123456789abcdef/.env",
        ] {
            assert!(of_path(Path::new(path)).is_some(), "{path}");
        }
    }

    #[test]
    fn ordinary_files_are_none() {
        for path in [
            "/home/a/design.svg",
            "/home/a/ssh/notes.txt",
            "/home/a/notes.ssh.txt",
            "/home/a/.docker/notes.md",
            "/home/a/.config/nvim/init.lua",
            "/home/a/p/.env.example",
            "/home/a/p/example.env",
            "/home/a/p/history.md",
            "/home/a/p/cookies.ts",
            "/home/a/p/environment.yml",
            "/tmp/id_rsa.pub",
            "/tmp/id_ed25519.pub",
            "/tmp/key",
            "/tmp/monkey",
            "/tmp/keynote.pdf",
            "/tmp/pem",
            "/tmp/my-credentials-talk.md",
            "/tmp/secrets",
            "/home/a/.cc-connect/rooms/00/files/0123456789abcdef/a.txt",
            "/home/a/cc-connect/README.md",
            "/",
            "",
            "..",
        ] {
            assert_eq!(of_path(Path::new(path)), None, "{path}");
        }
    }
}
