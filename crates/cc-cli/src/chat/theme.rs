//! Colours and signs: what a terminal can show, and which colour is whose.
//!
//! Nothing is told by colour alone, and no background is painted over the whole screen: text stands in the terminal's own
//! colours, so light and dark both are as their owner likes them. The hues that are put on it can be read on either.

use ratatui::style::{Color, Modifier, Style};

/// How many colours there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// None: bold and dim only.
    None,
    /// The terminal's own sixteen.
    Sixteen,
    /// The fixed cube of 256.
    Cube,
}

/// Colours and signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// How many colours there are.
    pub depth: Depth,
    /// Whether signs beyond ASCII come out as they are.
    pub unicode: bool,
}

/// The signs that only we draw, and where: none of them can be in the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signs {
    /// Before each row of what somebody said.
    pub said: &'static str,
    /// Before each row of what somebody said to us.
    pub for_me: &'static str,
    /// Before what it answers.
    pub answers: &'static str,
    /// Before the rows of a file.
    pub file: &'static str,
    /// Before the rows that tell how far a message has come.
    pub foot: &'static str,
    /// Of rules.
    pub rule: &'static str,
    /// Around what happened.
    pub event: &'static str,
    /// It is on our disk.
    pub stored: &'static str,
    /// It is on the disk of another.
    pub reached: &'static str,
    /// Somebody's agent was shown it.
    pub offered: &'static str,
    /// Somebody is online.
    pub online: &'static str,
    /// Somebody is not.
    pub offline: &'static str,
    /// Between what is side by side.
    pub between: &'static str,
    /// The room that is looked at.
    pub current: &'static str,
    /// The part of a file that is here, and the part that is not.
    pub bar: (&'static str, &'static str),
    /// Something goes on.
    pub running: &'static str,
}

const UNICODE: Signs = Signs {
    said: "│",
    for_me: "┃",
    answers: "╭",
    file: "┆",
    foot: "╰",
    rule: "─",
    event: "—",
    stored: "✓",
    reached: "✓✓",
    offered: "✦",
    online: "●",
    offline: "○",
    between: "│",
    current: "▸",
    bar: ("█", "░"),
    running: "…",
};

const ASCII: Signs = Signs {
    said: "|",
    for_me: "#",
    answers: "/",
    file: ":",
    foot: "`",
    rule: "-",
    event: "--",
    stored: "+",
    reached: "++",
    offered: "*",
    online: "*",
    offline: "o",
    between: "|",
    current: ">",
    bar: ("#", "-"),
    running: "~",
};

/// Of the 256-colour cube: each can be read on black and on white, as a test holds.
const HUES: [u8; 13] = [32, 160, 64, 133, 130, 30, 63, 167, 28, 170, 94, 99, 125];

/// The same without the cube: the terminal chooses what they look like.
const SIXTEEN: [Color; 6] = [
    Color::Blue,
    Color::Red,
    Color::Green,
    Color::Magenta,
    Color::Cyan,
    Color::Yellow,
];

/// What tells a theme, as environment variables say it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints<'a> {
    /// `TERM`
    pub term: &'a str,
    /// `COLORTERM`
    pub colorterm: &'a str,
    /// The first of `LC_ALL`, `LC_CTYPE`, `LANG` that is not empty.
    pub locale: &'a str,
}

impl Theme {
    /// From whether colours are wanted, and what the terminal says of itself.
    pub fn new(colored: bool, hints: Hints<'_>) -> Self {
        let cube = !hints.colorterm.is_empty()
            || hints.term.contains("256")
            || ["kitty", "alacritty", "ghostty", "foot", "wezterm", "direct"]
                .iter()
                .any(|name| hints.term.contains(name));
        let locale = hints.locale.to_ascii_lowercase();
        Self {
            depth: match (colored, cube) {
                (false, _) => Depth::None,
                (true, false) => Depth::Sixteen,
                (true, true) => Depth::Cube,
            },
            unicode: hints.term != "linux"
                && (locale.is_empty() || locale.contains("utf-8") || locale.contains("utf8")),
        }
    }

    /// How the name of whoever has this key is written: the same at any time and on any machine.
    pub fn person(self, author: &str) -> Style {
        let place = |count: usize| {
            // FNV-1a: keys are random already, this only spreads them.
            let hash = author.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| {
                (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
            });
            (hash >> 16) as usize % count
        };
        let style = Style::new().add_modifier(Modifier::BOLD);
        match self.depth {
            Depth::None => style,
            Depth::Sixteen => style.fg(SIXTEEN[place(SIXTEEN.len())]),
            Depth::Cube => style.fg(Color::Indexed(HUES[place(HUES.len())])),
        }
    }

    /// The signs.
    pub const fn signs(self) -> &'static Signs {
        if self.unicode { &UNICODE } else { &ASCII }
    }

    fn hue(self, sixteen: Color, cube: u8) -> Style {
        match self.depth {
            Depth::None => Style::new(),
            Depth::Sixteen => Style::new().fg(sixteen),
            Depth::Cube => Style::new().fg(Color::Indexed(cube)),
        }
    }

    /// What went well, or is there.
    pub fn good(self) -> Style {
        self.hue(Color::Green, 28)
    }

    /// What went wrong.
    pub fn bad(self) -> Style {
        self.hue(Color::Red, 160).add_modifier(Modifier::BOLD)
    }

    /// What to heed.
    pub fn warn(self) -> Style {
        self.hue(Color::Yellow, 130).add_modifier(Modifier::BOLD)
    }

    /// What calls us by name, and the unread line.
    pub fn mention(self) -> Style {
        self.hue(Color::Magenta, 133).add_modifier(Modifier::BOLD)
    }

    /// What belongs to an agent.
    pub fn agent(self) -> Style {
        self.hue(Color::Cyan, 30)
    }
}

/// Plain text.
pub const fn plain() -> Style {
    Style::new()
}

/// What is said aside: times, system lines, hints.
pub const fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

/// Titles, and what matters.
pub const fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

/// What is chosen.
pub const fn chosen() -> Style {
    Style::new().add_modifier(Modifier::REVERSED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(index: u8) -> f64 {
        let channel = |level: u8| {
            let value = [0.0, 95.0, 135.0, 175.0, 215.0, 255.0][usize::from(level)] / 255.0;
            if value <= 0.03928 {
                value / 12.92
            } else {
                f64::powf((value + 0.055) / 1.055, 2.4)
            }
        };
        let cube = index - 16;
        0.2126 * channel(cube / 36) + 0.7152 * channel(cube / 6 % 6) + 0.0722 * channel(cube % 6)
    }

    #[test]
    fn every_hue_can_be_read_on_black_and_on_white() {
        for hue in HUES {
            let light = luminance(hue) + 0.05;
            assert!(light / 0.05 >= 2.8, "{hue} on black: {}", light / 0.05);
            assert!(1.05 / light >= 2.8, "{hue} on white: {}", 1.05 / light);
        }
    }

    #[test]
    fn a_person_keeps_a_colour_and_people_get_many() {
        let theme = Theme::new(
            true,
            Hints {
                term: "xterm-256color",
                ..Hints::default()
            },
        );
        let keys: Vec<String> = (0..200_u32).map(|n| format!("{n:064x}")).collect();
        let colors: std::collections::BTreeSet<String> = keys
            .iter()
            .map(|key| format!("{:?}", theme.person(key).fg))
            .collect();
        assert_eq!(colors.len(), HUES.len());
        assert_eq!(theme.person("ab"), theme.person("ab"));
    }

    #[test]
    fn what_the_terminal_says_of_itself_is_heeded() {
        let of = |colored, term, colorterm, locale| {
            let theme = Theme::new(
                colored,
                Hints {
                    term,
                    colorterm,
                    locale,
                },
            );
            (theme.depth, theme.unicode)
        };
        assert_eq!(of(true, "xterm", "", "C.UTF-8"), (Depth::Sixteen, true));
        assert_eq!(of(true, "tmux-256color", "", ""), (Depth::Cube, true));
        assert_eq!(
            of(true, "xterm", "truecolor", "en_US.utf8"),
            (Depth::Cube, true)
        );
        assert_eq!(of(true, "linux", "", "C"), (Depth::Sixteen, false));
        assert_eq!(
            of(false, "xterm-kitty", "truecolor", "C"),
            (Depth::None, false)
        );
    }

    #[test]
    fn without_colours_there_are_none() {
        let theme = Theme::new(false, Hints::default());
        for style in [
            theme.person("ab"),
            theme.good(),
            theme.bad(),
            theme.warn(),
            theme.mention(),
            theme.agent(),
            chosen(),
        ] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
