//! A ticket as a QR code on a terminal.

use qrcode::{Color, EcLevel, QrCode};

use crate::error::{CliError, CliResult, Kind};

/// Light modules around the code, which readers need to find it.
const MARGIN: usize = 4;

/// The code in lines of half blocks, two rows of modules a line. With `colored`, black on white whatever the terminal's
/// colours are; without, in the terminal's own, so that a light module is a block: a light code on a dark terminal.
///
/// In capitals, as a ticket may be read: they take little more than half the room of small letters.
pub fn render(ticket: &str, colored: bool) -> CliResult<String> {
    let code = QrCode::with_error_correction_level(ticket.to_ascii_uppercase(), EcLevel::L)
        .map_err(|error| {
            CliError::new(Kind::Ticket, "the ticket does not fit into a QR code").because(&error)
        })?;
    let width = code.width();
    let is_light = |x: usize, y: usize| {
        let inside = |at: usize| at.checked_sub(MARGIN).filter(|at| *at < width);
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => code[(x, y)] == Color::Light,
            _ => true,
        }
    };
    let size = width + 2 * MARGIN;
    let lines = (0..size).step_by(2).map(|y| {
        let blocks: String = (0..size)
            .map(|x| match (is_light(x, y), is_light(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            })
            .collect();
        if colored {
            // Fixed places of the 256-colour cube: the first sixteen are the terminal's to choose.
            format!("\x1b[38;5;231;48;5;16m{blocks}\x1b[0m")
        } else {
            blocks
        }
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_a_margin_all_around_and_lines_of_one_width() {
        let code = render("cc1-abcdefghijklmnop", false).unwrap();
        let lines: Vec<Vec<char>> = code.lines().map(|line| line.chars().collect()).collect();
        let width = lines[0].len();
        assert!(lines.iter().all(|line| line.len() == width));
        for line in [&lines[0], &lines[1], &lines[lines.len() - 1]] {
            assert!(line.iter().all(|c| *c == '█'), "{code}");
        }
        for line in &lines {
            assert_eq!(line[..MARGIN], ['█'; MARGIN]);
            assert_eq!(line[width - MARGIN..], ['█'; MARGIN]);
        }
        // The corner marks: a ring of seven dark modules.
        assert_eq!(
            lines[2][MARGIN..MARGIN + 7],
            [' ', '▄', '▄', '▄', '▄', '▄', ' ']
        );
    }

    #[test]
    fn the_longest_ticket_fits() {
        let longest = "a".repeat(cc_proto::limits::TICKET_CHARS_MAX);
        assert!(render(&longest, true).is_ok());
    }
}
