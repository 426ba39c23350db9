//! What must hold at the end of a run.

use std::collections::BTreeSet;

use cc_proto::id::{ArrivalNo, MessageId};
use cc_proto::message::Message;

use super::machine::Machine;
use super::{Report, World};

impl World {
    /// The first difference between the members, if there is one.
    pub(super) fn differences(&self) -> Option<String> {
        let mut members = self.running_members();
        let first = members.next()?;
        let (heads, roster) = (first.1.core().heads(), first.1.core().roster());
        for (index, engine) in members {
            if engine.core().roster() != roster {
                return Some(format!("rosters of machines {} and {index}", first.0));
            }
            if engine.core().heads() != heads {
                let (ours, theirs) = (heads.len(), engine.core().heads().len());
                let named = format!("machines {} and {index}", first.0);
                return Some(format!("heads of {named}: {ours} and {theirs} tips"));
            }
        }
        let waiting = |machine: &Machine| machine.engine.is_some() && !machine.is_member();
        let index = self.machines.iter().position(waiting)?;
        Some(format!("machine {index} was not let in"))
    }

    fn running_members(
        &self,
    ) -> impl Iterator<
        Item = (
            usize,
            &cc_net::engine::RoomEngine<cc_log::fault::FaultStorage>,
        ),
    > {
        self.machines
            .iter()
            .enumerate()
            .filter_map(|(index, machine)| {
                let engine = machine.engine.as_ref()?;
                machine.is_member().then_some((index, engine))
            })
    }

    fn stored(&self, index: usize) -> Result<Vec<Message>, String> {
        let Some(engine) = &self.machines[index].engine else {
            return Ok(Vec::new());
        };
        let log = engine.log();
        (1..=log.len().0)
            .map(|n| {
                let line = log.read(ArrivalNo(n)).map_err(|error| error.to_string())?;
                line.message
                    .map_err(|error| format!("line {n} of machine {index}: {error}"))
            })
            .collect()
    }

    pub(super) fn check_end(&mut self) -> Result<(), String> {
        let members: Vec<usize> = self.running_members().map(|(index, _)| index).collect();
        let mut all: Option<BTreeSet<MessageId>> = None;
        for index in members {
            let messages = self.stored(index)?;
            let ids: BTreeSet<MessageId> = messages.iter().map(Message::id).collect();
            if ids.len() != messages.len() {
                return Err(format!("machine {index} holds a message twice"));
            }
            if let Some(forged) = ids.intersection(&self.forged).next() {
                return Err(format!("machine {index} holds the forged {forged}"));
            }
            if let Some(lost) = self.acknowledged.difference(&ids).next() {
                return Err(format!(
                    "machine {index} lacks {lost}, which was acknowledged"
                ));
            }
            if all.get_or_insert_with(|| ids.clone()) != &ids {
                return Err(format!(
                    "machine {index} holds other messages than the first"
                ));
            }
            self.check_readers(index, &messages)?;
        }
        Ok(())
    }

    fn check_readers(&mut self, index: usize, messages: &[Message]) -> Result<(), String> {
        for session in 0..self.machines[index].sessions.len() {
            self.prompt(index, session, false)?;
        }
        let me = self.machines[index].me();
        let injectable: Vec<MessageId> = messages
            .iter()
            .filter(|message| message.text().is_some())
            .filter(|message| message.header().author != me || message.header().via.is_empty())
            .map(Message::id)
            .collect();
        self.check_offers(index, &injectable)
    }

    pub(super) fn report(&self, healed_ms: u64) -> Report {
        let members = self.running_members().count();
        let lines = |engine: &cc_net::engine::RoomEngine<_>| engine.log().len().0 as usize;
        Report {
            acknowledged: self.acknowledged.len(),
            messages: self
                .running_members()
                .next()
                .map_or(0, |(_, engine)| lines(engine)),
            members,
            crashes: self.crashes,
            healed_ms,
        }
    }
}
