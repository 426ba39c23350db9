//! What the methods about who belongs do, and how the roster's refusals are told.

use std::collections::{BTreeMap, BTreeSet};

use cc_net::{DraftError, InviteOptions, LocalError, NewInvite, People, Room, SendError};
use cc_proto::id::{AuthorId, InviteKey, MessageId, Timestamp};
use cc_proto::limits::{NICK_BYTES_MAX, NOTE_BYTES_MAX};
use cc_proto::message::Message;
use cc_proto::room::{Act, RejectReason};
use cc_proto::roster::{InviteStatus, NotAllowed};
use cc_proto::text::{MemberName, clean_nick, fingerprint};

use super::keeper::KeeperHandle;
use super::methods::{closed, send_error};
use crate::error::{CliError, Kind};
use crate::names;
use crate::rpc::{
    Acted, AdminParams, Expires, FormerPerson, InviteInfo, InviteList, InviteParams, Invited,
    People as PeopleResult, Person, PetnameParams, RemoveParams, RemoveResult, RetractParams,
    RevokeParams, RoomParams, RpcError, TrustParams, code,
};
use crate::when;

/// How long an invite lasts where nothing else is said.
const INVITE_MS_DEFAULT: u64 = 7 * 24 * 60 * 60 * 1000;

/// `room.invite`
pub async fn invite(keeper: &KeeperHandle, params: InviteParams) -> Result<Invited, RpcError> {
    let room = keeper.room(&params.room)?;
    let expires = match params.expires {
        None => Some(Timestamp(when::now().0 + INVITE_MS_DEFAULT)),
        Some(Expires::At(time)) => Some(Timestamp(time)),
        Some(Expires::Word(_)) => None,
    };
    if expires.is_some_and(|time| time <= when::now()) {
        return Err(invalid("an invite ends in the future"));
    }
    if params.uses == Some(0) {
        return Err(invalid("an invite is for one person at least"));
    }
    if params.note.len() > NOTE_BYTES_MAX {
        return Err(invalid(format!(
            "a note has at most {NOTE_BYTES_MAX} bytes"
        )));
    }
    let back = params.back.as_deref().map(member_id).transpose()?;
    let options = InviteOptions {
        expires,
        uses_max: params.uses,
        note: params.note.clone(),
        back,
    };
    let NewInvite { key, ticket, sent } = match room.invite(options).await {
        Ok(made) => made,
        Err(error) => return Err(act_error(&room, &error).await),
    };
    Ok(Invited {
        room: room.id().to_hex(),
        invite: key.to_hex(),
        ticket: ticket.to_string(),
        expires: expires.map(|time| time.0),
        uses: params.uses,
        note: params.note,
        id: sent.id.to_hex(),
        n: sent.n.0,
    })
}

/// `room.invites`
pub async fn invites(keeper: &KeeperHandle, params: RoomParams) -> Result<InviteList, RpcError> {
    let room = keeper.room(&params.room)?;
    let people = people_of(&room).await?;
    let names = names_of(&people);
    let now = when::now();
    let invites = people.invites.iter().map(|invite| InviteInfo {
        invite: invite.key.to_hex(),
        by: invite.by.to_hex(),
        by_name: name(&names, &invite.by),
        expires: invite.expires.map(|time| time.0),
        expired: invite.expires.is_some_and(|time| time <= now),
        uses: invite.uses_max,
        used: invite.used,
        note: invite.note.clone(),
        revoked: invite.revoked,
    });
    Ok(InviteList {
        room: params.room,
        invites: invites.collect(),
    })
}

/// `room.revoke`
pub async fn revoke(keeper: &KeeperHandle, params: RevokeParams) -> Result<Acted, RpcError> {
    let room = keeper.room(&params.room)?;
    let invite: InviteKey = params
        .invite
        .parse()
        .map_err(|_| invalid("an invite's id is 64 hexadecimal digits"))?;
    act(&room, Act::Revoke { invite }).await
}

/// `room.members`
pub async fn members(keeper: &KeeperHandle, params: RoomParams) -> Result<PeopleResult, RpcError> {
    let room = keeper.room(&params.room)?;
    let people = people_of(&room).await?;
    let names = names_of(&people);
    let me = keeper.me;
    let forked: BTreeSet<AuthorId> = people.forked.iter().copied().collect();
    let members = people.members.iter().map(|person| {
        let name = name(&names, &person.author);
        Person {
            author: person.author.to_hex(),
            fingerprint: fingerprint(&person.author),
            lookalike: name.contains('#'),
            name,
            nick: person.nick.clone(),
            petname: person.petname.clone(),
            trust: person.trust.into(),
            root: person.root,
            admin: person.admin,
            me: person.me,
            online: person.online,
            over: person.over,
            forked: person.forked,
            doors: person.doors.iter().map(AuthorId::to_hex).collect(),
            invites: person.invites.iter().map(InviteKey::to_hex).collect(),
        }
    });
    let former = people.former.iter().map(|person| FormerPerson {
        author: person.author.to_hex(),
        fingerprint: fingerprint(&person.author),
        name: name(&names, &person.author),
        nick: person.nick.clone(),
        petname: person.petname.clone(),
        trust: person.trust.into(),
        me: person.author == me,
        removed: person.removed,
        left: person.left,
        by: person.by.iter().map(AuthorId::to_hex).collect(),
        forked: forked.contains(&person.author),
    });
    Ok(PeopleResult {
        room: params.room,
        members: members.collect(),
        former: former.collect(),
    })
}

/// `room.remove`
pub async fn remove(keeper: &KeeperHandle, params: RemoveParams) -> Result<RemoveResult, RpcError> {
    let room = keeper.room(&params.room)?;
    let member = member_id(&params.member)?;
    let good = |invites: &[InviteStatus]| -> BTreeSet<InviteKey> {
        let good = invites.iter().filter(|invite| !invite.revoked);
        good.map(|invite| invite.key).collect()
    };
    let before = good(&people_of(&room).await?.invites);
    let acted = act(
        &room,
        Act::Remove {
            member,
            keep_invite: params.keep_invite,
        },
    )
    .await?;
    let after = good(&people_of(&room).await?.invites);
    Ok(RemoveResult {
        room: acted.room,
        id: acted.id,
        n: acted.n,
        voided: before.difference(&after).map(InviteKey::to_hex).collect(),
    })
}

/// `room.admin`
pub async fn admin(keeper: &KeeperHandle, params: AdminParams) -> Result<Acted, RpcError> {
    let room = keeper.room(&params.room)?;
    let member = member_id(&params.member)?;
    let admin = params.admin;
    act(&room, Act::Grant { member, admin }).await
}

/// `room.retract`
pub async fn retract(keeper: &KeeperHandle, params: RetractParams) -> Result<Acted, RpcError> {
    let room = keeper.room(&params.room)?;
    let message: MessageId = params
        .message
        .parse()
        .map_err(|_| invalid("a message's id is 64 hexadecimal digits"))?;
    let found = find(&room, message).await?;
    if found.shapes_roster() {
        let said = "what says who belongs cannot be taken back";
        return Err(RpcError::new(code::NOT_ALLOWED, said));
    }
    if found.wire().body.is_none() {
        let said = "that message was taken back already";
        return Err(RpcError::new(code::NOT_ALLOWED, said));
    }
    let header = found.header();
    let act_of = Act::Retract {
        author: header.author,
        chain: header.chain,
        seq: header.seq,
        message,
    };
    act(&room, act_of).await
}

/// A message in our log.
async fn find(room: &Room, message: MessageId) -> Result<Message, RpcError> {
    let room = room.clone();
    let found = tokio::task::spawn_blocking(move || {
        let reader = room.reader()?;
        reader.find(&message, reader.len().0)
    });
    let found = found
        .await
        .map_err(|error| RpcError::new(code::INTERNAL_ERROR, error.to_string()))?
        .map_err(|error| RpcError::new(code::DISK, error.to_string()))?;
    let found = found.and_then(|line| line.message.ok());
    found.ok_or_else(|| {
        RpcError::new(
            code::NO_SUCH_MESSAGE,
            NotAllowed::UnknownMessage.to_string(),
        )
    })
}

/// `room.trust`
pub async fn trust(keeper: &KeeperHandle, params: TrustParams) -> Result<(), RpcError> {
    let room = keeper.room(&params.room)?;
    let member = member_id(&params.member)?;
    let set = room.set_trust(member, params.trust.into()).await;
    set.map_err(|error| note_error(&error))
}

/// `room.petname`
pub async fn petname(keeper: &KeeperHandle, params: PetnameParams) -> Result<(), RpcError> {
    let room = keeper.room(&params.room)?;
    let member = member_id(&params.member)?;
    let petname = match params.petname {
        None => None,
        Some(petname) => Some(clean_nick(&petname).ok_or_else(|| {
            RpcError::new(code::BAD_NAME, "nothing of that name can be shown")
                .hint("choose one of letters and digits")
        })?),
    };
    let set = room.set_petname(member, petname).await;
    set.map_err(|error| note_error(&error))
}

/// Why nothing was noted down.
pub fn note_error(error: &LocalError) -> RpcError {
    match error {
        LocalError::InvalidName { .. } => RpcError::new(
            code::BAD_NAME,
            format!("a petname has at most {NICK_BYTES_MAX} bytes, of letters and digits"),
        ),
        LocalError::NameTaken { by, .. } => RpcError::new(
            code::BAD_NAME,
            "you call another member by this name already",
        )
        .hint(format!("cc-connect petname {} --clear", by.short())),
        LocalError::UnknownPerson => RpcError::new(code::NO_SUCH_MEMBER, "there is no such member"),
        LocalError::Closed => closed(),
        _ => RpcError::new(
            code::DISK,
            CliError::new(Kind::Disk, error.to_string())
                .because_of_sources(error)
                .to_string(),
        ),
    }
}

async fn act(room: &Room, act: Act) -> Result<Acted, RpcError> {
    match room.act(act).await {
        Ok(sent) => Ok(Acted {
            room: room.id().to_hex(),
            id: sent.id.to_hex(),
            n: sent.n.0,
        }),
        Err(error) => Err(act_error(room, &error).await),
    }
}

async fn people_of(room: &Room) -> Result<People, RpcError> {
    room.people().await.map_err(|_| closed())
}

pub fn member_id(member: &str) -> Result<AuthorId, RpcError> {
    member
        .parse()
        .map_err(|_| invalid("a member's key is 64 hexadecimal digits"))
}

fn names_of(people: &People) -> BTreeMap<AuthorId, String> {
    let members: Vec<MemberName<'_>> = people
        .members
        .iter()
        .map(|person| MemberName {
            author: person.author,
            nick: &person.nick,
            petname: person.petname.as_deref(),
        })
        .collect();
    let former: Vec<MemberName<'_>> = people
        .former
        .iter()
        .map(|person| MemberName {
            author: person.author,
            nick: &person.nick,
            petname: person.petname.as_deref(),
        })
        .collect();
    let me = people.members.iter().find(|person| person.me);
    names::shown(&members, &former, me.map(|person| person.author))
}

fn name(names: &BTreeMap<AuthorId, String>, author: &AuthorId) -> String {
    let name = names.get(author).cloned();
    name.unwrap_or_else(|| fingerprint(author))
}

fn invalid(message: impl Into<String>) -> RpcError {
    RpcError::new(code::INVALID_PARAMS, message)
}

/// A refused act, with whom to ask where somebody else could do it.
async fn act_error(room: &Room, error: &SendError) -> RpcError {
    let SendError::Draft(DraftError::Rejected(RejectReason::NotAllowed(why))) = error else {
        return send_error(error);
    };
    let told = match why {
        NotAllowed::NotAMember => RpcError::new(code::NO_SUCH_MEMBER, why.to_string()),
        NotAllowed::UnknownInvite => RpcError::new(code::NO_SUCH_INVITE, why.to_string()),
        NotAllowed::UnknownMessage => RpcError::new(code::NO_SUCH_MESSAGE, why.to_string()),
        _ => RpcError::new(code::NOT_ALLOWED, why.to_string()),
    };
    let Ok(people) = people_of(room).await else {
        return told;
    };
    let names = names_of(&people);
    let those = |is: &dyn Fn(&cc_net::PersonStatus) -> bool| -> String {
        let found = people.members.iter().filter(|person| is(person));
        let names: Vec<String> = found
            .map(|person| format!("@{}", name(&names, &person.author)))
            .collect();
        names.join(", ")
    };
    match why {
        NotAllowed::NotAnAdmin | NotAllowed::NotYours | NotAllowed::MayNotInvite => {
            told.hint(format!(
                "ask one of the admins: {}",
                those(&|person| person.root || person.admin)
            ))
        }
        NotAllowed::NotTheRoot | NotAllowed::IsAnEarlierAdmin => told.hint(format!(
            "ask who made the room: {}",
            those(&|person| person.root)
        )),
        NotAllowed::IsOneself => told.hint("cc-connect leave ends your own membership"),
        NotAllowed::NotRemoved => told.hint("cc-connect invite makes a ticket for anybody"),
        _ => told,
    }
}
