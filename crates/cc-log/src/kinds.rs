//! The newest lines of one kind, found by the index.

use std::collections::BTreeMap;

use cc_proto::body::Kind;
use cc_proto::id::ArrivalNo;
use cc_proto::message::Message;

use crate::error::ReadError;
use crate::line::Line;
use crate::reader::LogReader;
use crate::record::PREFIX_BYTES;
use crate::storage::Storage;
use crate::writer::LogWriter;

/// How much of the index is looked at in one go.
const RECORDS_AT_ONCE: u64 = 1000;

impl<S: Storage> LogWriter<S> {
    /// The lines of a kind among the newest `lines_max`, newest first, of each author at most `per_author_max`. Those
    /// whose message has no body are left out.
    ///
    /// # Errors
    /// [`ReadError::Io`].
    pub fn newest_of_kind(
        &self,
        kind: Kind,
        lines_max: u64,
        per_author_max: usize,
    ) -> Result<Vec<Line>, ReadError> {
        let mut found = Vec::new();
        // By author, as far as the index knows one: a flood of one author's is not read to its end.
        let mut met: BTreeMap<[u8; PREFIX_BYTES], usize> = BTreeMap::new();
        let mut to = self.len();
        let oldest = to.0.saturating_sub(lines_max);
        while to.0 > oldest {
            let before = to.0.saturating_sub(RECORDS_AT_ONCE).max(oldest);
            let records = self.index.records.between(ArrivalNo(before + 1), to)?;
            for (at, record) in records.into_iter().enumerate().rev() {
                let Some(record) = record.filter(|record| record.kind == kind.number()) else {
                    continue;
                };
                let count = met.entry(record.author).or_default();
                if *count == per_author_max || record.flags.erased() {
                    continue;
                }
                let line = self.read(ArrivalNo(before + 1 + at as u64))?;
                let is_one = |message: &Message| message.kind() == kind && message.body().is_some();
                if line.message.as_ref().is_ok_and(is_one) {
                    *count += 1;
                    found.push(line);
                }
            }
            to = ArrivalNo(before);
        }
        Ok(found)
    }
}

impl<S: Storage> LogReader<S> {
    /// The numbers of the lines of these kinds among `from..=to`, oldest first. A line that the index does not know is
    /// read; one whose message lost its body is among them, a damaged one is not.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn lines_of_kinds(
        &self,
        kinds: &[Kind],
        from: ArrivalNo,
        to: ArrivalNo,
    ) -> Result<Vec<ArrivalNo>, ReadError> {
        let numbers: Vec<u16> = kinds.iter().map(|kind| kind.number()).collect();
        let (mut next, to) = (from.0.max(1), to.0.min(self.len().0));
        let mut found = Vec::new();
        while next <= to {
            let last = to.min(next + RECORDS_AT_ONCE - 1);
            let records = self.records_between(ArrivalNo(next), ArrivalNo(last))?;
            for (record, n) in records.into_iter().zip(next..) {
                let kind = if let Some(record) = record {
                    Some(record.kind)
                } else {
                    let line = self.line(ArrivalNo(n))?;
                    line.message.ok().map(|message| message.kind().number())
                };
                if kind.is_some_and(|kind| numbers.contains(&kind)) {
                    found.push(ArrivalNo(n));
                }
            }
            next = last + 1;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cc_proto::body::{Body, Chat, Summary};
    use cc_proto::id::{ChainId, MessageId, RoomId, Seq, Timestamp};
    use cc_proto::identity::Identity;
    use cc_proto::message::NewMessage;

    use crate::fs::FsStorage;
    use crate::line::LineInfo;

    #[test]
    fn the_newest_of_each_author_are_found_in_and_beyond_what_is_written() {
        let home = tempfile::tempdir().unwrap();
        let room = RoomId::from_bytes([1; 32]);
        let people = [2, 3].map(|seed| Identity::from_seed([seed; 32]));
        let (mut log, _) =
            LogWriter::open(FsStorage, home.path(), room, people[0].author()).unwrap();
        let mut last = [None; 2];
        let said = |text: &str| Body::Chat(Chat { text: text.into() });
        let summed_up = |text: &str| {
            Body::Summary(Summary {
                text: text.into(),
                through: MessageId::from_bytes([7; 32]),
            })
        };
        for (who, body) in [
            (0, summed_up("one")),
            (1, summed_up("two")),
            (0, said("hello")),
            (0, summed_up("three")),
            (0, summed_up("four")),
            (1, said("bye")),
        ] {
            let place = last[who];
            let message = Message::write(
                &people[who],
                NewMessage {
                    room,
                    chain: ChainId(1),
                    seq: place.map_or(Seq::FIRST, |(seq, _): (Seq, _)| Seq(seq.0 + 1)),
                    prev: place.map(|(_, id)| id),
                    ts: Timestamp(1000),
                    via: String::new(),
                    re: None,
                    body,
                },
            )
            .unwrap();
            last[who] = Some((message.header().seq, message.id()));
            log.append(&message, Timestamp(2000), LineInfo::default())
                .unwrap();
            if who == 1 {
                log.commit().unwrap();
            }
        }
        let found = |log: &LogWriter<_>, lines, each| -> Vec<u64> {
            let lines = log.newest_of_kind(Kind::Summary, lines, each).unwrap();
            lines.iter().map(|line| line.n.0).collect()
        };
        assert_eq!(found(&log, 100, 1), [5, 2]);
        assert_eq!(found(&log, 100, 2), [5, 4, 2]);
        assert_eq!(found(&log, 2, 2), [5]);
        log.commit().unwrap();
        assert_eq!(found(&log, 100, 9), [5, 4, 2, 1]);

        let reader = LogReader::open(home.path()).unwrap();
        let read = |kinds: &[Kind], from, to| -> Vec<u64> {
            let lines = reader.lines_of_kinds(kinds, ArrivalNo(from), ArrivalNo(to));
            lines.unwrap().iter().map(|n| n.0).collect()
        };
        assert_eq!(read(&[Kind::Summary], 0, 100), [1, 2, 4, 5]);
        assert_eq!(read(&[Kind::Chat], 4, 6), [6]);
        assert_eq!(read(&[Kind::Chat, Kind::Summary], 2, 3), [2, 3]);
        assert_eq!(read(&[Kind::File], 1, 100), [0; 0]);
    }
}
