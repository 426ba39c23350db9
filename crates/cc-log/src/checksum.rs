//! CRC-32 (the polynomial of Ethernet and zip) over the index's records. It finds torn and stale
//! pages; it is no defence against someone who writes to the home folder, and need not be: what is
//! read from the log is checked against its id.

/// `TABLES[k][b]` is what byte `b` makes of the value `k` bytes later: eight bytes at a time, as a
/// hook checks thousands of records.
const TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                (value >> 1) ^ 0xEDB8_8320
            } else {
                value >> 1
            };
            bit += 1;
        }
        tables[0][byte] = value;
        byte += 1;
    }
    let mut later = 1;
    while later < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[later - 1][byte];
            tables[later][byte] = (before >> 8) ^ tables[0][(before & 0xFF) as usize];
            byte += 1;
        }
        later += 1;
    }
    tables
}

/// The CRC-32 of all parts in a row.
pub(crate) fn crc32(parts: &[&[u8]]) -> u32 {
    let mut value = u32::MAX;
    for part in parts {
        let (eights, rest) = part.as_chunks::<8>();
        for eight in eights {
            let mixed = u64::from_le_bytes(*eight) ^ u64::from(value);
            value = 0;
            for (at, byte) in mixed.to_le_bytes().into_iter().enumerate() {
                value ^= TABLES[7 - at][usize::from(byte)];
            }
        }
        for byte in rest {
            value = (value >> 8) ^ TABLES[0][((value ^ u32::from(*byte)) & 0xFF) as usize];
        }
    }
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_published_check_value() {
        assert_eq!(crc32(&[b"1234", b"56789"]), 0xCBF4_3926);
        assert_eq!(crc32(&[b"123456789"]), 0xCBF4_3926);
    }

    #[test]
    fn does_not_depend_on_where_the_parts_end() {
        let bytes: Vec<u8> = (0..=255).collect();
        let whole = crc32(&[&bytes]);
        assert_eq!(whole, 0x2905_8C73);
        for at in 0..bytes.len() {
            assert_eq!(crc32(&[&bytes[..at], &bytes[at..]]), whole, "{at}");
        }
    }
}
