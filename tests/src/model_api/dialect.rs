//! What is told apart of the four ways to ask a model: where the texts are, and where the offered tools.

use serde_json::Value;

use super::{PromptText, Request};

/// The way in which a request asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Anthropic's Messages.
    Messages,
    /// OpenAI's Responses.
    Responses,
    /// OpenAI's chat completions.
    ChatCompletions,
    /// Gemini's content generation.
    Gemini,
}

impl Dialect {
    /// What a request to be completed is written in; `None` where it asks for something else.
    pub(super) fn of(method: &str, path: &str) -> Option<Self> {
        if method != "POST" {
            return None;
        }
        match path {
            "/v1/messages" => Some(Self::Messages),
            "/v1/responses" => Some(Self::Responses),
            "/v1/chat/completions" => Some(Self::ChatCompletions),
            _ => {
                let (_, verb) = path.rsplit_once(':')?;
                ["generateContent", "streamGenerateContent"]
                    .contains(&verb)
                    .then_some(Self::Gemini)
            }
        }
    }
}

/// All text that the model would read, in its order.
pub(super) fn texts(request: &Request) -> Vec<PromptText> {
    let body = &request.body;
    let mut texts = Texts::default();
    match request.dialect() {
        None => {}
        Some(Dialect::Messages) => {
            texts.add("system", &body["system"]);
            texts.messages(&body["messages"]);
        }
        Some(Dialect::ChatCompletions) => texts.messages(&body["messages"]),
        Some(Dialect::Responses) => {
            texts.add("system", &body["instructions"]);
            for item in list(&body["input"]) {
                texts.add(item["role"].as_str().unwrap_or("user"), &item["content"]);
                texts.add("tool", &item["output"]);
            }
        }
        Some(Dialect::Gemini) => {
            texts.add("system", &body["systemInstruction"]["parts"]);
            for content in list(&body["contents"]) {
                let role = content["role"].as_str().unwrap_or("user");
                texts.add(role, &content["parts"]);
            }
        }
    }
    texts.0
}

/// The names of the tools that the model may call; those of a group as `group.name`.
pub(super) fn tools(request: &Request) -> Vec<String> {
    let offered = list(&request.body["tools"]);
    let mut names = Vec::new();
    for tool in offered {
        match request.dialect() {
            None => {}
            Some(Dialect::ChatCompletions) => names.extend(name(&tool["function"])),
            Some(Dialect::Gemini) => {
                names.extend(list(&tool["functionDeclarations"]).filter_map(name));
            }
            Some(Dialect::Responses) if tool["type"] == "namespace" => {
                let group = tool["name"].as_str().unwrap_or_default();
                let of_group = list(&tool["tools"]).filter_map(name);
                names.extend(of_group.map(|name| format!("{group}.{name}")));
            }
            Some(Dialect::Messages | Dialect::Responses) => names.extend(name(tool)),
        }
    }
    names
}

fn name(tool: &Value) -> Option<String> {
    tool["name"].as_str().map(str::to_owned)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[derive(Debug, Default)]
struct Texts(Vec<PromptText>);

impl Texts {
    fn messages(&mut self, messages: &Value) {
        for message in list(messages) {
            let role = message["role"].as_str().unwrap_or_default();
            self.add(role, &message["content"]);
        }
    }

    /// Content is either one string or a list of blocks, of which the text blocks matter here.
    fn add(&mut self, role: &str, content: &Value) {
        let one = content.as_str().into_iter();
        let blocks = list(content).filter_map(|block| block["text"].as_str());
        self.0.extend(one.chain(blocks).map(|text| PromptText {
            role: role.to_owned(),
            text: text.to_owned(),
        }));
    }
}
