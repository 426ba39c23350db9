//! What the hook put into a prompt, taken apart again.

/// What was told of one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// How many messages are only counted.
    pub counted: u64,
    /// The lines that are shown, each from its `[chatroom @`; further lines of a text are left out.
    pub messages: Vec<String>,
    /// The line that begins and ends the fence.
    pub fence: String,
}

impl Injection {
    /// Takes apart the context that a hook printed.
    ///
    /// # Panics
    /// Where it is not one fence around one room.
    pub fn parse(context: &str) -> Self {
        let lines: Vec<&str> = context.lines().collect();
        let fences: Vec<usize> = (0..lines.len()).filter(|at| is_fence(lines[*at])).collect();
        let [first, last] = fences[..] else {
            panic!("not one fence: {context}");
        };
        assert_eq!(lines[first], lines[last], "{context}");
        assert_eq!(last, lines.len() - 1, "{context}");
        let (room, inside) = lines[first + 1..last].split_first().expect("a room's line");
        assert!(room.starts_with("room \""), "{context}");
        let mut injection = Self {
            counted: 0,
            messages: Vec::new(),
            fence: lines[first].to_owned(),
        };
        for line in inside {
            if line.starts_with("[chatroom @") {
                injection.messages.push((*line).to_owned());
            } else if let Some((count, _)) = line.split_once(" earlier message") {
                injection.counted += count.parse::<u64>().expect("a count");
            } else {
                assert!(line.starts_with("    "), "{line:?} in {context}");
            }
        }
        injection
    }

    /// The texts of what is shown, without their headers.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.messages.iter().map(|message| {
            let (_, text) = message.split_once("] ").expect("a header before a text");
            text
        })
    }
}

/// `----- NONCE -----`, where the nonce is 8 bytes as hex digits.
fn is_fence(line: &str) -> bool {
    let nonce = line.strip_prefix("----- ");
    let nonce = nonce.and_then(|rest| rest.strip_suffix(" -----"));
    nonce.is_some_and(|nonce| nonce.len() == 16 && nonce.bytes().all(|b| b.is_ascii_hexdigit()))
}
