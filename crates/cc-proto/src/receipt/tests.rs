use proptest::prelude::*;

use super::*;

const ROOM: RoomId = RoomId::from_bytes([7; 32]);

fn identity(seed: u8) -> Identity {
    Identity::from_seed([seed; 32])
}

fn author(seed: u8) -> AuthorId {
    identity(seed).author()
}

fn run(first: u64, count: u64) -> Run {
    Run {
        first: Seq(first),
        count,
    }
}

fn reached(by: u8, seq: u64) -> Reached {
    Reached {
        author: author(by),
        chain: ChainId(1),
        seq: Seq(seq),
    }
}

fn shown(agent: &str, runs: Vec<Run>) -> Offered {
    Offered {
        agent: agent.to_owned(),
        chains: vec![OfferedChain {
            author: author(1),
            chain: ChainId(1),
            runs,
        }],
    }
}

fn receipt(member: u8, at: u64, seq: u64) -> Receipt {
    Receipt {
        room: ROOM,
        member: author(member),
        at: Timestamp(at),
        reached: if seq > 0 {
            vec![reached(1, seq)]
        } else {
            Vec::new()
        },
        offered: Vec::new(),
    }
}

#[test]
fn a_receipt_is_its_members_alone() {
    let signed = receipt(2, 5, 3).sign(&identity(2));
    let wire = signed.wire().clone();
    assert_eq!(SignedReceipt::decode(&wire.encode()), Ok(wire.clone()));
    assert_eq!(wire.clone().verify(&ROOM), Ok(signed));
    let other = RoomId::from_bytes([8; 32]);
    assert_eq!(wire.clone().verify(&other), Err(ReceiptError::WrongRoom));
    // Signed by somebody else, or altered: nobody speaks for another.
    let forged = receipt(2, 5, 3).sign(&identity(3)).wire().clone();
    assert_eq!(forged.verify(&ROOM), Err(ReceiptError::BadSignature));
    let mut altered = wire.clone();
    altered.receipt.reached[0].seq = Seq(4);
    assert_eq!(altered.verify(&ROOM), Err(ReceiptError::BadSignature));
    let mut passed_off = wire;
    passed_off.receipt.member = author(3);
    assert_eq!(passed_off.verify(&ROOM), Err(ReceiptError::BadSignature));
    // A signature of another domain is none.
    let said = receipt(2, 5, 3);
    let signature = identity(2).sign(crate::identity::MESSAGE_DOMAIN, &codec::encode(&said));
    let other_domain = SignedReceipt {
        receipt: said,
        signature,
    };
    assert_eq!(other_domain.verify(&ROOM), Err(ReceiptError::BadSignature));
}

#[test]
fn what_is_out_of_order_is_refused_though_it_is_signed() {
    let (low, high) = if author(1) < author(2) {
        (1, 2)
    } else {
        (2, 1)
    };
    let with = |change: &dyn Fn(&mut Receipt)| {
        let mut said = receipt(3, 5, 3);
        change(&mut said);
        said.sign(&identity(3)).wire().clone().verify(&ROOM).err()
    };
    let disorder = Some(ReceiptError::Disorder);
    assert_eq!(with(&|_| {}), None);
    assert_eq!(
        with(&|it| it.reached = vec![reached(low, 1), reached(high, 1)]),
        None
    );
    assert_eq!(
        with(&|it| it.reached = vec![reached(high, 1), reached(low, 1)]),
        disorder
    );
    assert_eq!(
        with(&|it| it.reached = vec![reached(1, 1), reached(1, 1)]),
        disorder
    );
    assert_eq!(with(&|it| it.reached = vec![reached(1, 0)]), disorder);
    let good = [
        vec![run(1, 1)],
        vec![run(1, 2), run(4, 1)],
        vec![run(u64::MAX, 1)],
        vec![run(1, u64::MAX)],
    ];
    for runs in good {
        assert_eq!(
            with(&|it| it.offered = vec![shown("codex", runs.clone())]),
            None,
            "{runs:?}"
        );
    }
    let bad = [
        vec![],
        vec![run(0, 1)],
        vec![run(1, 0)],
        vec![run(1, 2), run(3, 1)],
        vec![run(1, 2), run(2, 1)],
        vec![run(4, 1), run(1, 1)],
        vec![run(2, u64::MAX)],
        vec![run(1, u64::MAX), run(3, 1)],
    ];
    for runs in bad {
        assert_eq!(
            with(&|it| it.offered = vec![shown("codex", runs.clone())]),
            disorder,
            "{runs:?}"
        );
    }
    assert_eq!(
        with(&|it| it.offered = vec![Offered {
            agent: "codex".into(),
            chains: Vec::new()
        }]),
        disorder
    );
    let twice = vec![
        shown("codex", vec![run(1, 1)]),
        shown("codex", vec![run(2, 1)]),
    ];
    assert_eq!(with(&|it| it.offered.clone_from(&twice)), disorder);
    for name in [
        "",
        "Codex",
        "co dex",
        "co\ndex",
        "\u{1b}[31m",
        "codeх",
        &"x".repeat(65),
    ] {
        let named = with(&|it| it.offered = vec![shown(name, vec![run(1, 1)])]);
        assert_eq!(named, Some(ReceiptError::Agent), "{name:?}");
    }
    let many: Vec<Offered> = (0..=limits::RECEIPT_AGENTS_MAX)
        .map(|k| shown(&format!("agent-{k:02}"), vec![run(1, 1)]))
        .collect();
    assert_eq!(
        with(&|it| it.offered.clone_from(&many)),
        Some(ReceiptError::Agent)
    );
    let long = with(&|it| {
        it.offered = vec![shown("codex", (1..9_000).map(|k| run(2 * k, 1)).collect())];
    });
    assert!(matches!(long, Some(ReceiptError::TooLong { .. })));
}

#[test]
fn what_a_receipt_says_of_a_message() {
    let mut said = receipt(2, 5, 7);
    said.offered = vec![
        shown("claude-code", vec![run(2, 3), run(7, 1)]),
        shown("codex", vec![run(3, 1)]),
    ];
    let agents = |said: &Receipt, seq| -> Vec<String> {
        let to = said.offered_to(author(1), ChainId(1), Seq(seq));
        to.map(str::to_owned).collect()
    };
    assert_eq!(agents(&said, 1), [""; 0]);
    assert_eq!(agents(&said, 3), ["claude-code", "codex"]);
    assert_eq!(agents(&said, 4), ["claude-code"]);
    assert_eq!(agents(&said, 5), [""; 0]);
    assert_eq!(agents(&said, 7), ["claude-code"]);
    assert_eq!(said.reached_through(&author(1), ChainId(1)), Seq(7));
    assert_eq!(said.reached_through(&author(1), ChainId(2)), Seq(0));
    // Nobody holds more of a chain than its author.
    said.clamp(&author(1), |_| Seq(3));
    assert_eq!(said.reached, [reached(1, 3)]);
    assert_eq!(said.offered[0].chains[0].runs, [run(2, 2)]);
    said.clamp(&author(1), |_| Seq(2));
    assert_eq!(said.offered.len(), 1);
    said.clamp(&author(1), |_| Seq(0));
    assert!(said.is_empty());
}

#[test]
fn a_chain_without_a_known_end_takes_nothing_from_a_receipt() {
    for runs in [vec![run(0, 2)], vec![run(0, u64::MAX)], vec![run(2, 3)]] {
        let mut said = receipt(2, 5, 7);
        said.offered = vec![shown("codex", runs)];
        let whole = said.clone();
        said.clamp(&author(1), |_| Seq(u64::MAX));
        assert_eq!(said, whole);
    }
}

#[test]
fn a_view_counts_members_alone_and_nothing_of_a_fork() {
    let mut book = ReceiptBook::default();
    let mut take = |said: Receipt, by: u8| {
        book.insert(said.sign(&identity(by)), &author(1), |_| Seq(4));
    };
    let mut shows = receipt(2, 5, 2);
    shows.offered = vec![shown("codex", vec![run(3, 1)])];
    take(shows, 2);
    take(receipt(3, 5, u64::MAX), 3);
    take(receipt(4, 5, 4), 4);
    let mut offers = Offers::default();
    offers.add("Not A Name", [(author(1), ChainId(1), Seq(1))]);
    let mut view = ReceiptView {
        me: Some(author(1)),
        members: [1, 2, 3, 5].map(author).into(),
        receipts: book.all(),
        offers: offers.into(),
        forks: [((author(1), ChainId(1)), Seq(5))].into(),
    };
    let of = |view: &ReceiptView, seq| view.of((author(1), ChainId(1), Seq(seq)));
    let mut both = vec![author(2), author(3)];
    both.sort_unstable();
    assert_eq!(
        of(&view, 1).reached,
        both,
        "neither a stranger nor we ourselves"
    );
    assert_eq!(of(&view, 1).others, 3);
    assert_eq!(of(&view, 1).offered, [(author(1), "agent".to_owned())]);
    assert_eq!(of(&view, 3).reached, both, "what was shown is there");
    assert_eq!(of(&view, 3).offered, [(author(2), "codex".to_owned())]);
    assert_eq!(of(&view, 4).reached, [author(3)]);
    assert_eq!(of(&view, 5).reached, [], "cut at what the author has");
    view.forks.insert((author(1), ChainId(1)), Seq(4));
    assert_eq!(
        of(&view, 4).reached,
        [],
        "a place that names two messages names none"
    );
    assert_eq!(of(&view, 3).reached, both);
}

#[test]
fn the_latest_offers_are_told_in_order() {
    let mut offers = Offers::default();
    let at = |seq| (author(1), ChainId(1), Seq(seq));
    assert!(offers.add("codex", [at(1), at(2), at(4)]));
    assert!(!offers.add("codex", [at(2)]));
    assert!(offers.add("claude-code", [at(2)]));
    let told = offers.latest(10, |_| true);
    assert_eq!(
        told,
        [
            shown("claude-code", vec![run(2, 1)]),
            shown("codex", vec![run(1, 2), run(4, 1)])
        ]
    );
    assert_eq!(
        offers.latest(1, |_| true),
        [shown("claude-code", vec![run(2, 1)])]
    );
    assert_eq!(
        offers.latest(10, |place| place.2 == Seq(4)),
        [shown("codex", vec![run(4, 1)])]
    );
    offers.add("codex", (10..2000).map(at));
    assert_eq!(offers.len(), limits::RECEIPT_OFFERED_MAX);
    assert_eq!(offers.agents_shown(&at(1)).count(), 0);
    for k in 0..40 {
        offers.add(&format!("agent-{k}"), [at(1)]);
    }
    assert_eq!(
        offers.latest(2000, |_| true).len(),
        limits::RECEIPT_AGENTS_MAX
    );
}

fn some_receipts() -> impl Strategy<Value = Vec<(u8, u64, u64)>> {
    proptest::collection::vec((2..5u8, 0..4u64, 0..4u64), 0..12)
}

fn book_of(said: &[(u8, u64, u64)]) -> ReceiptBook {
    let mut book = ReceiptBook::default();
    for (member, at, seq) in said {
        let signed = receipt(*member, *at, *seq).sign(&identity(*member));
        let newer = book.is_newer(signed.wire());
        assert_eq!(book.insert(signed, &author(1), |_| Seq(9)), newer);
    }
    book
}

proptest! {
    #[test]
    fn any_order_and_any_repetition_leads_to_the_same(
        (said, other) in some_receipts().prop_flat_map(|said| {
            let again = said.clone();
            let other = Just(said.clone()).prop_shuffle();
            let repeated = proptest::collection::vec(proptest::sample::select(again.clone().into_iter().chain([(2, 0, 0)]).collect::<Vec<_>>()), 0..6);
            let other = (other, repeated).prop_map(move |(mut other, repeated)| {
                other.extend(repeated.into_iter().filter(|it| again.contains(it)));
                other
            });
            (Just(said), other)
        })
    ) {
        let (one, two) = (book_of(&said), book_of(&other));
        prop_assert_eq!(one.all(), two.all());
        // What was taken can be passed on whole, and leads to the same there.
        let mut passed = ReceiptBook::default();
        for (_, signed) in one.taken_since(0) {
            passed.insert(signed.clone(), &author(1), |_| Seq(9));
        }
        prop_assert_eq!(passed.all(), one.all());
        prop_assert_eq!(one.taken_since(one.newest()).len(), 0);
    }

    #[test]
    fn any_bytes_are_refused_or_are_a_receipts(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(wire) = SignedReceipt::decode(&bytes) {
            prop_assert_eq!(wire.encode(), bytes);
            prop_assert!(wire.verify(&ROOM).is_err());
        }
    }

    #[test]
    fn every_altered_byte_is_refused(at in any::<proptest::sample::Index>(), by in 1..=255u8) {
        let mut said = receipt(2, 5, 3);
        said.offered = vec![shown("codex", vec![run(2, 1)])];
        let mut bytes = said.sign(&identity(2)).wire().encode();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        let taken = SignedReceipt::decode(&bytes).and_then(|wire| wire.verify(&ROOM));
        prop_assert!(taken.is_err());
    }
}
