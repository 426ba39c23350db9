//! What is too long for one message, cut into several.

use cc_proto::limits::TEXT_BYTES_MAX;
use unicode_segmentation::UnicodeSegmentation as _;

/// A text in parts that each fit into a message: cut at line breaks, else at spaces, else between characters. Nothing is
/// left out but the line break or space that it is cut at.
pub fn parts(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > TEXT_BYTES_MAX {
        let mut end = TEXT_BYTES_MAX;
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let window = &rest[..end];
        let gap = window
            .rfind('\n')
            .or_else(|| window.rfind(' '))
            .filter(|at| *at > 0);
        let (part, skip) = match gap {
            Some(at) => (at, 1),
            None => (last_boundary(window), 0),
        };
        parts.push(rest[..part].to_owned());
        rest = &rest[part + skip..];
    }
    parts.push(rest.to_owned());
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// The beginning of the last character, which what follows may go on with.
fn last_boundary(window: &str) -> usize {
    match window.grapheme_indices(true).next_back() {
        Some((at, _)) if at > 0 => at,
        // A single cluster of that size is cut anywhere.
        _ => window.len(),
    }
}
