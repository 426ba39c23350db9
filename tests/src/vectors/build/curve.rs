//! Signatures at the edges of the curve, class by class, computed from its equations: those on which
//! programs that all call themselves Ed25519 are known to disagree.
//!
//! `spec/conventions.md` has the table of classes and verdicts. With a the secret scalar, r the nonce, B the base
//! point, T a point of small order and k = H(R, A, M), the equations are
//!
//! - without the cofactor: S B = R + k A, which is ours;
//! - with it: 8 S B = 8 R + 8 k A, which lets any T pass.

use cc_proto::body::{Body, Grant};
use cc_proto::id::AuthorId;
use cc_proto::identity::MESSAGE_DOMAIN;
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use super::Cases;
use super::world::{ALICE, identity};
use crate::vectors::input::hex;

/// What is signed, after the domain.
const DATA: &[u8] = b"the header's bytes";
/// The group order, little endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(super) fn add(cases: &mut Cases) {
    small_order_keys(cases);
    small_order_r(cases);
    mixed_orders(cases);
    encodings(cases);
    scalars(cases);
    grants(cases);
}

/// Nothing but a grant makes a member of a key that has signed nothing.
fn grants(cases: &mut Cases) {
    let body = |key: [u8; 32], admin: bool| {
        let grant = Body::Grant(Grant {
            member: AuthorId::from_bytes(key),
            admin,
            cuts: Vec::new(),
        });
        json!({ "kind": 7, "v": 1, "bytes": hex(&grant.encode()) })
    };
    let neutral = encoded(EdwardsPoint::default());
    let about = "The neutral point is to be an admin: anybody could sign as it.";
    cases.refused(
        "body",
        "grant-to-nobodys-key",
        about,
        body(neutral, true),
        "body",
    );
    let about = "The neutral point is to be no admin, which it never was.";
    cases.ok(
        "body",
        "grant-off-nobodys-key",
        about,
        body(neutral, false),
        &Value::Null,
    );
}

/// Alice's secret scalar.
fn secret() -> Scalar {
    let seed = Sha512::digest([ALICE; 32]);
    let half: [u8; 32] = std::array::from_fn(|at| seed[at]);
    Scalar::from_bytes_mod_order(clamp_integer(half))
}

fn hashed(r: &[u8; 32], key: &[u8; 32]) -> Scalar {
    let hash = Sha512::new()
        .chain_update(r)
        .chain_update(key)
        .chain_update(MESSAGE_DOMAIN)
        .chain_update(DATA)
        .finalize();
    let wide: [u8; 64] = std::array::from_fn(|at| hash[at]);
    Scalar::from_bytes_mod_order_wide(&wide)
}

fn point(bytes: [u8; 32]) -> EdwardsPoint {
    CompressedEdwardsY(bytes)
        .decompress()
        .expect("a point, though perhaps oddly written")
}

fn encoded(point: EdwardsPoint) -> [u8; 32] {
    point.compress().to_bytes()
}

/// Which of the two equations hold for a signature, whatever it may look like.
fn equations(key: [u8; 32], r: [u8; 32], s: Scalar) -> (bool, bool) {
    let off = EdwardsPoint::mul_base(&s) - point(r) - hashed(&r, &key) * point(key);
    (off == EdwardsPoint::default(), off.is_small_order())
}

fn input(key: [u8; 32], r: [u8; 32], s: [u8; 32]) -> Value {
    json!({
        "key": hex(&key),
        "domain": "cc-connect/1 message\0",
        "data": hex(DATA),
        "signature": hex(&[r, s].concat()),
    })
}

/// The smallest number that will do.
fn first<T>(found: impl FnMut(u64) -> Option<T>) -> T {
    (1..1000).find_map(found).expect("one in eight will do")
}

fn small_order_keys(cases: &mut Cases) {
    for (at, torsion) in EIGHT_TORSION.into_iter().enumerate() {
        let key = encoded(torsion);
        let (r, s) = first(|nonce| {
            let (nonce, r) = (
                Scalar::from(nonce),
                encoded(EdwardsPoint::mul_base(&Scalar::from(nonce))),
            );
            equations(key, r, nonce).0.then_some((r, nonce))
        });
        cases.refused(
            "signature",
            &format!("curve-key-small-{at}"),
            &format!("The key is point {at} of the eight of small order; the equation holds without the cofactor."),
            input(key, r, s.to_bytes()),
            "bad-signature",
        );
    }
}

fn small_order_r(cases: &mut Cases) {
    let alice = *identity(ALICE).author().as_bytes();
    for (at, torsion) in EIGHT_TORSION.into_iter().enumerate() {
        let r = encoded(torsion);
        let s = hashed(&r, &alice) * secret();
        assert_eq!(equations(alice, r, s), (at == 0, true));
        cases.refused(
            "signature",
            &format!("curve-r-small-{at}"),
            &format!(
                "R is point {at} of the eight of small order; the equation holds with the cofactor."
            ),
            input(alice, r, s.to_bytes()),
            "bad-signature",
        );
        // Under a key with a part of order 8 it can hold without the cofactor too.
        let (key, s) = first(|more| {
            let scalar = secret() + Scalar::from(more);
            let key = encoded(EdwardsPoint::mul_base(&scalar) + EIGHT_TORSION[1]);
            let s = hashed(&r, &key) * scalar;
            equations(key, r, s).0.then_some((key, s))
        });
        cases.refused(
            "signature",
            &format!("curve-r-small-{at}-key-mixed"),
            &format!("R is point {at} of small order, the key has such a part: the equation holds without the cofactor."),
            input(key, r, s.to_bytes()),
            "bad-signature",
        );
    }
}

/// A key and an R, each with or without a part of order 8, and which equations are to hold.
fn mixed_orders(cases: &mut Cases) {
    let torsion = |with: bool| {
        if with {
            EIGHT_TORSION[1]
        } else {
            EIGHT_TORSION[0]
        }
    };
    let signature = |key_mixed: bool, r_part: usize, strict: bool| {
        let key = encoded(EdwardsPoint::mul_base(&secret()) + torsion(key_mixed));
        first(|nonce| {
            let nonce = Scalar::from(nonce);
            let r = encoded(EdwardsPoint::mul_base(&nonce) + EIGHT_TORSION[r_part]);
            let s = nonce + hashed(&r, &key) * secret();
            (equations(key, r, s) == (strict, true)).then(|| input(key, r, s.to_bytes()))
        })
    };
    for (name, about, made) in [
        (
            "curve-key-mixed",
            "The key has a part of order 8, and the hash is a multiple of 8.",
            (true, 0),
        ),
        (
            "curve-both-mixed",
            "Key and R have parts of order 8 that cancel each other.",
            (true, 1),
        ),
    ] {
        let input = signature(made.0, made.1, true);
        cases.ok("signature", name, about, input, &Value::Null);
    }
    for (name, about, made) in [
        (
            "curve-key-mixed-cofactored",
            "The key has a part of order 8; only with the cofactor does the equation hold.",
            (true, 0),
        ),
        (
            "curve-r-mixed-cofactored",
            "R has a part of order 8; only with the cofactor does the equation hold.",
            (false, 1),
        ),
        (
            "curve-r-mixed-order-2",
            "R has a part of order 2; only with the cofactor does the equation hold.",
            (false, 4),
        ),
        (
            "curve-both-mixed-cofactored",
            "Key and R have parts of order 8; only with the cofactor does the equation hold.",
            (true, 1),
        ),
    ] {
        let input = signature(made.0, made.1, false);
        cases.refused("signature", name, about, input, "bad-signature");
    }
}

/// Every way to write a point that is not the canonical one: a y of p or more, or the sign of x = 0.
fn encodings(cases: &mut Cases) {
    let alice = *identity(ALICE).author().as_bytes();
    let good = identity(ALICE).sign(MESSAGE_DOMAIN, DATA).0;
    let half = |from: usize| -> [u8; 32] { std::array::from_fn(|at| good[from + at]) };
    let mut odd: Vec<(String, String, [u8; 32])> = Vec::new();
    for above in 0..19_u8 {
        for sign in [0, 0x80] {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (0xed + above, 0x7f | sign);
            let name = format!("p-plus-{above}{}", if sign == 0 { "" } else { "-negative" });
            odd.push((name, format!("y = p + {above}"), bytes));
        }
    }
    let negative_zero = |low: u8, rest: u8| {
        let mut bytes = [rest; 32];
        (bytes[0], bytes[31]) = (low, rest | 0x80);
        bytes
    };
    odd.push((
        "one-negative".into(),
        "y = 1 and the sign of x = 0".into(),
        negative_zero(1, 0),
    ));
    odd.push((
        "minus-one-negative".into(),
        "y = -1 and the sign of x = 0".into(),
        negative_zero(0xec, 0xff),
    ));
    for (name, how, bytes) in odd {
        let Some(point) = CompressedEdwardsY(bytes).decompress() else {
            continue;
        };
        if encoded(point) == bytes {
            continue;
        }
        let small = point.is_small_order();
        // Nobody knows the secret of one of large order: what is shown is that the key alone is refused.
        let (r, s) = if small {
            first(|nonce| {
                let (nonce, r) = (
                    Scalar::from(nonce),
                    encoded(EdwardsPoint::mul_base(&Scalar::from(nonce))),
                );
                equations(bytes, r, nonce)
                    .0
                    .then_some((r, nonce.to_bytes()))
            })
        } else {
            (half(0), half(32))
        };
        let order = if small { "small" } else { "large" };
        cases.refused(
            "signature",
            &format!("curve-key-{name}"),
            &format!("The key is a point of {order} order, written with {how}."),
            input(bytes, r, s),
            "bad-signature",
        );
        let s = hashed(&bytes, &alice) * secret();
        cases.refused(
            "signature",
            &format!("curve-r-{name}"),
            &format!("R is a point of {order} order, written with {how}."),
            input(alice, bytes, s.to_bytes()),
            "bad-signature",
        );
    }
}

/// S as it is written: it must be below the group order.
fn scalars(cases: &mut Cases) {
    let alice = *identity(ALICE).author().as_bytes();
    let good = identity(ALICE).sign(MESSAGE_DOMAIN, DATA).0;
    let r: [u8; 32] = std::array::from_fn(|at| good[at]);
    let s: [u8; 32] = std::array::from_fn(|at| good[32 + at]);
    let mut refuse = |name: &str, about: &str, s: [u8; 32]| {
        cases.refused(
            "signature",
            name,
            about,
            input(alice, r, s),
            "bad-signature",
        );
    };
    refuse("curve-s-zero", "S is 0.", [0; 32]);
    refuse(
        "curve-s-order",
        "S is the group order, which is 0 written otherwise.",
        ORDER,
    );
    let mut below = ORDER;
    below[0] -= 1;
    refuse(
        "curve-s-order-minus-one",
        "S is the group order less one: well written, and wrong.",
        below,
    );
    refuse("curve-s-all-ones", "S has every bit set.", [0xff; 32]);
    let mut sum = s;
    for times in 1..=8_u8 {
        let mut carry = 0;
        for (byte, more) in sum.iter_mut().zip(ORDER) {
            let total = u16::from(*byte) + u16::from(more) + carry;
            (*byte, carry) = ((total & 0xff) as u8, total >> 8);
        }
        let name = format!("curve-s-plus-{times}-orders");
        refuse(
            &name,
            &format!("S is the good one plus {times} times the group order."),
            sum,
        );
    }
    let zero_r = encoded(EdwardsPoint::default());
    let nothing = input(alice, zero_r, [0; 32]);
    cases.refused(
        "signature",
        "curve-neutral-and-zero",
        "R is the neutral point and S is 0.",
        nothing,
        "bad-signature",
    );
    let nowhere = first(|y| {
        let mut bytes = [0; 32];
        bytes[0] = y as u8;
        CompressedEdwardsY(bytes)
            .decompress()
            .is_none()
            .then_some(bytes)
    });
    let no_point = input(alice, nowhere, s);
    cases.refused(
        "signature",
        "curve-r-no-point",
        "R is no point.",
        no_point,
        "bad-signature",
    );
}
