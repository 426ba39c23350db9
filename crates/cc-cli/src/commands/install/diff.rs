//! Which lines of a file would go and which would come.

use cc_proto::text::clean_line;

/// Longer files are compared by what they begin and end with alike.
const COMPARED_MAX: usize = 2000;
const SHOWN_CHARS_MAX: usize = 200;

/// Each with `-` or `+` before it, fit for a terminal.
pub fn lines(before: Option<&str>, after: Option<&str>) -> Vec<String> {
    let before: Vec<&str> = before.unwrap_or_default().lines().collect();
    let after: Vec<&str> = after.unwrap_or_default().lines().collect();
    let alike =
        |pairs: usize, at: &dyn Fn(usize) -> bool| (0..pairs).take_while(|i| at(*i)).count();
    let least = before.len().min(after.len());
    let head = alike(least, &|i| before[i] == after[i]);
    let tail = alike(least - head, &|i| {
        before[before.len() - 1 - i] == after[after.len() - 1 - i]
    });
    let (before, after) = (
        &before[head..before.len() - tail],
        &after[head..after.len() - tail],
    );
    let changed = if before.len() * after.len() > COMPARED_MAX * COMPARED_MAX {
        let gone = before.iter().map(|line| ('-', *line));
        gone.chain(after.iter().map(|line| ('+', *line))).collect()
    } else {
        compare(before, after)
    };
    let show = |(sign, line): (char, &str)| format!("{sign} {}", clean_line(line, SHOWN_CHARS_MAX));
    changed.into_iter().map(show).collect()
}

/// By the longest common subsequence.
fn compare<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<(char, &'a str)> {
    let width = after.len() + 1;
    let mut longest = vec![0_u32; (before.len() + 1) * width];
    for i in (0..before.len()).rev() {
        for j in (0..after.len()).rev() {
            longest[i * width + j] = if before[i] == after[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut changed = Vec::new();
    while i < before.len() || j < after.len() {
        let same = i < before.len() && j < after.len() && before[i] == after[j];
        if same {
            (i, j) = (i + 1, j + 1);
        } else if j >= after.len()
            || (i < before.len() && longest[(i + 1) * width + j] >= longest[i * width + j + 1])
        {
            changed.push(('-', before[i]));
            i += 1;
        } else {
            changed.push(('+', after[j]));
            j += 1;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown() {
        let before = "a\nb\nc\nd";
        assert_eq!(lines(Some(before), Some(before)), [""; 0]);
        assert_eq!(
            lines(Some(before), Some("a\nx\nc\ny\nd")),
            ["- b", "+ x", "+ y"]
        );
        assert_eq!(lines(None, Some("a\u{1b}")).len(), 1);
        assert_eq!(lines(Some("a"), None), ["- a"]);
    }
}
