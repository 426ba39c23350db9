//! The daemon's control socket, spoken by hand: as a program in any language would.

use std::path::Path;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// Requests of one connection that the daemon takes up at once; further lines wait in the socket.
const REQUESTS_AHEAD: usize = 32;

/// A connection to a daemon.
#[derive(Debug)]
pub struct Control {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
    last_id: u64,
}

/// A message that the daemon said is on its disk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sent {
    /// Its id.
    pub id: String,
    /// Its line in the sender's log.
    pub n: u64,
    /// What it says.
    pub text: String,
}

impl Control {
    /// Connects to the socket at `path`.
    ///
    /// # Panics
    /// Where nobody listens there.
    pub async fn connect(path: &Path) -> Self {
        let stream = UnixStream::connect(path).await;
        let stream = stream.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (read, write) = stream.into_split();
        Self {
            read: BufReader::new(read),
            write,
            last_id: 0,
        }
    }

    /// Writes bytes as they are; `false` where the daemon does not take them any more.
    pub async fn write(&mut self, bytes: &[u8]) -> bool {
        self.write.write_all(bytes).await.is_ok()
    }

    /// Says that nothing more will be written.
    pub async fn finish(&mut self) {
        // The daemon may have closed the connection first.
        let _ = self.write.shutdown().await;
    }

    /// Reads until the daemon closes the connection.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A reset is an end as well: the daemon closed with something of ours unread.
        let _ = self.read.read_to_end(&mut bytes).await;
        bytes
    }

    /// The next line; `None` once the daemon has closed the connection, or died.
    ///
    /// # Panics
    /// Where the line is not JSON.
    pub async fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.read.read_line(&mut line).await {
            Ok(0) | Err(_) => None,
            // A daemon that is killed may leave half a line.
            Ok(_) if !line.ends_with('\n') => None,
            Ok(_) => Some(serde_json::from_str(&line).expect("the daemon speaks JSON")),
        }
    }

    /// Asks without waiting, and gives the id of the answer; `None` where the daemon is gone.
    pub async fn ask(&mut self, method: &str, params: &Value) -> Option<u64> {
        self.last_id += 1;
        let id = self.last_id;
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let written = self.write(format!("{request}\n").as_bytes()).await;
        written.then_some(id)
    }

    /// Asks, and waits for the answer: the whole object, with `result` or `error`. Passes over
    /// notifications.
    ///
    /// # Panics
    /// Where the daemon goes away.
    pub async fn call(&mut self, method: &str, params: &Value) -> Value {
        let id = self.ask(method, params).await.expect("the daemon reads");
        loop {
            let line = self.line().await.expect("the daemon answers");
            if line["id"] == id {
                return line;
            }
        }
    }

    /// Sends one message.
    ///
    /// # Errors
    /// The error as the daemon told it.
    pub async fn send(&mut self, room: &str, text: &str) -> Result<Sent, Value> {
        let answer = self
            .call("send", &json!({"room": room, "text": text}))
            .await;
        sent(&answer, text)
    }

    /// Hears of a room's events from now on.
    ///
    /// # Panics
    /// Where the daemon refuses.
    pub async fn subscribe(&mut self, room: &str) {
        let answer = self.call("subscribe", &json!({"room": room})).await;
        assert!(answer["result"].is_object(), "{answer}");
    }

    /// What the next event says; all else that comes before it is passed over.
    ///
    /// # Panics
    /// Where the daemon has ended.
    pub async fn event(&mut self) -> Value {
        loop {
            let mut line = self.line().await.expect("the daemon lives");
            if line["method"] == "event" {
                return line["params"].take();
            }
        }
    }

    /// Sends all of them, many at a time, for as long as the daemon lives; gives what it said is on
    /// disk, in the order of the answers.
    ///
    /// # Panics
    /// Where the daemon refuses one, unless because it is stopping.
    pub async fn send_all(&mut self, room: &str, texts: &[String]) -> Vec<Sent> {
        let first = self.last_id + 1;
        let mut all = Vec::with_capacity(texts.len());
        let mut next = texts.iter();
        let (mut asked, mut answered) = (0, 0);
        loop {
            while asked - answered < REQUESTS_AHEAD
                && let Some(text) = next.next()
            {
                let params = json!({"room": room, "text": text});
                if self.ask("send", &params).await.is_none() {
                    break;
                }
                asked += 1;
            }
            if asked == answered {
                return all;
            }
            let Some(answer) = self.line().await else {
                return all;
            };
            answered += 1;
            let id = answer["id"].as_u64().expect("only answers come here");
            let text = &texts[usize::try_from(id - first).expect("an id of ours")];
            match sent(&answer, text) {
                Ok(sent) => all.push(sent),
                Err(error) => assert_eq!(error["data"]["kind"], "stopping", "{error}"),
            }
        }
    }
}

fn sent(answer: &Value, text: &str) -> Result<Sent, Value> {
    let result = &answer["result"];
    match (result["id"].as_str(), result["n"].as_u64()) {
        (Some(id), Some(n)) => Ok(Sent {
            id: id.to_owned(),
            n,
            text: text.to_owned(),
        }),
        _ => Err(answer["error"].clone()),
    }
}
