//! Commands in the plain chat: those of the full screen, by the same code, and what comes of them in lines. Nothing is
//! selected here, so each names what it is about.

use cc_proto::id::Timestamp;
use cc_proto::text::clean_text;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::typed::TypedLine;
use crate::chat::app::{Hit, Told};
use crate::chat::slash::{self, Here, Plan, Reply, Said, Slash, Typed};
use crate::chat::worker;
use crate::home::Home;
use crate::output::Output;
use crate::rooms::{self, KnownRoom};
use crate::rpc::State;
use crate::when;

/// Commands that run at once.
const RUNS_MAX: usize = 16;
/// Hits of a search that are told: the newest.
const HITS_TOLD_MAX: usize = 50;
/// What a search has found waits here until it is taken; then it waits.
const FOUND_MAX: usize = 16;

/// What a typed line comes to.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// This is said.
    Say(String),
    /// It was a command, or nothing that is sent.
    Nothing,
    /// The person leaves the chat.
    Leave,
}

/// A command that is done.
#[derive(Debug)]
pub struct Done {
    /// Whether it may have left the room.
    leaves: bool,
    reply: Result<Reply, Vec<String>>,
}

/// The commands of one room's chat. Those that run are given up when it is dropped.
pub struct Commands {
    home: Home,
    room: KnownRoom,
    output: Output,
    runs: JoinSet<Done>,
    given_up: CancellationToken,
    /// What is carried out after a yes.
    question: Option<Box<Slash>>,
    /// Whether one runs that may leave the room.
    leaving: bool,
}

impl Commands {
    /// None that run yet.
    pub fn new(home: &Home, room: &KnownRoom, output: Output) -> Self {
        Self {
            home: home.clone(),
            room: room.clone(),
            output,
            runs: JoinSet::new(),
            given_up: CancellationToken::new(),
            question: None,
            leaving: false,
        }
    }

    /// Whether one runs that may leave the room: that it is left is told by that one.
    pub const fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// Whether the next line answers a question.
    pub const fn asks(&self) -> bool {
        self.question.is_some()
    }

    /// Takes what was typed: begins what it commands, and says why it does not.
    pub fn take(&mut self, line: &TypedLine) -> Next {
        if let Some(then) = self.question.take() {
            self.answered(line, then);
            return Next::Nothing;
        }
        match slash::parse(&line.text) {
            Typed::Message(text) => return Next::Say(text),
            // Whoever pastes a text may not have read every line of it.
            _ if line.pasted => self.not_sent(line, "a command is typed in a line of its own"),
            Typed::Command(slash) => match self.command(slash) {
                Ok(next) => return next,
                Err(why) => self.output.note(why),
            },
            Typed::Wrong(why) => self.not_sent(line, &why.join("\n")),
            Typed::Help(lines) => self.lines(&lines),
        }
        Next::Nothing
    }

    fn not_sent(&self, line: &TypedLine, why: &str) {
        self.output
            .note(format!("not sent: {}\n{why}", clean_text(&line.text)));
    }

    fn lines(&self, lines: &[String]) {
        for line in lines {
            self.output.text(line);
        }
    }

    fn command(&mut self, slash: Slash) -> Result<Next, String> {
        if let Some(why) = not_here(&slash) {
            return Err(format!("not done: {why}"));
        }
        match slash::plan(slash, &Here::default())? {
            Plan::Run(slash) => self.run(slash),
            Plan::Find(words) => self.find(words),
            Plan::Help => self.lines(&help()),
            Plan::Tell(lines) => self.lines(&lines),
            Plan::Quit => return Ok(Next::Leave),
            Plan::Answer { .. } | Plan::Copy(_) | Plan::Room(_) => {}
        }
        Ok(Next::Nothing)
    }

    fn has_room(&self) -> bool {
        let has_room = self.runs.len() < RUNS_MAX;
        if !has_room {
            self.output
                .note("not done: wait for the other commands to end");
        }
        has_room
    }

    /// Carries one out on a thread of its own: most of them read files.
    fn run(&mut self, slash: Box<Slash>) {
        if !self.has_room() {
            return;
        }
        let leaves = matches!(*slash, Slash::Leave(_));
        self.leaving |= leaves;
        let (home, room) = (self.home.clone(), self.room.id.to_hex());
        let (runtime, given_up) = (Handle::current(), self.given_up.clone());
        self.runs.spawn_blocking(move || Done {
            leaves,
            reply: worker::carry_out(&runtime, &home, &room, *slash, &given_up),
        });
    }

    fn find(&mut self, words: String) {
        if words.is_empty() {
            return self.output.note("say what to look for: /find WORDS");
        }
        if !self.has_room() {
            return;
        }
        let (told, mut found) = mpsc::channel(FOUND_MAX);
        let running = worker::start_search(&self.home, self.room.id.to_hex(), words, told);
        self.runs.spawn(async move {
            let mut hits = Vec::new();
            while let Some(Told::Found { hits: more, .. }) = found.recv().await {
                hits.extend(more);
                if hits.len() > HITS_TOLD_MAX {
                    break;
                }
            }
            drop(running);
            let said = Said {
                title: String::new(),
                lines: found_lines(&hits),
            };
            Done {
                leaves: false,
                reply: Ok(Reply::Said(said)),
            }
        });
    }

    /// A question takes a yes, and everything else for a no; nothing of it is sent.
    fn answered(&mut self, line: &TypedLine, then: Box<Slash>) {
        let text = line.text.trim().to_lowercase();
        match text.as_str() {
            "y" | "yes" if !line.pasted => self.run(then),
            "n" | "no" | "" => self.output.note("nothing was done"),
            _ => {
                self.output.note("nothing was done");
                self.not_sent(line, "a question was open, and this was no yes");
            }
        }
    }

    /// The next one that is done. Waits for ever where none runs. Cancel safe.
    pub async fn next(&mut self) -> Done {
        match self.runs.join_next().await {
            Some(Ok(done)) => done,
            Some(Err(_)) => Done {
                leaves: false,
                reply: Err(vec![
                    "the command failed in a way of which nothing is known".to_owned(),
                ]),
            },
            None => std::future::pending().await,
        }
    }

    /// Tells what came of one; true where that left the room.
    pub fn tell(&mut self, done: Done) -> bool {
        self.leaving &= !done.leaves;
        match done.reply {
            Err(lines) => self.output.note(format!("not done: {}", lines.join("\n"))),
            Ok(Reply::Said(said)) => self.lines(&said.lines),
            Ok(Reply::Ticket { ticket, note, .. }) => {
                self.output.text(note);
                self.output.text(ticket);
            }
            Ok(Reply::Confirm { question, then }) => {
                if self.question.replace(then).is_some() {
                    self.output.note("nothing was done about the one before");
                }
                self.lines(&question);
                self.output.text("y: yes, else no");
            }
        }
        done.leaves && rooms::known(&self.home, self.room.id).state == State::Left
    }

    /// Waits for those that run, and tells what came of them; what is asked then is nobody's to answer. True where one of
    /// them left the room.
    pub async fn finish(&mut self) -> bool {
        let mut left = false;
        while !self.runs.is_empty() {
            let done = self.next().await;
            left |= self.tell(done);
        }
        if self.question.take().is_some() {
            self.output.note("nothing was done");
        }
        left
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        self.given_up.cancel();
    }
}

/// Why a command is not for the plain chat, or what it lacks there.
fn not_here(slash: &Slash) -> Option<&'static str> {
    Some(match slash {
        Slash::Get(args) if args.get.file.is_none() => "name the file: /files lists them",
        Slash::Cancel(args) if args.file.is_none() => "name the file: /files lists them",
        Slash::Retract(args) if args.message.is_none() => {
            "name the message by its line or id: cc-connect log --json tells them"
        }
        Slash::Reply(_) => "the full screen answers a message; here name whom you mean, as @NAME",
        Slash::Copy => "the full screen copies; here the terminal does",
        Slash::Room(_) => {
            "this is the chat of one room: cc-connect chat --plain --room NAME opens another"
        }
        _ => return None,
    })
}

/// The commands that there are here, without what is about the full screen.
fn help() -> Vec<String> {
    let names = slash::names().into_iter();
    let names = names.filter(|(name, _)| !matches!(name.as_str(), "reply" | "copy" | "room"));
    let lines = names.map(|(name, about)| {
        let about = about.split(" [default: ").next().unwrap_or_default();
        format!("/{name}: {about}")
    });
    let first = "A line is sent, but for these commands. /help COMMAND tells more of one.";
    let last = "A line that begins with // is sent with one slash. Ctrl+D leaves, as /quit does.";
    std::iter::once(first.to_owned())
        .chain(lines)
        .chain(std::iter::once(last.to_owned()))
        .collect()
}

/// What was found, the newest last as in the chat.
fn found_lines(hits: &[Hit]) -> Vec<String> {
    if hits.is_empty() {
        return vec!["Nothing in this room has that.".to_owned()];
    }
    let told = hits.iter().take(HITS_TOLD_MAX).rev();
    let mut lines: Vec<String> = told
        .map(|hit| {
            let when = when::long_time(Timestamp(hit.ts));
            format!("{when} @{}: {}", hit.name, hit.text)
        })
        .collect();
    if hits.len() > HITS_TOLD_MAX {
        lines.push(format!(
            "There are more: these are the newest {HITS_TOLD_MAX}."
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Printer;

    fn typed(text: &str) -> TypedLine {
        TypedLine {
            text: text.to_owned(),
            pasted: false,
        }
    }

    /// Commands of a room that nobody has, and what they say.
    fn commands(folder: &std::path::Path, output: Output) -> Commands {
        let home = Home::open(Some(folder)).unwrap();
        let id = cc_proto::id::RoomId::from_bytes([7; 32]);
        let room = rooms::known(&home, id);
        Commands::new(&home, &room, output)
    }

    #[tokio::test]
    async fn what_looks_like_a_command_is_not_said() {
        let kept: &'static crate::output::Kept = Box::leak(Box::default());
        let folder = tempfile::tempdir().unwrap();
        let mut commands = commands(folder.path(), Printer::keeping(kept));
        for (line, text) in [("//etc", "/etc"), ("1/2 done", "1/2 done"), ("hi", "hi")] {
            assert_eq!(commands.take(&typed(line)), Next::Say(text.to_owned()));
        }
        assert_eq!(commands.take(&typed("/quit")), Next::Leave);
        assert!(kept.take().is_empty());
        let told = |commands: &mut Commands, line: &TypedLine| {
            assert_eq!(commands.take(line), Next::Nothing, "{line:?}");
            format!("{:?}", kept.take())
        };
        for (line, wanted) in [
            ("/hlep", "did you mean /help"),
            ("/drop \"a b", "is opened and not closed"),
            ("/get", "/files lists them"),
            ("/retract", "line or id"),
            ("/reply yes", "@NAME"),
            ("/copy", "the terminal does"),
            ("/room x", "chat --plain"),
            ("/find", "/find WORDS"),
            ("/help", "/members: List who belongs"),
            ("/help drop", "--force"),
            ("/drop --help", "--force"),
        ] {
            let told = told(&mut commands, &typed(line));
            assert!(told.contains(wanted), "{line}: {told}");
            assert!(
                !told.contains("Alt+Up") && !told.contains("[default"),
                "{told}"
            );
        }
        // Nothing of what is pasted in several lines is a command.
        let pasted = TypedLine {
            pasted: true,
            ..typed("/quit")
        };
        assert!(told(&mut commands, &pasted).contains("not sent: /quit"));
        assert!(commands.runs.is_empty());
    }

    #[tokio::test]
    async fn only_a_yes_is_a_yes_and_no_answer_is_sent() {
        let kept: &'static crate::output::Kept = Box::leak(Box::default());
        let folder = tempfile::tempdir().unwrap();
        let mut commands = commands(folder.path(), Printer::keeping(kept));
        let pasted = |text: &str| TypedLine {
            pasted: true,
            ..typed(text)
        };
        for (answer, runs) in [
            (typed("n"), 0),
            (typed(""), 0),
            (typed("see you at 5"), 0),
            (pasted("y"), 0),
            (typed(" Yes"), 1),
        ] {
            let asked = Done {
                leaves: false,
                reply: Ok(Reply::Confirm {
                    question: vec!["Remove @bob?".to_owned()],
                    then: Box::new(Slash::Rooms),
                }),
            };
            assert!(!commands.tell(asked) && commands.asks());
            kept.take();
            assert_eq!(commands.take(&answer), Next::Nothing);
            assert!(!commands.asks());
            assert_eq!(commands.runs.len(), runs, "{answer:?}");
            let told = format!("{:?}", kept.take());
            assert_eq!(told.contains("nothing was done"), runs == 0, "{told}");
            assert_eq!(told.contains("see you at 5"), answer.text.len() > 5);
        }
        commands.finish().await;
    }
}
