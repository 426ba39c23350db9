//! What a text may hold where an agent reads it, beyond what is cleaned everywhere: one form for each letter, and
//! nothing that an agent's own program uses to say whose words are whose.

use unicode_normalization::UnicodeNormalization as _;

use super::{clean_line, clean_text, push_escaped};

/// Names of tags, in lower case, by which agents' programs mark what is the system's, the user's or a tool's. None is
/// one of HTML's or SVG's elements.
const TAGS: &[&str] = &[
    // Claude Code, and what Claude models were shown.
    "system-reminder",
    "task-notification",
    "command-name",
    "command-message",
    "command-args",
    "local-command-stdout",
    "local-command-stderr",
    "local-command-caveat",
    "user-prompt-submit-hook",
    "user-memory-input",
    "bash-input",
    "bash-stdout",
    "bash-stderr",
    "new-diagnostics",
    "ide_opened_file",
    "ide_selection",
    "persisted-output",
    "tool_use_error",
    "function_calls",
    "function_call",
    "function_results",
    "function_result",
    "invoke",
    "tool_use",
    "tool_result",
    "thinking",
    // Codex.
    "user_instructions",
    "environment_context",
    "turn_aborted",
    "user_shell_command",
    "permissions",
    "collaboration_mode",
    "model_switch",
    "personality_spec",
    "subagent_notification",
    "hook_prompt",
    "apps_instructions",
    "skills_instructions",
    "plugins_instructions",
    "instructions",
    // Gemini and Qwen.
    "hook_context",
    "session_context",
    "loaded_context",
    "state_snapshot",
    "start_of_turn",
    "end_of_turn",
    "bos",
    "eos",
    "think",
    "tool_call",
    "tool_calls",
    "tool_response",
    "tool_output",
    // Copilot.
    "system_reminder",
    "system_notification",
    "current_datetime",
    "reminder",
    "reminderinstructions",
    "userrequest",
    "editorcontext",
    // opencode.
    "available_skills",
    "skill_content",
    // Cline.
    "task",
    "feedback",
    "user_message",
    "user_input",
    "environment_details",
    "explicit_instructions",
    "attempt_completion",
    "ask_followup_question",
    "execute_command",
    "read_file",
    "write_to_file",
    "replace_in_file",
    "use_mcp_tool",
    // Anybody.
    "system",
    "system_prompt",
    "system-prompt",
    "system_message",
    "system-message",
    "system_instruction",
    "system_instructions",
    "system-instructions",
    "developer",
    "developer_message",
    "human",
    "assistant",
    "cc-connect",
    "chatroom",
];
/// A tag of any name after one of these is one, too.
const TAG_PREFIXES: &[&str] = &["antml:"];
/// What models were trained to take for a turn's limits, and our own headers: in lower case, with their bracket.
const BRACKETS: &[&str] = &[
    "[inst]",
    "[/inst]",
    "[sys]",
    "[/sys]",
    "[system_prompt]",
    "[/system_prompt]",
    "[available_tools]",
    "[/available_tools]",
    "[tool_calls]",
    "[tool_results]",
    "[/tool_results]",
    "[chatroom @",
    "<<sys>>",
    "<</sys>>",
];
/// What stands before the path of a file, where a line says that it is here: nobody's words are to be taken for one.
const PATH_MARK: &str = "@file:";
/// The longest name between `<|` and `|>`.
const SPECIAL_TOKEN_BYTES_MAX: usize = 64;

/// Cleans a text for an agent: [`clean_text`], NFC, and the first character of each tag by which agents' programs tell
/// whose words are whose (`<system-reminder>`, `<|im_start|>`, `[INST]`, `[chatroom @`…), and of what we put before a
/// path (`@file:`), escaped. Idempotent.
pub fn clean_for_agent(text: &str) -> String {
    let clean = clean_text(text);
    let normal = if clean.is_ascii() {
        clean
    } else {
        // A composed character can fall apart into more marks than one may have.
        clean_text(&clean.nfc().collect::<String>())
    };
    without_tags(normal)
}

/// As [`clean_for_agent`], for what must stay on one line of at most `chars_max` characters.
pub fn clean_line_for_agent(text: &str, chars_max: usize) -> String {
    let clean = clean_for_agent(&clean_line(text, usize::MAX));
    clean_line(&clean, chars_max)
}

fn without_tags(text: String) -> String {
    if !text.contains(['<', '[', '@']) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let begins = match c {
            '<' | '[' => begins_tag(&text[at..]),
            '@' => begins_with(&text[at..], PATH_MARK),
            _ => false,
        };
        if begins {
            push_escaped(&mut out, c);
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a text that begins with `<` or `[` begins with a tag.
fn begins_tag(text: &str) -> bool {
    if BRACKETS.iter().any(|tag| begins_with(text, tag)) {
        return true;
    }
    let Some(inner) = text.strip_prefix('<') else {
        return false;
    };
    // Fullwidth bars are a model's own, and nobody's code.
    if inner.starts_with('\u{ff5c}') {
        return true;
    }
    if let Some(token) = inner.strip_prefix('|') {
        return is_special_token(token);
    }
    let name = inner.strip_prefix('/').unwrap_or(inner);
    TAG_PREFIXES.iter().any(|prefix| begins_with(name, prefix))
        || TAGS
            .iter()
            .any(|tag| begins_with(name, tag) && !name[tag.len()..].starts_with(goes_on))
}

fn begins_with(text: &str, lower: &str) -> bool {
    let begin = text.as_bytes().get(..lower.len());
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(lower.as_bytes()))
}

/// Whether a tag's name goes on with this character, and so is another name.
fn goes_on(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')
}

/// Whether what follows `<|` is a name and `|>`; operators of some languages begin the same.
fn is_special_token(text: &str) -> bool {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/');
    let name = text.bytes().take_while(is_part).count();
    (1..=SPECIAL_TOKEN_BYTES_MAX).contains(&name) && text[name..].starts_with("|>")
}
