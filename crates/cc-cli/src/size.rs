//! Sizes as people write them: `500K`, `10M`, `1.5G`, `10MiB`, plain bytes, and `off`.

use crate::error::{CliError, CliResult, Kind};

/// Reads the size that is given to an option; `off` is 0. A `K` is 1,024 bytes, and so is a `KiB`.
pub fn parse(option: &str, text: &str) -> CliResult<u64> {
    bytes(text.trim()).ok_or_else(|| {
        let shown = cc_proto::text::clean_line(text, 40);
        CliError::new(Kind::Usage, format!("cannot understand {option} {shown}"))
            .hint("a size is 500K, 10M, 1.5G, 10MiB, a number of bytes, or off")
    })
}

fn bytes(text: &str) -> Option<u64> {
    if text.eq_ignore_ascii_case("off") {
        return Some(0);
    }
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start().to_ascii_lowercase();
    let power =
        ["", "k", "m", "g", "t"]
            .iter()
            .position(|letter| match unit.strip_prefix(letter) {
                Some("") => true,
                Some(rest) => rest == "ib" || rest == "b",
                None => false,
            })?;
    let unit = 1024_u64.pow(u32::try_from(power).ok()?);
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !digits(part) || part.len() > 9 {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut total = whole.checked_mul(unit)?;
    if !part.is_empty() {
        // A part of a byte is none.
        if unit == 1 {
            return None;
        }
        let of: u64 = part.parse().ok()?;
        let scale = 10_u128.pow(u32::try_from(part.len()).ok()?);
        let more = u128::from(of) * u128::from(unit) / scale;
        total = total.checked_add(u64::try_from(more).ok()?)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, size) in [
            ("0", 0),
            ("off", 0),
            ("OFF", 0),
            ("148", 148),
            ("148B", 148),
            ("500K", 500 * 1024),
            ("500k", 500 * 1024),
            ("500kb", 500 * 1024),
            ("10M", 10 * 1024 * 1024),
            ("10MiB", 10 * 1024 * 1024),
            ("10 MB", 10 * 1024 * 1024),
            ("1.5G", 3 * 512 * 1024 * 1024),
            (".5K", 512),
            ("2T", 2 << 40),
            ("16777215T", 16_777_215 << 40),
        ] {
            assert_eq!(parse("--auto-get", text).unwrap(), size, "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused_with_the_option() {
        for text in [
            "",
            "M",
            "-1",
            "1.5",
            "1.5B",
            "10X",
            "10MiBs",
            "1,5G",
            "1..5G",
            "ten",
            "16777216T",
            ".",
            "1e9",
            "18446744073709551616",
        ] {
            let error = parse("--quota", text).unwrap_err();
            assert_eq!(error.kind, Kind::Usage, "{text}");
            assert!(
                error.message.starts_with("cannot understand --quota"),
                "{text}"
            );
        }
    }
}
