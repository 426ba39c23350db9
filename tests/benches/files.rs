//! What a file costs on its way from one daemon to another, against raw iroh-blobs in the same run; exits with 1 where a
//! bound does not hold.
//!
//! ```text
//! cargo bench -p cc-tests --bench files
//! FILES_BENCH_MIB=256 FILES_BENCH_ROUNDS=5 cargo bench -p cc-tests --bench files
//! ```
//!
//! Every round moves the same fresh file twice: between two processes that do nothing but iroh-blobs, with its store on disk,
//! and between two daemons that are members of one room, from the request to the file standing under its name. Meanwhile one
//! member writes to the other, and the memory of both daemons is looked at. Which goes first changes from round to round. The
//! best throughput of each counts, as whatever else the machine does only ever takes some away; of the latencies, the
//! medians; of memory, the most. Takes up to four times the file's size below `target`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use cc_tests::files::write_random;
use cc_tests::machine::{Daemon, Machine, within};
use iroh::endpoint::{PortmapperConfig, presets};
use iroh::protocol::Router;
use iroh::{Endpoint, EndpointAddr, EndpointId, RelayMode, TransportAddr};
use iroh_blobs::api::blobs::{AddPathOptions, ExportMode, ExportOptions, ImportMode};
use iroh_blobs::store::fs::FsStore;
use iroh_blobs::{BlobFormat, BlobsProtocol, Hash};
use serde_json::json;
use tokio::sync::watch;

/// The least part of raw iroh-blobs' throughput.
const THROUGHPUT_MIN: f64 = 0.8;
/// The most memory that a daemon takes above what it took before, in MB.
const MEMORY_MB_MAX: f64 = 64.0;
/// The most times the latency of chat beside a raw transfer.
const LATENCY_MAX: f64 = 2.0;
/// How often one member writes to the other.
const CHAT_INTERVAL: Duration = Duration::from_millis(20);
/// How often the memory is looked at.
const MEMORY_INTERVAL: Duration = Duration::from_millis(20);

type AnyResult<T> = Result<T, Box<dyn std::error::Error>>;

/// What one transfer took.
struct Taken {
    seconds: f64,
    /// Of each message written meanwhile, from its sending to its arrival, in milliseconds.
    chat_ms: Vec<f64>,
    /// The most that either daemon took above idle, in MB.
    memory_mb: f64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let part = |at: usize| arguments.get(at).map_or("", String::as_str);
    let done = match part(1) {
        "raw-provide" => runtime.block_on(raw_provide(Path::new(part(2)), Path::new(part(3)))),
        "raw-fetch" => runtime.block_on(raw_fetch(part(2), part(3), part(4), Path::new(part(5)))),
        _ if arguments.iter().any(|argument| argument == "--bench") => {
            return runtime.block_on(compare());
        }
        _ => {
            println!("skipped: this measures release builds; run it with `cargo bench`");
            Ok(())
        }
    };
    done.map_or_else(
        |error| {
            eprintln!("{error}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

async fn compare() -> ExitCode {
    let bytes = number("FILES_BENCH_MIB", 1024) * 1024 * 1024;
    let rounds = number("FILES_BENCH_ROUNDS", 3);
    let (mut raw, mut ours) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a scratch folder");
        let file = scratch.path().join("file.bin");
        write_random(&file, bytes, round);
        let room = TwoMembers::meet(scratch.path()).await;
        for turn in 0..2 {
            if (turn + round) % 2 == 0 {
                let taken = room.beside(|| raw_transfer(scratch.path(), &file)).await;
                print_taken("raw iroh-blobs", bytes, &taken);
                raw.push(taken);
            } else {
                room.share(&file).await;
                let taken = room.beside(|| room.transfer()).await;
                print_taken("cc-connect", bytes, &taken);
                ours.push(taken);
            }
        }
    }
    let fastest = |of: &[Taken]| of.iter().map(|it| it.seconds).fold(f64::INFINITY, f64::min);
    let chat = |of: &[Taken]| median(of.iter().flat_map(|it| it.chat_ms.clone()).collect());
    let memory = ours.iter().map(|it| it.memory_mb).fold(0.0, f64::max);
    let throughput = fastest(&raw) / fastest(&ours);
    let latency = chat(&ours) / chat(&raw);
    println!("throughput   {throughput:.2} of raw iroh-blobs (at least {THROUGHPUT_MIN})");
    println!("memory       {memory:.1} MB above idle (at most {MEMORY_MB_MAX})");
    println!("chat latency {latency:.2} times that beside a raw transfer (at most {LATENCY_MAX})");
    if throughput >= THROUGHPUT_MIN && memory <= MEMORY_MB_MAX && latency <= LATENCY_MAX {
        ExitCode::SUCCESS
    } else {
        println!("a bound does not hold");
        ExitCode::FAILURE
    }
}

fn print_taken(what: &str, bytes: u64, taken: &Taken) {
    println!(
        "{what:<15} {:>6.0} MB/s, chat {:>6.2} ms (median of {}), memory +{:.1} MB",
        bytes as f64 / 1e6 / taken.seconds,
        median(taken.chat_ms.clone()),
        taken.chat_ms.len(),
        taken.memory_mb,
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn number(variable: &str, default: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.map_or(default, |given| given.parse().expect("a number"))
}

/// Two daemons that are members of one room.
struct TwoMembers {
    sharer: Machine,
    reader: Machine,
    daemons: [Daemon; 2],
    room: String,
}

impl TwoMembers {
    async fn meet(folder: &Path) -> Self {
        let [sharer, reader] = [(); 2].map(|()| Machine::new_in(folder));
        let daemons = [sharer.daemon().await, reader.daemon().await];
        let (room, ticket) = sharer.start_room("alice").await;
        reader.join_room(&ticket, "bob").await;
        let it = Self {
            sharer,
            reader,
            daemons,
            room,
        };
        let off = json!({"room": it.room, "auto_get": 0});
        let answer = it.reader.control().await.call("file.settings", &off).await;
        assert_eq!(answer["result"]["auto_get"], 0, "{answer}");
        it
    }

    async fn share(&self, file: &Path) {
        let mut reader = self.reader.control().await;
        reader.subscribe(&self.room).await;
        let params = json!({"room": self.room, "path": file});
        let mut control = self.sharer.control().await;
        let answer = control.call("file.share", &params).await;
        assert!(answer["result"]["file"].is_object(), "{answer}");
        within("the announcement", async {
            while reader.event().await["kind"] != "file" {}
        })
        .await;
    }

    /// From the request to the file standing under its name.
    async fn transfer(&self) -> f64 {
        let mut control = self.reader.control().await;
        let list = control.call("file.list", &json!({"room": self.room})).await;
        let file = list["result"]["files"][0]["file"].clone();
        let mut listening = self.reader.control().await;
        listening.subscribe(&self.room).await;
        let begun = Instant::now();
        let asked = control
            .call("file.get", &json!({"room": self.room, "file": file}))
            .await;
        let mut state = asked["result"]["state"].clone();
        while state != "here" {
            assert!(state != "failed" && state != "damaged", "{asked}");
            let told = listening.event().await;
            if told["file"] == file {
                state = told["state"].clone();
            }
        }
        begun.elapsed().as_secs_f64()
    }

    /// Writes from one to the other while something is moved, and looks at the daemons' memory.
    async fn beside<F: Future<Output = f64>>(&self, moved: impl FnOnce() -> F) -> Taken {
        let (done, moving) = watch::channel(());
        let idle = self.memory_mb();
        let moved = async move {
            let seconds = moved().await;
            drop(done);
            seconds
        };
        let (seconds, chat_ms, most) =
            tokio::join!(moved, self.chat(moving.clone()), self.watch_memory(moving));
        let above = most.iter().zip(idle).map(|(most, idle)| most - idle);
        Taken {
            seconds,
            chat_ms,
            memory_mb: above.fold(0.0, f64::max),
        }
    }

    /// The latency of each message written while something is moving, in milliseconds.
    async fn chat(&self, moving: watch::Receiver<()>) -> Vec<f64> {
        let mut writer = self.sharer.control().await;
        let mut listener = self.reader.control().await;
        listener.subscribe(&self.room).await;
        let mut interval = tokio::time::interval(CHAT_INTERVAL);
        let mut chat_ms = Vec::new();
        while moving.has_changed().is_ok() {
            interval.tick().await;
            let text = format!("message {}", chat_ms.len());
            let params = json!({"room": self.room, "text": text});
            let sent = Instant::now();
            let asked = writer.ask("send", &params).await;
            asked.expect("the daemon lives");
            while listener.event().await["text"] != text.as_str() {}
            chat_ms.push(sent.elapsed().as_secs_f64() * 1000.0);
            writer.line().await.expect("an answer");
        }
        chat_ms
    }

    /// The most memory of each daemon while something is moving.
    async fn watch_memory(&self, mut moving: watch::Receiver<()>) -> [f64; 2] {
        let mut most = [0.0_f64; 2];
        loop {
            for (most, now) in most.iter_mut().zip(self.memory_mb()) {
                *most = most.max(now);
            }
            let moved = tokio::time::timeout(MEMORY_INTERVAL, moving.changed());
            if moved.await.is_ok() {
                return most;
            }
        }
    }

    fn memory_mb(&self) -> [f64; 2] {
        [0, 1].map(|at: usize| resident_mb(self.daemons[at].pid()))
    }
}

fn resident_mb(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the daemon lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    kib.and_then(|kib| kib.parse().ok())
        .map_or(f64::NAN, |kib: f64| kib * 1024.0 / 1e6)
}

// --- raw iroh-blobs: two processes of this very program -----------------------------------------

/// Moves the file from a process that has it to another; gives the seconds that the second says it took.
async fn raw_transfer(scratch: &Path, file: &Path) -> f64 {
    let folder = tempfile::tempdir_in(scratch).expect("a folder");
    let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
    let mut provider = Raw::start(&["raw-provide".as_ref(), from.as_os_str(), file.as_os_str()]);
    let offer = provider.line().await;
    let mut words = offer.split_whitespace().map(str::to_owned);
    let [id, address, hash] = [(); 3].map(|()| words.next().expect("three words"));
    let arguments = ["raw-fetch", &id, &address, &hash].map(AsRef::as_ref);
    let mut fetcher = Raw::start(&[&arguments[..], &[to.as_os_str()]].concat());
    fetcher.line().await.parse().expect("seconds")
}

/// One of the processes; ends with the value.
struct Raw {
    child: Child,
    lines: Option<BufReader<std::process::ChildStdout>>,
}

impl Raw {
    fn start(arguments: &[&std::ffi::OsStr]) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("its path"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = child.stdout.take().map(BufReader::new);
        Self { child, lines }
    }

    async fn line(&mut self) -> String {
        let mut lines = self.lines.take().expect("one line each");
        let read = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            lines.read_line(&mut line).expect("a line");
            (line, lines)
        });
        let (line, lines) = read.await.expect("a line");
        self.lines = Some(lines);
        line.trim().to_owned()
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

async fn endpoint() -> AnyResult<Endpoint> {
    Ok(Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Disabled)
        .portmapper_config(PortmapperConfig::Disabled)
        .clear_ip_transports()
        .bind_addr("127.0.0.1:0")?
        .bind()
        .await?)
}

/// Offers the file, says where, and ends with its standard input.
async fn raw_provide(store: &Path, file: &Path) -> AnyResult<()> {
    let store = FsStore::load(store).await?;
    let tag = store
        .blobs()
        .add_path_with_opts(AddPathOptions {
            path: file.to_owned(),
            format: BlobFormat::Raw,
            mode: ImportMode::TryReference,
        })
        .await?;
    let endpoint = endpoint().await?;
    let router = Router::builder(endpoint.clone())
        .accept(iroh_blobs::ALPN, BlobsProtocol::new(&store, None))
        .spawn();
    let address = endpoint.addr().ip_addrs().next().copied();
    let address = address.ok_or("no address")?;
    println!("{} {address} {}", endpoint.id(), tag.hash);
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    router.shutdown().await?;
    Ok(())
}

/// Fetches the file, puts it under a name, and says how many seconds that took.
async fn raw_fetch(id: &str, address: &str, hash: &str, store: &Path) -> AnyResult<()> {
    let (id, address): (EndpointId, SocketAddr) = (id.parse()?, address.parse()?);
    let hash: Hash = hash.parse()?;
    let target = store.join("file.bin");
    let store = FsStore::load(store).await?;
    let endpoint = endpoint().await?;
    let begun = Instant::now();
    let at = EndpointAddr::from_parts(id, [TransportAddr::Ip(address)]);
    let connection = endpoint.connect(at, iroh_blobs::ALPN).await?;
    store.remote().fetch(connection, hash).await?;
    store
        .blobs()
        .export_with_opts(ExportOptions {
            hash,
            mode: ExportMode::TryReference,
            target,
        })
        .await?;
    println!("{}", begun.elapsed().as_secs_f64());
    store.shutdown().await?;
    Ok(())
}
