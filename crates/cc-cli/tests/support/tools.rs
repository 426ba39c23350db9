//! The agent tools, spoken to by hand: one JSON object a line.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use serde_json::{Value, json};

use super::{DEADLINE, Ended, Person};

/// A running server, and a client of it that has said what it is.
pub struct Tools {
    child: Ended,
    input: Option<ChildStdin>,
    lines: Receiver<Value>,
    /// What was read and not asked for yet.
    kept: VecDeque<Value>,
    last_id: u64,
    /// What the server said of itself.
    pub greeting: Value,
}

/// What a tool answered.
#[derive(Debug)]
pub struct Told {
    pub text: String,
    pub is_error: bool,
}

impl Tools {
    /// `cc-connect mcp --agent claude` in the person's project.
    pub fn start(person: &Person) -> Self {
        Self::start_with(person, &[], |_| {})
    }

    /// The same with further arguments, and a command that is changed before it starts.
    pub fn start_with(
        person: &Person,
        arguments: &[&str],
        change: impl FnOnce(&mut std::process::Command),
    ) -> Self {
        let mut command = person.command();
        command
            .args(["mcp", "--agent", "claude"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        change(&mut command);
        let mut child = Ended(command.spawn().unwrap());
        let output = BufReader::new(child.0.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| {
                let line = serde_json::from_str(&line)
                    .unwrap_or_else(|error| panic!("{error} on standard output: {line}"));
                sender.send(line)
            })
        });
        let mut tools = Self {
            input: child.0.stdin.take(),
            child,
            lines,
            kept: VecDeque::new(),
            last_id: 0,
            greeting: Value::Null,
        };
        let hello = json!({
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": {"name": "test", "version": "0"}
        });
        tools.greeting = tools.request("initialize", &hello)["result"].clone();
        tools.notify("notifications/initialized", &json!({}));
        tools
    }

    pub fn pid(&self) -> u32 {
        self.child.0.id()
    }

    /// Writes a line that may be anything.
    pub fn write(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
        input.flush().unwrap();
    }

    pub fn notify(&mut self, method: &str, params: &Value) {
        self.write(&json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string());
    }

    /// Asks without waiting; gives the id of the answer.
    pub fn ask(&mut self, method: &str, params: &Value) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        let line = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.write(&line.to_string());
        id
    }

    /// The next line that is wanted; the others are kept.
    pub fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&wanted) {
            return self.kept.remove(at).unwrap();
        }
        loop {
            let line = self.lines.recv_timeout(DEADLINE).unwrap_or_else(|error| {
                panic!("{error}; kept: {:#?}", self.kept);
            });
            if wanted(&line) {
                return line;
            }
            self.kept.push_back(line);
        }
    }

    pub fn answer(&mut self, id: u64) -> Value {
        self.until(|line| line["id"] == id)
    }

    /// Whether a request has been answered by now.
    pub fn is_answered(&mut self, id: u64) -> bool {
        self.kept.extend(self.lines.try_iter());
        self.kept.iter().any(|line| line["id"] == id)
    }

    pub fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.ask(method, params);
        self.answer(id)
    }

    /// Calls a tool without waiting.
    pub fn begin(&mut self, tool: &str, arguments: &Value) -> u64 {
        self.ask("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    /// What a tool answered.
    pub fn told(&mut self, id: u64) -> Told {
        let answer = self.answer(id);
        let result = &answer["result"];
        let content = result["content"]
            .as_array()
            .unwrap_or_else(|| panic!("no result: {answer}"));
        assert_eq!(content.len(), 1, "{answer}");
        Told {
            text: content[0]["text"].as_str().unwrap().to_owned(),
            is_error: result["isError"] == true,
        }
    }

    /// Calls a tool and waits for its answer.
    pub fn call(&mut self, tool: &str, arguments: &Value) -> Told {
        let id = self.begin(tool, arguments);
        self.told(id)
    }

    /// Calls a tool that must do what it was called for.
    pub fn done(&mut self, tool: &str, arguments: &Value) -> String {
        let told = self.call(tool, arguments);
        assert!(!told.is_error, "{tool} {arguments}: {}", told.text);
        told.text
    }

    /// Calls a tool that must refuse; gives the kind of the refusal and the whole text.
    pub fn refused(&mut self, tool: &str, arguments: &Value) -> (String, String) {
        let told = self.call(tool, arguments);
        assert!(told.is_error, "{tool} {arguments}: {}", told.text);
        let kind = told.text.split(':').next().unwrap().to_owned();
        (kind, told.text)
    }

    pub fn cancel(&mut self, id: u64) {
        self.notify(
            "notifications/cancelled",
            &json!({"requestId": id, "reason": "a test"}),
        );
    }

    /// Ends the input.
    pub fn close(&mut self) {
        self.input = None;
    }

    /// Waits for the end of the process.
    pub fn ended(&mut self) -> ExitStatus {
        self.child.0.wait().unwrap()
    }

    /// How many files the process has open.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid()))
            .unwrap()
            .count()
    }

    /// Pings until something is true.
    pub fn ping_until(&mut self, wanted: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !wanted(self) {
            assert!(started.elapsed() < DEADLINE, "it did not come true");
            let pong = self.request("ping", &json!({}));
            assert_eq!(pong["result"], json!({}), "{pong}");
        }
    }
}

/// The lines within a text's one fence. Fails where what is outside holds any of `words`.
pub fn fenced<'a>(text: &'a str, words: &[&str]) -> Vec<&'a str> {
    let lines: Vec<&str> = text.lines().collect();
    let is_fence =
        |line: &str| line.len() == 28 && line.starts_with("----- ") && line.ends_with(" -----");
    let fences: Vec<usize> = (0..lines.len()).filter(|at| is_fence(lines[*at])).collect();
    let [first, last] = fences[..] else {
        panic!("not one fence: {text}");
    };
    assert_eq!(lines[first], lines[last], "{text}");
    let outside = lines[..first].iter().chain(&lines[last + 1..]);
    for line in outside {
        assert!(
            !words.iter().any(|word| line.contains(word)),
            "outside the fence: {line}"
        );
    }
    lines[first + 1..last].to_vec()
}
