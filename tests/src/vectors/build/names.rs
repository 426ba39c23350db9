//! What is shown of a text and of a name. Everything here was worked out by hand from the tables of
//! `spec/hook.md`. Long because it is a list of cases, one after the other.

use serde_json::{Value, json};

use super::Cases;

pub(super) fn add(cases: &mut Cases) {
    texts(cases);
    lines(cases);
    nicks(cases);
    mentions(cases);
    names(cases);
    file_names(cases);
}

fn file_names(cases: &mut Cases) {
    let all: [(&str, &str, &str, &str); 10] = [
        (
            "plain",
            "An ordinary name stays as it is.",
            "plan (2) @home, 50 %.tar.gz",
            "plan (2) @home, 50 %.tar.gz",
        ),
        ("nothing", "Where nothing is left it is file.", "..", "file"),
        (
            "path",
            "What divides a path is replaced, and a full stop at the beginning goes.",
            "../../x\\y\u{2215}z",
            "_.._x_y_z",
        ),
        (
            "spaces",
            "Line breaks and all spaces are spaces; those at the ends go.",
            " a\r\n\t\u{3000}b . ",
            "a b",
        ),
        (
            "begins-like-an-option",
            "Hyphens and marks at the beginning go.",
            "-\u{301}-rf",
            "rf",
        ),
        (
            "device",
            "A device of Windows gets a low line in front.",
            "Com\u{b9}.txt",
            "_Com\u{b9}.txt",
        ),
        (
            "invisible",
            "What cleaning drops or escapes goes.",
            "exe.\u{202e}gp\u{200b}j\u{1b}\u{e0041}",
            "exe.gpj",
        ),
        (
            "forged",
            "Nothing ends a quotation, begins a tag or a mark, or runs in a shell.",
            "x' (1 B) @file:\"[<$;&|`",
            "x\u{2019} (1 B) @file__(______",
        ),
        (
            "composed",
            "What NFC makes of a character is judged, and the rest is composed.",
            "a\u{37e}e\u{301}\u{ff0e}x",
            "a_\u{e9}.x",
        ),
        (
            "marks",
            "Of combining marks in a row eight stay.",
            "z\u{336}\u{336}\u{336}\u{336}\u{336}\u{336}\u{336}\u{336}\u{336}.a",
            "z\u{336}\u{336}\u{336}\u{336}\u{336}\u{336}\u{336}\u{336}.a",
        ),
    ];
    for (name, about, claimed, safe) in all {
        cases.ok(
            "file-name",
            name,
            about,
            json!({ "name": claimed }),
            &json!({ "name": safe }),
        );
    }
    let flags = |count| format!("x{}.png", "\u{1f1e9}\u{1f1ea}".repeat(count));
    cases.ok(
        "file-name",
        "long",
        "Of a long name the extension stays, and no flag is torn.",
        json!({ "name": flags(15) }),
        &json!({ "name": flags(14) }),
    );
}

fn texts(cases: &mut Cases) {
    let all: [(&str, &str, &str, &str); 18] = [
        ("empty", "Nothing stays nothing.", "", ""),
        (
            "ascii",
            "Plain text is unchanged.",
            "postgres, we have it ~",
            "postgres, we have it ~",
        ),
        (
            "other-scripts",
            "So are accents, CJK, right-to-left scripts and ordinary emoji.",
            "na\u{ef}ve \u{65e5}\u{672c} \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{1f680}",
            "na\u{ef}ve \u{65e5}\u{672c} \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{1f680}",
        ),
        (
            "combining",
            "Nothing is normalised.",
            "e\u{301}",
            "e\u{301}",
        ),
        (
            "line-breaks",
            "CR LF is one line break; CR, VT, FF, NEL, LS and PS are one each.",
            "a\r\nb\rc\u{b}d\u{c}e\u{85}f\u{2028}g\u{2029}h\nj",
            "a\nb\nc\nd\ne\nf\ng\nh\nj",
        ),
        (
            "line-break-pairs",
            "LF CR are two, and so are CR CR.",
            "a\n\rb\r\rc",
            "a\n\nb\n\nc",
        ),
        ("tab", "A tab is kept.", "a\tb", "a\tb"),
        (
            "spaces",
            "Wide and odd spaces are kept.",
            "a\u{a0}b\u{1680}c\u{2000}d\u{200a}e\u{202f}f\u{205f}g\u{3000}h",
            "a\u{a0}b\u{1680}c\u{2000}d\u{200a}e\u{202f}f\u{205f}g\u{3000}h",
        ),
        (
            "controls",
            "Controls are escaped, NUL and DEL too.",
            "\0\u{1}\u{8}\u{e}\u{1f}\u{7f}\u{80}\u{84}\u{86}\u{9f}",
            "\\u{0}\\u{1}\\u{8}\\u{e}\\u{1f}\\u{7f}\\u{80}\\u{84}\\u{86}\\u{9f}",
        ),
        (
            "ansi",
            "A terminal's escape sequences come to harmless text.",
            "\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}\u{9b}2J",
            "\\u{1b}[31mred\\u{1b}[0m\\u{1b}]0;title\\u{7}\\u{9b}2J",
        ),
        (
            "bidi",
            "Overrides, embeddings and isolates are escaped.",
            "a\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}b\u{2066}\u{2067}\u{2068}\u{2069}c",
            "a\\u{202a}\\u{202b}\\u{202c}\\u{202d}\\u{202e}b\\u{2066}\\u{2067}\\u{2068}\\u{2069}c",
        ),
        (
            "annotation",
            "Interlinear annotation is escaped.",
            "a\u{fff9}b\u{fffa}c\u{fffb}d",
            "a\\u{fff9}b\\u{fffa}c\\u{fffb}d",
        ),
        (
            "noncharacters",
            "Noncharacters of every plane are escaped.",
            "\u{fdd0}\u{fdef}\u{fffe}\u{ffff}\u{1fffe}\u{10ffff}",
            "\\u{fdd0}\\u{fdef}\\u{fffe}\\u{ffff}\\u{1fffe}\\u{10ffff}",
        ),
        (
            "marks",
            "Of combining marks in a row eight stay.",
            "a\u{301}\u{301}\u{301}\u{301}\u{200b}\u{301}\u{301}\u{301}\u{301}\u{336}\u{301}b\u{301}",
            "a\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}b\u{301}",
        ),
        (
            "zero-width",
            "Zero-width characters and bidi marks are dropped.",
            "a\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{61c}\u{2060}\u{2064}\u{2065}\u{206a}\u{206f}\u{feff}b",
            "ab",
        ),
        (
            "fillers",
            "Soft hyphens, joiners, fillers and the like are dropped.",
            "a\u{ad}\u{34f}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}\u{180e}\u{180f}\u{3164}\u{ffa0}\u{fff0}\u{fff8}\u{1bca0}\u{1d173}\u{1d17a}b",
            "ab",
        ),
        (
            "tags-and-selectors",
            "Tag characters and variation selectors, which can carry a hidden text, are dropped.",
            "a\u{e0041}\u{e0049}\u{e007f}\u{e0100}\u{e0fff}\u{fe00}\u{fe0f}b",
            "ab",
        ),
        (
            "neighbours",
            "The characters next to a class are not of it.",
            "\u{ac}\u{ae}\u{350}\u{115e}\u{1161}\u{1810}\u{2010}\u{2030}\u{3163}\u{fe10}\u{fdcf}\u{fdf0}\u{fffc}\u{fffd}\u{1d172}\u{1d17b}\u{1f000}",
            "\u{ac}\u{ae}\u{350}\u{115e}\u{1161}\u{1810}\u{2010}\u{2030}\u{3163}\u{fe10}\u{fdcf}\u{fdf0}\u{fffc}\u{fffd}\u{1d172}\u{1d17b}\u{1f000}",
        ),
    ];
    for (name, about, text, clean) in all {
        cases.ok(
            "clean-text",
            name,
            about,
            json!({ "text": text }),
            &json!({ "text": clean }),
        );
    }
}

fn lines(cases: &mut Cases) {
    let all: [(&str, &str, &str, u64, &str); 10] = [
        (
            "plain",
            "A name as it is.",
            "trip to Krak\u{f3}w",
            40,
            "trip to Krak\u{f3}w",
        ),
        (
            "breaks-and-tabs",
            "Line breaks and tabs become spaces, and runs of spaces become one.",
            "a\r\n\tb \u{3000}\u{2028} c",
            40,
            "a b c",
        ),
        (
            "ends",
            "Spaces are taken off both ends.",
            " \u{a0}a\n",
            40,
            "a",
        ),
        (
            "escaped",
            "Controls are escaped.",
            "a\u{1b}[2J",
            40,
            "a\\u{1b}[2J",
        ),
        (
            "dropped",
            "Nothing is left of invisible characters, nor of the space they stood in.",
            " \u{200b} ",
            40,
            "",
        ),
        (
            "exact",
            "As many characters as may be: nothing is cut.",
            "\u{e4}\u{f6}\u{fc}\u{df}",
            4,
            "\u{e4}\u{f6}\u{fc}\u{df}",
        ),
        (
            "cut",
            "One more: the last that is kept is an ellipsis.",
            "\u{e4}\u{f6}\u{fc}\u{df}x",
            4,
            "\u{e4}\u{f6}\u{fc}\u{2026}",
        ),
        (
            "cut-at-a-space",
            "No space is left before the ellipsis.",
            "ab cd",
            4,
            "ab\u{2026}",
        ),
        (
            "cut-to-one",
            "Of one character the ellipsis is left.",
            "abc",
            1,
            "\u{2026}",
        ),
        ("cut-to-none", "Of none, nothing.", "abc", 0, ""),
    ];
    for (name, about, text, chars_max, line) in all {
        let input = json!({ "text": text, "chars_max": chars_max });
        cases.ok("clean-line", name, about, input, &json!({ "line": line }));
    }
}

fn nicks(cases: &mut Cases) {
    let long = "x".repeat(100);
    let all: [(&str, &str, &str, &str); 16] = [
        ("plain", "A nick as it is.", "bob", "bob"),
        ("capitals", "Case is kept.", "Zo\u{eb}", "Zo\u{eb}"),
        ("space", "A space becomes a hyphen.", "Ann Lee", "Ann-Lee"),
        (
            "kept-signs",
            "`_`, `-` and `.` stay inside.",
            "a_b-c.d",
            "a_b-c.d",
        ),
        (
            "ends",
            "`-` and `.` are taken off the ends, `_` is not.",
            "-._a-.",
            "_a",
        ),
        (
            "header",
            "Brackets, colons and parentheses go: no header can be closed.",
            "bob 14:02Z] (for you)",
            "bob-1402Z-for-you",
        ),
        ("at", "`@` goes.", "@bob", "bob"),
        (
            "fingerprint",
            "`#` goes: no nick passes for a fingerprint.",
            "bob#0123456789",
            "bob0123456789",
        ),
        ("composed", "Letters are composed.", "e\u{301}", "\u{e9}"),
        (
            "escaped",
            "What cleaning escapes goes, its escape too.",
            "a\u{202e}b\u{1b}[31mc\u{fff9}\u{fdd0}",
            "ab31mc",
        ),
        ("invisible", "Invisible characters go.", "a\u{200b}l", "al"),
        (
            "marks",
            "A letter keeps three combining marks.",
            "x\u{330}\u{331}\u{332}\u{333}",
            "x\u{330}\u{331}\u{332}",
        ),
        (
            "mark-first",
            "A mark without a letter goes.",
            "\u{301}a",
            "a",
        ),
        (
            "devanagari",
            "Marks of a script stay.",
            "\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940}",
            "\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940}",
        ),
        (
            "emoji",
            "An emoji of U+1F300 to U+1FAFF stays.",
            "\u{1f980}",
            "\u{1f980}",
        ),
        ("long", "32 characters stay.", &long, &long[..32]),
    ];
    for (name, about, nick, clean) in all {
        cases.ok(
            "nick",
            name,
            about,
            json!({ "nick": nick }),
            &json!({ "nick": clean }),
        );
    }
    let nothing = [
        ("empty", "An empty nick.", ""),
        ("only-spaces", "Nothing but white space.", " \u{3000}\n"),
        ("only-signs", "Nothing but `-` and `.`.", "-.-"),
        ("only-brackets", "Nothing but what goes.", "[]@#:"),
        (
            "only-invisible",
            "Nothing but invisible characters.",
            "\u{200b}\u{feff}",
        ),
        ("only-marks", "Nothing but a combining mark.", "\u{301}"),
    ];
    for (name, about, nick) in nothing {
        cases.refused("nick", name, about, json!({ "nick": nick }), "nothing-left");
    }
}

fn mentions(cases: &mut Cases) {
    let mut mention = |name, about, text: &str, nick: &str, names: bool| {
        let input = json!({ "text": text, "nick": nick });
        cases.ok(
            "mention",
            name,
            about,
            input,
            &json!({ "names_reader": names }),
        );
    };
    let mut alice = |name, about, text, names| mention(name, about, text, "alice", names);
    alice("alone", "The nick with its @.", "@alice", true);
    alice("any-case", "In any case.", "hey @Alice, look", true);
    alice(
        "parentheses",
        "Signs are no part of a word.",
        "(@ALICE)",
        true,
    );
    alice("apostrophe", "Nor is an apostrophe.", "@alice's turn", true);
    alice(
        "full-stop",
        "A full stop ends the nick where no word goes on.",
        "ask @alice.",
        true,
    );
    alice("hyphen-end", "So does a hyphen.", "@alice- hm", true);
    alice(
        "without-at",
        "The bare nick calls nobody.",
        "alice said so",
        false,
    );
    alice(
        "e-mail",
        "An e-mail address names nobody.",
        "bob@alice.org",
        false,
    );
    alice(
        "longer-word",
        "A longer word is another nick.",
        "@alice2",
        false,
    );
    alice(
        "underscore",
        "An underscore goes on with the word.",
        "@alice_x",
        false,
    );
    alice(
        "hyphenated",
        "So does a hyphen with a letter behind it.",
        "@alice-two",
        false,
    );
    alice(
        "dotted",
        "So does a dot with a letter behind it.",
        "@alice.b",
        false,
    );
    alice(
        "shorter-word",
        "A shorter word is another nick.",
        "@ali",
        false,
    );
    alice(
        "space-after-at",
        "The nick follows the @ at once.",
        "@ alice",
        false,
    );
    alice(
        "accent-goes-on",
        "An accented letter goes on with the word.",
        "@alice\u{e9}",
        false,
    );
    alice(
        "mark-goes-on",
        "So does a combining mark.",
        "@alice\u{301}",
        false,
    );
    alice(
        "invisible-inside",
        "It is judged as it is shown: an invisible character is not there.",
        "@al\u{200b}ice",
        true,
    );
    alice(
        "bidi-inside",
        "An escaped character is.",
        "@al\u{202e}ice",
        false,
    );
    alice(
        "kana-after",
        "Kana and CJK end a nick of Latin letters.",
        "@alice\u{3055}\u{3093}",
        true,
    );
    alice("second", "Every @ is tried.", "@bob @alice", true);
    alice("twice-at", "An @ before the @ is no word.", "@@alice", true);
    mention(
        "greek-final-sigma",
        "A final sigma is a sigma.",
        "@\u{39d}\u{39a}\u{3a3} \u{3bd}\u{3b1}\u{3b9}",
        "\u{3bd}\u{3ba}\u{3c2}",
        true,
    );
    mention(
        "composed-or-not",
        "Composed or not does not matter.",
        "@Jose\u{301}?",
        "jos\u{e9}",
        true,
    );
    mention(
        "cjk-nick",
        "A nick that ends in CJK is not ended by CJK.",
        "@\u{5c71}\u{7530}",
        "\u{5c71}",
        false,
    );
    mention(
        "nick-is-cleaned",
        "The nick is cleaned before it is looked for.",
        "@Ann-Lee",
        "Ann Lee",
        true,
    );
    mention(
        "no-nick",
        "A nick of which nothing is left is never called.",
        "@",
        "",
        false,
    );
}

fn names(cases: &mut Cases) {
    let key = |byte: u8| data_encoding::HEXLOWER.encode(&[byte; 32]);
    let mut names = |name,
                     about,
                     members: &[(u8, &str, Option<&str>)],
                     me: Option<u8>,
                     shown: &[&str]| {
        let listed: Vec<Value> = members
            .iter()
            .map(|(byte, nick, petname)| json!({ "author": key(*byte), "nick": nick, "petname": petname }))
            .collect();
        let input = json!({ "members": listed, "me": me.map(key) });
        let shown: serde_json::Map<String, Value> = members
            .iter()
            .zip(shown)
            .map(|((byte, _, _), shown)| (key(*byte), (*shown).into()))
            .collect();
        cases.ok("names", name, about, input, &json!({ "names": shown }));
    };
    names(
        "different",
        "Names that differ are shown as they are.",
        &[(1, "alice", None), (2, "bob", None)],
        None,
        &["alice", "bob"],
    );
    names(
        "same",
        "Two of one name carry the fingerprint of their keys.",
        &[(1, "bob", None), (2, "bob", None)],
        None,
        &["bob#0101010101", "bob#0202020202"],
    );
    names(
        "case",
        "Case tells nobody apart.",
        &[(1, "Bob", None), (2, "bOB", None)],
        None,
        &["Bob#0101010101", "bOB#0202020202"],
    );
    names(
        "cyrillic",
        "A Cyrillic letter looks like its Latin twin.",
        &[(1, "alice", None), (2, "\u{430}lice", None)],
        None,
        &["alice#0101010101", "\u{430}lice#0202020202"],
    );
    names(
        "digits",
        "Letters and digits of one shape look alike.",
        &[(1, "b0b1l", None), (2, "boblI", None)],
        None,
        &["b0b1l#0101010101", "boblI#0202020202"],
    );
    names(
        "full-width",
        "Compatible forms look alike.",
        &[(1, "bob", None), (2, "\u{ff42}\u{ff4f}\u{ff42}", None)],
        None,
        &["bob#0101010101", "\u{ff42}\u{ff4f}\u{ff42}#0202020202"],
    );
    names(
        "signs-and-accents",
        "Hyphens, dots, underscores and accents tell nobody apart.",
        &[(1, "ann-lee", None), (2, "ann_l\u{e9}e", None)],
        None,
        &["ann-lee#0101010101", "ann_l\u{e9}e#0202020202"],
    );
    names(
        "skeleton",
        "Other confusables of UTS #39 look alike too: a pair of letters, one of another alphabet.",
        &[
            (1, "modem", None),
            (2, "rnodern", None),
            (3, "scope", None),
            (4, "\u{455}\u{441}\u{43e}\u{440}\u{435}", None),
        ],
        None,
        &[
            "modem#0101010101",
            "rnodern#0202020202",
            "scope#0303030303",
            "\u{455}\u{441}\u{43e}\u{440}\u{435}#0404040404",
        ],
    );
    names(
        "case-and-shape",
        "A capital i is an i to who reads without case, and an l to who looks.",
        &[(1, "Ian", None), (2, "ian", None), (3, "lan", None)],
        None,
        &["Ian#0101010101", "ian#0202020202", "lan#0303030303"],
    );
    names(
        "not-alike",
        "Letters that differ stay apart.",
        &[(1, "bob", None), (2, "rob", None), (3, "bobo", None)],
        None,
        &["bob", "rob", "bobo"],
    );
    names(
        "nick-behind-a-petname",
        "A nick that is not shown, as a petname outranks it, is still somebody's.",
        &[(1, "bob", Some("Robert")), (2, "bob", None)],
        None,
        &["Robert", "bob#0202020202"],
    );
    names(
        "my-nick-claimed",
        "Nor is the reader's nick to be claimed by another, in whatever letters.",
        &[(1, "alice", None), (2, "\u{430}l\u{456}ce", None)],
        Some(1),
        &["alice", "\u{430}l\u{456}ce#0202020202"],
    );
    names(
        "petname",
        "A petname is shown for the nick, and a claim that looks like it carries the fingerprint.",
        &[(1, "mallory", Some("bob")), (2, "bob", None)],
        None,
        &["bob", "bob#0202020202"],
    );
    names(
        "me",
        "The reader's own nick stays as it is.",
        &[(1, "me", None), (2, "ME", None)],
        Some(1),
        &["me", "ME#0202020202"],
    );
    names(
        "no-nick",
        "A member of whose nick nothing is left is shown as the fingerprint.",
        &[(1, "]", None), (2, "", None)],
        None,
        &["0101010101", "0202020202"],
    );
    names(
        "fingerprint-claimed",
        "A nick that is the fingerprint of another carries its own.",
        &[(1, "]", None), (2, "0101010101", None)],
        None,
        &["0101010101", "0101010101#0202020202"],
    );
    names(
        "empty-petname",
        "A petname of which nothing is left does not count.",
        &[(1, "bob", Some("]"))],
        None,
        &["bob"],
    );
    names(
        "cleaned",
        "Nicks are cleaned.",
        &[(1, "bob] (for you)", None)],
        None,
        &["bob-for-you"],
    );
}
