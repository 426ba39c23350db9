//! The terminal: made ours, and given back however the chat ends.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use data_encoding::BASE64;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
    EnableFocusChange, EnableMouseCapture, KeyboardEnhancementFlags, PopKeyboardEnhancementFlags,
    PushKeyboardEnhancementFlags,
};
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
    supports_keyboard_enhancement,
};
use ratatui::crossterm::{cursor, execute};

use super::theme::{Hints, Theme};
use super::view::Steady;

/// Whether the terminal is ours just now: it is given back once, whoever does it.
static OURS: AtomicBool = AtomicBool::new(false);
/// Whether it tells of keys in kitty's way.
static KITTY: AtomicBool = AtomicBool::new(false);

/// What is drawn on.
pub type Screen = Terminal<Steady<CrosstermBackend<io::Stdout>>>;

/// The terminal while it is ours; given back when this is dropped.
pub struct Ours {
    /// What is drawn on.
    pub screen: Screen,
    mouse: bool,
}

impl Ours {
    /// Takes the terminal. A panic gives it back before it is told.
    pub fn take(mouse: bool) -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
        let taken =
            enter(mouse).and_then(|()| Terminal::new(Steady(CrosstermBackend::new(io::stdout()))));
        if taken.is_err() {
            give_back();
        }
        let screen = taken?;
        Ok(Self { screen, mouse })
    }

    /// Takes clicks and the wheel, or leaves them to the terminal.
    pub fn set_mouse(&mut self, mouse: bool) -> io::Result<()> {
        self.mouse = mouse;
        if mouse {
            execute!(io::stdout(), EnableMouseCapture)
        } else {
            execute!(io::stdout(), DisableMouseCapture)
        }
    }

    /// Takes the terminal again after it was given back.
    pub fn take_again(&mut self) -> io::Result<()> {
        enter(self.mouse)?;
        if KITTY.load(Ordering::SeqCst) {
            push_keys()?;
        }
        self.clear()
    }

    /// Has the next frame drawn whole, on an empty screen.
    pub fn clear(&mut self) -> io::Result<()> {
        // Not by `clear`, which asks the terminal where the cursor is: the answer would be looked for among the keys.
        let size = self.screen.size()?;
        self.screen.resize(size.into())
    }

    /// Puts a text into the clipboard, where the terminal lets us: OSC 52.
    pub fn copy(text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        write!(out, "\x1b]52;c;{}\x07", BASE64.encode(text.as_bytes()))?;
        out.flush()
    }

    /// Rings, and says this where the terminal shows notifications: OSC 9. The text must be clean.
    pub fn notify(text: &str) -> io::Result<()> {
        let text: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
        let mut out = io::stdout().lock();
        // The first ends the sequence, the second rings.
        write!(out, "\x1b]9;{text}\x07\x07")?;
        out.flush()
    }
}

/// Asks the terminal whether it can tell of more keys, and has it do so. What is typed meanwhile is kept for who reads
/// the keys, who must not have begun yet.
pub fn ask_for_keys() {
    if matches!(supports_keyboard_enhancement(), Ok(true)) {
        KITTY.store(push_keys().is_ok(), Ordering::SeqCst);
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        give_back();
    }
}

/// Whether the terminal is ours just now: it is not after a part of us has panicked.
pub fn is_ours() -> bool {
    OURS.load(Ordering::SeqCst)
}

/// Gives the terminal back. Nothing happens where it is not ours.
pub fn give_back() {
    if !OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    // A terminal that is gone needs nothing.
    if KITTY.load(Ordering::SeqCst) {
        let _ = execute!(io::stdout(), PopKeyboardEnhancementFlags);
    }
    let _ = execute!(
        io::stdout(),
        DisableMouseCapture,
        DisableFocusChange,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
}

/// Colours and signs, as the environment says.
pub fn theme(colored: bool) -> Theme {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let mut locales = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().map(variable);
    let locale = locales.find(|locale| !locale.is_empty());
    Theme::new(
        colored,
        Hints {
            term: &variable("TERM"),
            colorterm: &variable("COLORTERM"),
            locale: &locale.unwrap_or_default(),
        },
    )
}

fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    OURS.store(true, Ordering::SeqCst);
    execute!(
        io::stdout(),
        EnterAlternateScreen,
        EnableBracketedPaste,
        EnableFocusChange
    )?;
    if mouse {
        execute!(io::stdout(), EnableMouseCapture)?;
    }
    Ok(())
}

fn push_keys() -> io::Result<()> {
    execute!(
        io::stdout(),
        PushKeyboardEnhancementFlags(KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES)
    )
}
