//! Questions to the daemon, one after the other, and the commands, beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cc_hook_generic::pause::Pause;
use cc_proto::id::{AuthorId, RoomId};
use cc_proto::text::{clean_line, clean_nick, clean_text};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::chat::app::Told;
use crate::chat::slash::{self, Reply, Slash};
use crate::chat::types::{FileCard, Marks, Member};
use crate::client::Client;
use crate::commands::invite;
use crate::error::{CliError, CliResult, Kind};
use crate::home::Home;
use crate::launch;
use crate::rooms;
use crate::rpc::{
    FileInfo, FileList, FileListParams, HeldList, InviteList, People, Person, ReceiptsParams,
    ReceiptsResult, RoomParams,
};
use crate::when;

/// Commands that are carried out at once.
const RUNS_MAX: usize = 16;
/// Files whose state is asked for at once.
const FILES_MAX: u32 = 200;
/// How long a daemon may take to answer such a question.
const ANSWER_DEADLINE: Duration = Duration::from_secs(20);
/// The longest name of an agent that is shown, in characters.
const AGENT_CHARS_MAX: usize = 64;

/// What is asked.
#[derive(Debug)]
pub enum Call {
    /// How far messages have come.
    Receipts {
        /// The room's id.
        room: String,
        /// The line before the first.
        after: u64,
        /// The last.
        through: u64,
    },
    /// Who belongs to a room.
    Members(String),
    /// How the newest files of a room are.
    Files(String),
    /// How the files are that were announced in these lines of a room.
    FilesOf {
        /// The room's id.
        room: String,
        /// The first line.
        first: u64,
        /// The last line.
        last: u64,
    },
    /// Something happened to a file: the room, and what the event says.
    FileEvent(String, Value),
    /// What waits for our yes.
    Held,
    /// Which invites of a room are open.
    Invites(String),
    /// Where agents are told nothing.
    Paused,
    /// Carry a command out.
    Run {
        /// The room that it is about, where it names no other.
        room: String,
        /// The command.
        slash: Box<Slash>,
    },
    /// Give up the commands that run.
    StopRuns,
}

/// Who asks.
pub struct Calls {
    home: Home,
    told: mpsc::Sender<Told>,
    client: Option<Client>,
    /// Names by room and key, as `room.members` told them.
    names: BTreeMap<String, BTreeMap<String, String>>,
    /// Agents by room and member, as receipts told them.
    agents: BTreeMap<(String, String), BTreeSet<String>>,
    runs: JoinSet<Told>,
    /// Given up with this.
    given_up: CancellationToken,
}

impl Calls {
    /// One that has asked nothing yet.
    pub fn new(home: Home, told: mpsc::Sender<Told>) -> Self {
        Self {
            home,
            told,
            client: None,
            names: BTreeMap::new(),
            agents: BTreeMap::new(),
            runs: JoinSet::new(),
            given_up: CancellationToken::new(),
        }
    }

    /// Asks what comes, until it is dropped.
    pub async fn run(mut self, mut calls: mpsc::Receiver<Call>) {
        loop {
            tokio::select! {
                call = calls.recv() => match call {
                    Some(call) => self.take(call).await,
                    None => return,
                },
                Some(done) = self.runs.join_next() => {
                    let told = done.unwrap_or_else(|_| Told::Replied {
                        room: String::new(),
                        reply: Err(vec!["the command failed in a way of which nothing is known".to_owned()]),
                    });
                    self.tell(told).await;
                }
            }
        }
    }

    async fn take(&mut self, call: Call) {
        match call {
            Call::Run { room, slash } => self.run_slash(room, slash).await,
            Call::StopRuns => std::mem::take(&mut self.given_up).cancel(),
            Call::Paused => self.paused().await,
            // What is not answered now is asked again with the next event.
            Call::Receipts {
                room,
                after,
                through,
            } => drop(self.receipts(room, after, through).await),
            Call::Members(room) => drop(self.members(room).await),
            Call::Files(room) => drop(self.files(room, None, FILES_MAX).await),
            Call::FilesOf { room, first, last } => drop(self.files_of(room, first, last).await),
            Call::FileEvent(room, params) => self.file_event(room, params).await,
            Call::Held => drop(self.held().await),
            Call::Invites(room) => drop(self.invites(room).await),
        }
    }

    async fn tell(&self, told: Told) {
        // Nobody listens any more at the end.
        let _ = self.told.send(told).await;
    }

    /// Asks; never starts a daemon, which is who listens to events' affair.
    async fn ask<R: DeserializeOwned>(
        &mut self,
        method: &str,
        params: &impl Serialize,
    ) -> CliResult<R> {
        let mut client = match self.client.take() {
            Some(client) => client,
            None => launch::connect(&self.home)
                .await?
                .ok_or_else(|| CliError::new(Kind::Gone, "there is no daemon just now"))?,
        };
        let answer = client.call_within(method, params, ANSWER_DEADLINE).await;
        let lost = |error: &CliError| matches!(error.kind, Kind::Gone | Kind::Daemon);
        if !answer.as_ref().is_err_and(lost) {
            self.client = Some(client);
        }
        answer
    }

    async fn receipts(&mut self, room: String, after: u64, through: u64) -> CliResult {
        let params = ReceiptsParams {
            room: room.clone(),
            after,
            through: Some(through),
        };
        let told: ReceiptsResult = self.ask("room.receipts", &params).await?;
        let mut marks = BTreeMap::new();
        let mut agents_changed = false;
        for info in told.receipts {
            let offered = info.offered.iter().map(|offer| {
                let agent = clean_nick(&offer.agent)
                    .unwrap_or_else(|| clean_line(&offer.agent, AGENT_CHARS_MAX));
                (offer.author.clone(), agent)
            });
            let offered: Vec<(String, String)> = offered.collect();
            for (author, agent) in &offered {
                let known = self
                    .agents
                    .entry((room.clone(), author.clone()))
                    .or_default();
                agents_changed |= known.insert(agent.clone());
            }
            let reached = info.reached.iter().map(|author| self.name(&room, author));
            let reached = reached.collect();
            let offered = offered.into_iter();
            let offered = offered.map(|(author, agent)| (self.name(&room, &author), agent));
            marks.insert(
                info.n,
                Marks {
                    others: Some(info.others),
                    reached,
                    offered: offered.collect(),
                },
            );
        }
        self.tell(Told::Receipts {
            room: room.clone(),
            marks,
        })
        .await;
        if agents_changed {
            self.members(room).await?;
        }
        Ok(())
    }

    fn name(&self, room: &str, author: &str) -> String {
        let known = self.names.get(room).and_then(|names| names.get(author));
        known.cloned().unwrap_or_else(|| {
            let author: Option<AuthorId> = author.parse().ok();
            author.map_or_else(String::new, |author| cc_proto::text::fingerprint(&author))
        })
    }

    async fn members(&mut self, room: String) -> CliResult {
        let params = RoomParams { room: room.clone() };
        let people: People = self.ask("room.members", &params).await?;
        let members = people.members.iter();
        let all = members.map(|person| (&person.author, &person.name));
        let former = people
            .former
            .iter()
            .map(|person| (&person.author, &person.name));
        let names = former
            .chain(all)
            .map(|(author, name)| (author.clone(), name.clone()));
        self.names.insert(room.clone(), names.collect());
        let members = people
            .members
            .iter()
            .map(|person| self.member(&room, person));
        let members = members.collect();
        self.tell(Told::Members { room, members }).await;
        Ok(())
    }

    fn member(&self, room: &str, person: &Person) -> Member {
        let agents = self.agents.get(&(room.to_owned(), person.author.clone()));
        Member {
            author: person.author.clone(),
            name: person.name.clone(),
            nick: clean_nick(&person.nick).unwrap_or_default(),
            online: person.online,
            me: person.me,
            root: person.root,
            admin: person.admin,
            forked: person.forked,
            trust: person.trust,
            agents: agents.into_iter().flatten().cloned().collect(),
        }
    }

    /// Asks how files are; gives the line of the oldest that was told.
    async fn files(
        &mut self,
        room: String,
        before: Option<u64>,
        count: u32,
    ) -> CliResult<Option<u64>> {
        let params = FileListParams {
            room: room.clone(),
            before,
            count: Some(count),
        };
        let list: FileList = self.ask("file.list", &params).await?;
        let files: Vec<(u64, FileCard)> = list.files.into_iter().map(card).collect();
        let oldest = files.iter().map(|(n, _)| *n).min();
        self.tell(Told::Files { room, files }).await;
        Ok(oldest)
    }

    /// The same for some lines, which are at most as many as are loaded at once.
    async fn files_of(&mut self, room: String, first: u64, last: u64) -> CliResult {
        let mut before = last.saturating_add(1);
        while before > first {
            let count = u32::try_from(before - first).map_or(FILES_MAX, |it| it.min(FILES_MAX));
            match self.files(room.clone(), Some(before), count).await? {
                Some(oldest) if oldest < before => before = oldest,
                _ => break,
            }
        }
        Ok(())
    }

    async fn file_event(&mut self, room: String, params: Value) {
        match serde_json::from_value::<FileInfo>(params) {
            Ok(info) => {
                let files = vec![card(info)];
                self.tell(Told::Files { room, files }).await;
            }
            // An event that says less: all are asked for.
            Err(_) => drop(self.files(room, None, FILES_MAX).await),
        }
    }

    async fn held(&mut self) -> CliResult {
        let list: HeldList = self.ask("held.list", &json!({})).await?;
        self.tell(Told::Held(list.held.len() as u64)).await;
        Ok(())
    }

    async fn invites(&mut self, room: String) -> CliResult {
        let params = RoomParams { room: room.clone() };
        let list: InviteList = self.ask("room.invites", &params).await?;
        let open = list.invites.iter().filter(|it| invite::is_open(it));
        let invites = open.map(|it| (it.invite.clone(), invite::about(it)));
        let invites = invites.collect();
        self.tell(Told::Invites { room, invites }).await;
        Ok(())
    }

    async fn paused(&self) {
        let home = self.home.clone();
        let paused = tokio::task::spawn_blocking(move || {
            let rooms = rooms::all(&home).unwrap_or_default();
            let pause = Pause::load(home.path());
            let now = when::now();
            let rooms = rooms.iter().filter(|room| pause.holds(&room.id, now));
            rooms.map(|room| room.id.to_hex()).collect::<Vec<_>>()
        });
        if let Ok(paused) = paused.await {
            self.tell(Told::Paused(paused)).await;
        }
    }

    /// Carries a command out on a thread of its own: most of them read files.
    async fn run_slash(&mut self, room: String, slash: Box<Slash>) {
        if self.runs.len() >= RUNS_MAX {
            let why = "wait for the other commands to end, or press Esc to give them up";
            let reply = Err(vec![why.to_owned()]);
            return self.tell(Told::Replied { room, reply }).await;
        }
        let (home, given_up) = (self.home.clone(), self.given_up.clone());
        let runtime = Handle::current();
        self.runs.spawn_blocking(move || {
            let reply = carry_out(&runtime, &home, &room, *slash, &given_up);
            Told::Replied { room, reply }
        });
    }
}

/// Carries a command out, on a thread that may wait; a failure in lines, clean.
pub fn carry_out(
    runtime: &Handle,
    home: &Home,
    room: &str,
    slash: Slash,
    given_up: &CancellationToken,
) -> Result<Reply, Vec<String>> {
    runtime.block_on(async {
        tokio::select! {
            reply = reply(home, room, slash) => reply.map_err(|error| in_lines(&error)),
            () = given_up.cancelled() => Err(vec!["given up".to_owned()]),
        }
    })
}

async fn reply(home: &Home, room: &str, slash: Slash) -> CliResult<Reply> {
    let id: RoomId = room.parse().map_err(|error| {
        let error: cc_proto::id::ParseIdError = error;
        CliError::new(Kind::Room, "there is no such room").because(&error)
    })?;
    slash::run(home, &rooms::known(home, id), slash).await
}

/// What went wrong, and what to do about it; clean.
fn in_lines(error: &CliError) -> Vec<String> {
    let text = clean_text(&error.in_full());
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

fn card(info: FileInfo) -> (u64, FileCard) {
    let card = FileCard {
        name: cc_proto::text::file_name(&info.name),
        size: info.size,
        folder: info.folder,
        state: info.state,
        have: info.have,
        path: info.path,
        fault: info.fault.map(|fault| clean_line(&fault, 200)),
    };
    (info.n, card)
}
