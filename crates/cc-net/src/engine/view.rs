//! The view for readers, `view.json`: who belongs, under which name, and what counts.

use cc_log::{RosterView, Storage, ViewCut, ViewError, ViewMember};
use cc_proto::id::AuthorId;

use super::RoomEngine;

impl<S: Storage> RoomEngine<S> {
    /// Writes the view by rename.
    pub(super) fn write_view(&self) -> Result<(), ViewError> {
        let roster = self.core.roster();
        let me = self.config.identity.author();
        let name = roster.name().to_owned();
        let mut view = RosterView::new(roster.room(), name, me, self.nick().to_owned());
        view.through = self.log.len().0;
        let members = roster.members().iter();
        view.members = members
            .map(|(author, member)| ViewMember {
                root: member.root,
                admin: member.admin,
                ..self.view_person(*author, &member.nick)
            })
            .collect();
        let former = roster.former().into_iter();
        view.former = former
            .map(|(author, former)| self.view_person(author, &former.nick))
            .collect();
        let bounds = roster.all_bounds().into_iter();
        view.cuts = bounds
            .map(|(author, bounds)| {
                let chains = bounds.chains.iter();
                ViewCut {
                    author,
                    chains: chains.map(|(chain, last)| (chain.0, last.0)).collect(),
                    others: bounds.others,
                }
            })
            .collect();
        view.strays = self.core.strays();
        view.summary = self.summaries.newest(&view).map(|n| n.0);
        view.save(&self.storage, &self.dir)
    }

    fn view_person(&self, author: AuthorId, nick: &str) -> ViewMember {
        let note = self.local.note(&author);
        ViewMember {
            author,
            nick: nick.to_owned(),
            petname: note.petname,
            root: false,
            admin: false,
            trust: note.trust,
        }
    }
}
