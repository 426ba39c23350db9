"""Cleaning of what others wrote: spec/hook.md, Cleaning and Names."""

import unicodedata

MARKS_IN_A_ROW_MAX = 8
_NICK_MARKS_MAX = 3
_NICK_CHARS_MAX = 32
_SPECIAL_TOKEN_CHARS_MAX = 64

_BREAKS = frozenset("\n\v\f\r\x85\u2028\u2029")
_SPACES = frozenset("\t\xa0\u1680\u202f\u205f\u3000") | {chr(c) for c in range(0x2000, 0x200B)}
_ESCAPED = ((0x00, 0x1F), (0x7F, 0x9F), (0x202A, 0x202E), (0x2066, 0x2069), (0xFFF9, 0xFFFB), (0xFDD0, 0xFDEF))
_DROPPED = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x2060, 0x2065), (0x206A, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)
#: Characters that are letters though their category is none of L: circled and squared ones.
_LETTERS = ((0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))

_TAGS = frozenset(
    """
    system-reminder task-notification command-name command-message command-args local-command-stdout
    local-command-stderr local-command-caveat user-prompt-submit-hook user-memory-input bash-input bash-stdout bash-stderr
    new-diagnostics ide_opened_file ide_selection persisted-output tool_use_error function_calls function_call
    function_results function_result invoke tool_use tool_result thinking
    user_instructions environment_context turn_aborted user_shell_command permissions collaboration_mode model_switch
    personality_spec subagent_notification hook_prompt apps_instructions skills_instructions plugins_instructions instructions
    hook_context session_context loaded_context state_snapshot start_of_turn end_of_turn bos eos think tool_call tool_calls
    tool_response tool_output
    system_reminder system_notification current_datetime reminder reminderinstructions userrequest editorcontext
    available_skills skill_content
    task feedback user_message user_input environment_details explicit_instructions attempt_completion ask_followup_question
    execute_command read_file write_to_file replace_in_file use_mcp_tool
    system system_prompt system-prompt system_message system-message system_instruction system_instructions
    system-instructions developer developer_message human assistant cc-connect chatroom
    """.split()
)
_TAG_PREFIXES = ("antml:",)
_BRACKETS = (
    "[inst]", "[/inst]", "[sys]", "[/sys]", "[system_prompt]", "[/system_prompt]", "[available_tools]",
    "[/available_tools]", "[tool_calls]", "[tool_results]", "[/tool_results]", "[chatroom @", "<<sys>>", "<</sys>>", "@file:",
)

_KEEP, _BREAK, _SPACE, _ESCAPE, _DROP = range(5)


def _within(code, ranges):
    return any(first <= code <= last for first, last in ranges)


def _treatment(c):
    """The first row of the table that fits."""
    if " " <= c <= "~":
        return _KEEP
    if c in _BREAKS:
        return _BREAK
    if c in _SPACES:
        return _SPACE
    code = ord(c)
    if _within(code, _ESCAPED) or code & 0xFFFE == 0xFFFE:
        return _ESCAPE
    return _DROP if _within(code, _DROPPED) else _KEEP


def is_mark(c):
    return c >= "\u0300" and unicodedata.category(c)[0] == "M"


def is_letter_or_digit(c):
    return unicodedata.category(c)[0] in "LN" or _within(ord(c), _LETTERS)


def _escaped(c):
    return "\\u{%x}" % ord(c)


def _treated(text):
    """Each character with what is done to it; marks too many are left out."""
    marks = 0
    for c in text:
        what = _treatment(c)
        if what == _DROP:
            continue
        marks = marks + 1 if what == _KEEP and is_mark(c) else 0
        if marks <= MARKS_IN_A_ROW_MAX:
            yield c, what


def in_a_line(c):
    """What a character becomes in a file's name: nothing where cleaning escapes or drops it."""
    what = _treatment(c)
    return c if what == _KEEP else " " if what in (_BREAK, _SPACE) else ""


def clean_text(text):
    out = []
    for c, what in _treated(text.replace("\r\n", "\n")):
        out.append("\n" if what == _BREAK else _escaped(c) if what == _ESCAPE else c)
    return "".join(out)


def clean_line(text, chars_max=None):
    out = []
    for c, what in _treated(text):
        out.append(_escaped(c) if what == _ESCAPE else c if what == _KEEP else " ")
    # Only these spaces are folded; a no-break space has become one of them above.
    line = " ".join(word for word in "".join(out).split(" ") if word)
    if chars_max is not None and len(line) > chars_max:
        line = line[:chars_max - 1].rstrip(" ") + "…"
    return line


def clean_for_agent(text):
    """What an agent gets to see of a text: one form for each letter, and no tag of any agent's own."""
    return _without_tags(clean_text(unicodedata.normalize("NFC", clean_text(text))))


def clean_line_for_agent(text, chars_max=None):
    return clean_line(clean_for_agent(clean_line(text)), chars_max)


def _without_tags(text):
    if not any(c in text for c in "<[@"):
        return text
    return "".join(_escaped(c) if c in "<[@" and _begins_tag(text, at) else c for at, c in enumerate(text))


def _lower_ascii(text):
    return "".join(c.lower() if c.isascii() else c for c in text)


def _begins_tag(text, at):
    begin = _lower_ascii(text[at:at + 160])
    if begin.startswith(_BRACKETS):
        return True
    if begin[0] != "<":
        return False
    name = begin[1:]
    if name.startswith("\uff5c"):
        return True
    if name.startswith("|"):
        return _is_special_token(name[1:])
    if name.startswith("/"):
        name = name[1:]
    if name.startswith(_TAG_PREFIXES):
        return True
    return any(name.startswith(tag) and not _goes_on(name[len(tag):len(tag) + 1]) for tag in _TAGS)


def _goes_on(c):
    return c != "" and (is_letter_or_digit(c) or is_mark(c) and c.isalpha() or c in "_-.:")


def _is_special_token(text):
    length = 0
    while length < len(text) and text[length].isascii() and (text[length].isalnum() or text[length] in "_-./"):
        length += 1
    return 1 <= length <= _SPECIAL_TOKEN_CHARS_MAX and text.startswith("|>", length)


def clean_nick(nick):
    """A claimed name as it is shown; None where nothing is left."""
    cleaned = clean_line("".join(c for c in nick if _treatment(c) != _ESCAPE))
    kept, marks_left = [], 0
    for c in unicodedata.normalize("NFC", cleaned):
        c = "-" if c == " " else c
        if is_mark(c):
            if marks_left:
                marks_left -= 1
                kept.append(c)
            continue
        is_kept = (is_letter_or_digit(c) or c in "_-." or "\U0001f300" <= c <= "\U0001faff") and (kept or c not in "-.")
        if is_kept:
            kept.append(c)
        marks_left = _NICK_MARKS_MAX if is_kept and is_letter_or_digit(c) else 0
    return unicodedata.normalize("NFC", "".join(kept))[:_NICK_CHARS_MAX].rstrip("-.") or None


def fold(text):
    lower = "".join(c.lower() for c in unicodedata.normalize("NFC", text))
    return unicodedata.normalize("NFC", lower.replace("ς", "σ"))


def _is_word(c):
    return c != "" and (is_letter_or_digit(c) or c == "_" or is_mark(c))


def names(text, nick):
    """Whether a text names the reader; both are cleaned first."""
    nick = clean_nick(nick)
    if "@" not in text or nick is None:
        return False
    nick, text = fold(nick), fold(clean_text(text))
    at = text.find("@")
    while at >= 0:
        after = at + 1 + len(nick)
        if text.startswith(nick, at + 1) and not _is_word(text[at - 1:at]) and _ends_word(nick, text[after:after + 2]):
            return True
        at = text.find("@", at + 1)
    return False


def _ends_word(nick, rest):
    if rest[:1] in ("-", "."):
        return not _is_word(rest[1:])
    if _is_word(rest[:1]):
        return rest[0] >= "\u2e80" and nick[-1] < "\u2e80"
    return True
