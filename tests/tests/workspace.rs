//! The rules on who may depend on whom, held against what cargo resolves.
//!
//! They keep the boundaries true: the core pure, hooks small enough to start on every prompt, the
//! transport known to two crates only.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Which of our crates each may name as a dependency. Absent: no rule (`cc-tests` takes all).
const OURS: &[(&str, &[&str])] = &[
    ("cc-proto", &[]),
    ("cc-log", &["cc-proto"]),
    ("cc-net", &["cc-proto", "cc-log"]),
    ("cc-hook-generic", &["cc-proto", "cc-log"]),
    ("cc-hook-claude", &["cc-hook-generic"]),
    ("cc-adapter-kit", &["cc-proto", "cc-log", "cc-hook-generic"]),
    ("cc-examples", &["cc-proto", "cc-log", "cc-net"]),
    (
        "cc-cli",
        &[
            "cc-proto",
            "cc-log",
            "cc-net",
            "cc-hook-generic",
            "cc-hook-claude",
            "cc-adapter-kit",
        ],
    ),
];

/// The crates that may name the transport.
const NAME_IROH: &[&str] = &["cc-net", "cc-cli"];

/// What must not be linked, not even by a detour: a core without sockets, threads of its own or
/// randomness, and hooks that start no runtime.
const NEVER_LINKED: &[(&str, &[&str])] = &[
    ("cc-proto", &["tokio", "iroh", "getrandom", "rand"]),
    ("cc-log", &["tokio", "iroh"]),
    ("cc-hook-generic", &["tokio", "iroh"]),
    ("cc-hook-claude", &["tokio", "iroh"]),
    ("cc-adapter-kit", &["tokio", "iroh"]),
];

/// Two versions of these would be two kinds of keys and signatures that do not fit each other.
const ONE_VERSION: &[&str] = &["iroh", "iroh-base", "iroh-gossip", "ed25519-dalek"];

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// A change that the rules forbid.
type Breach = fn(&mut Graph);

/// What the rules are about: who names whom, in which versions, from where.
#[derive(Debug, Clone, Default)]
struct Graph {
    /// The workspace's own packages.
    members: BTreeSet<String>,
    /// Package name to the names of its dependencies for building and running.
    edges: BTreeMap<String, BTreeSet<String>>,
    /// Package name to all resolved versions.
    versions: BTreeMap<String, BTreeSet<String>>,
    /// Packages from anywhere but the registry, with where from, without the members.
    foreign: Vec<String>,
    /// The manifests that hold a `[patch]` or `[replace]` table.
    patched: Vec<PathBuf>,
}

#[test]
fn the_workspace_keeps_its_dependency_rules() {
    assert_eq!(violations(&Graph::of_workspace()), Vec::<String>::new());
}

#[test]
fn each_rule_can_be_broken() {
    let whole = Graph::of_workspace();
    let cases: &[(Breach, &str)] = &[
        (|g| g.link("cc-proto", "cc-log"), "cc-proto names cc-log"),
        (|g| g.link("cc-log", "cc-net"), "cc-log names cc-net"),
        (
            |g| g.link("cc-hook-claude", "cc-proto"),
            "cc-hook-claude names cc-proto",
        ),
        (
            |g| g.link("cc-net", "cc-hook-claude"),
            "cc-net names cc-hook-claude",
        ),
        (|g| g.link("cc-log", "iroh"), "cc-log names iroh"),
        (
            |g| g.link("cc-hook-generic", "iroh-base"),
            "cc-hook-generic names iroh-base",
        ),
        (
            |g| g.link("serde_json", "tokio"),
            "cc-hook-claude links tokio",
        ),
        (
            |g| g.link("blake3", "getrandom"),
            "cc-proto links getrandom",
        ),
        (|g| g.version("iroh", "0.9.0"), "2 versions of iroh:"),
        (
            |g| g.version("ed25519-dalek", "1.0.0"),
            "2 versions of ed25519-dalek:",
        ),
        (
            |g| drop(g.versions.remove("ed25519-dalek")),
            "0 versions of ed25519-dalek:",
        ),
        (
            |g| g.foreign.push("x from git+https://example.org/x".into()),
            "not from the registry: x from git",
        ),
        (
            |g| g.patched.push("Cargo.toml".into()),
            "patched: Cargo.toml",
        ),
        (
            |g| g.members.extend(["cc-new".into()]),
            "cc-new has no rule",
        ),
    ];
    for (break_it, expected) in cases {
        let mut graph = whole.clone();
        break_it(&mut graph);
        let found = violations(&graph);
        let named = found.iter().any(|violation| violation.contains(expected));
        assert!(named, "{expected:?} is not among {found:?}");
    }
}

/// Every breach of a rule, in words.
fn violations(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for member in &graph.members {
        let rule = OURS.iter().find(|(name, _)| name == member);
        match rule {
            Some((_, allowed)) => found.extend(misnamed(graph, member, allowed)),
            None if member == "cc-tests" => {}
            None => found.push(format!("{member} has no rule here")),
        }
    }
    for (member, forbidden) in NEVER_LINKED {
        let closure = graph.closure(member);
        let linked = forbidden.iter().filter(|name| closure.contains(**name));
        found.extend(linked.map(|name| format!("{member} links {name}")));
    }
    for name in ONE_VERSION {
        let versions = graph.versions.get(*name).cloned().unwrap_or_default();
        if versions.len() != 1 {
            found.push(format!(
                "{} versions of {name}: {versions:?}",
                versions.len()
            ));
        }
    }
    let foreign = graph.foreign.iter();
    found.extend(foreign.map(|package| format!("not from the registry: {package}")));
    let patched = graph.patched.iter();
    found.extend(patched.map(|manifest| format!("patched: {}", manifest.display())));
    found
}

/// What one of our crates names and may not.
fn misnamed(graph: &Graph, member: &str, allowed: &[&str]) -> Vec<String> {
    let may_name = |name: &str| {
        if graph.members.contains(name) {
            allowed.contains(&name)
        } else {
            !name.starts_with("iroh") || NAME_IROH.contains(&member)
        }
    };
    let named = graph.edges.get(member).into_iter().flatten();
    let misnamed = named.filter(|name| !may_name(name));
    misnamed
        .map(|name| format!("{member} names {name}"))
        .collect()
}

impl Graph {
    fn of_workspace() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            // Without a platform, cargo would fetch what only other systems need.
            .other_options([format!("--filter-platform={}", host())])
            .exec()
            .expect("cargo metadata of this workspace");
        let mut graph = Self::default();
        for package in &metadata.packages {
            let (name, version) = (package.name.to_string(), package.version.to_string());
            graph.version(&name, &version);
            if metadata.workspace_members.contains(&package.id) {
                graph.members.insert(name);
                let manifest = package.manifest_path.as_std_path();
                graph.patched.extend(patched(manifest));
            } else if package
                .source
                .as_ref()
                .is_none_or(|from| from.repr != REGISTRY)
            {
                graph
                    .foreign
                    .push(format!("{name} from {:?}", package.source));
            }
        }
        graph.patched.extend(patched(&root.join("Cargo.toml")));
        for (from, to) in edges(&metadata) {
            graph.link(&from, &to);
        }
        graph
    }

    fn link(&mut self, from: &str, to: &str) {
        let edges = self.edges.entry(from.to_owned()).or_default();
        edges.insert(to.to_owned());
    }

    fn version(&mut self, name: &str, version: &str) {
        let versions = self.versions.entry(name.to_owned()).or_default();
        versions.insert(version.to_owned());
    }

    /// All that a package brings with it. By name, not version: a clash makes the rules stricter.
    fn closure(&self, root: &str) -> BTreeSet<&str> {
        let mut closure = BTreeSet::new();
        let mut open = vec![root];
        while let Some(name) = open.pop() {
            for next in self.edges.get(name).into_iter().flatten() {
                if closure.insert(next.as_str()) {
                    open.push(next);
                }
            }
        }
        closure
    }
}

/// Who depends on whom, other than for its own tests.
fn edges(metadata: &Metadata) -> Vec<(String, String)> {
    let name = |id: &PackageId| metadata[id].name.to_string();
    let resolve = metadata.resolve.as_ref().expect("cargo resolves");
    let mut edges = Vec::new();
    for node in &resolve.nodes {
        for dependency in &node.deps {
            let mut kinds = dependency.dep_kinds.iter();
            if kinds.any(|kind| kind.kind != DependencyKind::Development) {
                edges.push((name(&node.id), name(&dependency.pkg)));
            }
        }
    }
    edges
}

fn patched(manifest: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(manifest).expect("a member's manifest");
    let mut lines = text.lines().map(str::trim_start);
    let patches = lines.any(|line| line.starts_with("[patch") || line.starts_with("[replace"));
    patches.then(|| manifest.to_owned())
}

/// The platform that the tests run on, as cargo names it.
fn host() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let output = Command::new(rustc).args(["--print", "host-tuple"]).output();
    let output = output.expect("rustc starts").stdout;
    String::from_utf8(output).expect("a name").trim().to_owned()
}
