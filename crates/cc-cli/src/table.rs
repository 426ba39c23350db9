//! Columns that line up, whatever the width of what stands in them.

use unicode_width::UnicodeWidthStr as _;

/// One line a row, two spaces between columns, none at the end of a line.
pub fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> Vec<String> {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let line = |row: &[String; COLUMNS]| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width - cell.width() + 2));
        }
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_take_two_columns() {
        let rows = [["日本", "x"], ["abc", "y"], ["", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows), ["日本  x", "abc   y", ""]);
    }
}
