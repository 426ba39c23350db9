//! Keys, and what strict verification takes and refuses.

use cc_proto::identity::{JOIN_DOMAIN, MESSAGE_DOMAIN};
use serde_json::{Value, json};

use super::Cases;
use super::world::{ALICE, BOB, identity};
use crate::vectors::input::hex;

/// What all but some good ones sign.
const DATA: &[u8] = b"the header's bytes";
const MESSAGE: &str = "cc-connect/1 message\0";
const JOIN: &str = "cc-connect/1 join\0";

pub(super) fn add(cases: &mut Cases) {
    identities(cases);
    plain(cases);
    for (name, about, key, signature) in CRAFTED {
        let input =
            json!({ "key": key, "domain": MESSAGE, "data": hex(DATA), "signature": signature });
        cases.refused("signature", name, about, input, "bad-signature");
    }
    let (key, signature) = MIXED_KEY;
    let input = json!({ "key": key, "domain": MESSAGE, "data": hex(DATA), "signature": signature });
    let about = "The key has a part of order 8 and is not of small order itself; the equation holds without the cofactor, so it is taken.";
    cases.ok("signature", "key-mixed", about, input, &Value::Null);
}

fn identities(cases: &mut Cases) {
    let input = |seed: &[u8; 32], domain: &str, data: &[u8]| json!({ "seed": hex(seed), "domain": domain, "data": hex(data) });
    cases.ok(
        "identity",
        "alice",
        "A seed gives one key, and one signature of a text under the domain of messages.",
        input(&[ALICE; 32], MESSAGE, DATA),
        &json!({ "author": "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c", "signature": GOOD }),
    );
    cases.ok(
        "identity",
        "bob",
        "Another seed; nothing but the domain is signed.",
        input(&[BOB; 32], MESSAGE, b""),
        &Value::Null,
    );
    cases.ok(
        "identity",
        "join-domain",
        "The same seed and data under the domain of joins.",
        input(&[ALICE; 32], JOIN, DATA),
        &Value::Null,
    );
    let seed = std::array::from_fn(|at| at as u8);
    cases.ok(
        "identity",
        "counting-seed",
        "A seed whose bytes differ.",
        input(&seed, MESSAGE, DATA),
        &Value::Null,
    );
}

fn plain(cases: &mut Cases) {
    let alice = identity(ALICE);
    let key = alice.author();
    let input = |key: &[u8], domain: &str, data: &[u8], signature: &[u8]| json!({ "key": hex(key), "domain": domain, "data": hex(data), "signature": hex(signature) });
    let signature = alice.sign(MESSAGE_DOMAIN, DATA).0;
    let proof = alice.sign(JOIN_DOMAIN, &[7; 64]).0;
    let (key, other) = (key.as_bytes(), identity(BOB).author());
    cases.ok(
        "signature",
        "good",
        "A signature under the domain of messages.",
        input(key, MESSAGE, DATA, &signature),
        &Value::Null,
    );
    cases.ok(
        "signature",
        "good-join",
        "A signature under the domain of joins.",
        input(key, JOIN, &[7; 64], &proof),
        &Value::Null,
    );

    let mut refuse = |name, about, input| {
        cases.refused("signature", name, about, input, "bad-signature");
    };
    refuse(
        "wrong-domain",
        "Signed as a message, shown as a join's proof.",
        input(key, JOIN, DATA, &signature),
    );
    refuse(
        "no-domain",
        "The data was signed without a domain.",
        input(key, MESSAGE, DATA, &alice.sign(b"", DATA).0),
    );
    refuse(
        "domain-without-zero",
        "The domain was signed without its zero byte.",
        input(
            key,
            MESSAGE,
            DATA,
            &alice.sign(b"cc-connect/1 message", DATA).0,
        ),
    );
    refuse(
        "other-key",
        "Another author's key.",
        input(other.as_bytes(), MESSAGE, DATA, &signature),
    );
    refuse(
        "other-data",
        "One byte of the data is another.",
        input(key, MESSAGE, b"The header's bytes", &signature),
    );
    refuse(
        "all-zero",
        "A signature of zeros.",
        input(key, MESSAGE, DATA, &[0; 64]),
    );
    for (name, about, at) in [
        ("altered-r", "One bit of R is another.", 0),
        ("altered-s", "One bit of S is another.", 32),
    ] {
        let mut altered = signature;
        altered[at] ^= 1;
        refuse(name, about, input(key, MESSAGE, DATA, &altered));
    }
}

/// Alice's signature of [`DATA`], made by another program.
const GOOD: &str = "767aec4c10bf3dafb8616cb7d8a8c2a915c7c58926dfad0607398f3a59ad85a5945da3058fe77d4d9f1f2f9dd3929716b96c1c472ed1ff14640c56b9c46a3202";

/// A key A + T, with T of order 8, and a signature whose hash is a multiple of 8.
const MIXED_KEY: (&str, &str) = (
    "b2304873b52f9064728173af1c81cc22bffbd587fa0a206ba040cc9df8ba4397",
    "f47e49f9d07ad2c1606b4d94067c41f9777d4ffda709b71da1d88628fce34d85496322b447bd72655562a2aa5f38e5477b5d93d0099127445b94e6015a432209",
);

/// Signatures of [`DATA`] that lax programs take, computed from the curve's equations outside this
/// workspace: name, what is wrong, key, signature.
const CRAFTED: [(&str, &str, &str, &str); 15] = [
    (
        "s-plus-order",
        "S is the good one plus the group order.",
        "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
        "767aec4c10bf3dafb8616cb7d8a8c2a915c7c58926dfad0607398f3a59ad85a581319962a94a90a575bc2640b28c762bb96c1c472ed1ff14640c56b9c46a3212",
    ),
    (
        "s-high-bit",
        "S has a bit set above the group order.",
        "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
        "767aec4c10bf3dafb8616cb7d8a8c2a915c7c58926dfad0607398f3a59ad85a5945da3058fe77d4d9f1f2f9dd3929716b96c1c472ed1ff14640c56b9c46a3222",
    ),
    (
        "key-identity",
        "The key is the neutral point: R = r B and S = r satisfy the equation for every text.",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a0813930000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "key-identity-noncanonical",
        "The key is the neutral point, written with y = p + 1.",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a0813930000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "key-negative-zero",
        "The key is the neutral point, written with the sign of x = 0 set.",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a0813930000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "key-order-2",
        "The key is of order 2, and the equation holds.",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "c9a3f86aae465f0e56513864510f3997561fa2c9e85ea21dc2292309f3cd60220200000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "key-order-8",
        "The key is of order 8, and the equation holds.",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "b9551d690261fe83305f433f8230182ef45cd6ddb65b7c2247435ad9935a183f1300000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "key-zero",
        "Key and signature are zeros; the key is of order 4.",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "r-identity",
        "R is the neutral point, and the equation holds.",
        "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
        "01000000000000000000000000000000000000000000000000000000000000000a86ff4a8cfad3d744ad27d6c0aa2297c7dc995538e129c2b29f5578b0c64f04",
    ),
    (
        "r-identity-noncanonical",
        "R is the neutral point, written with y = p + 1.",
        "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7faf138f7f2d7c94624d512165e55336369b6d57d420c8748b061799d7af882401",
    ),
    (
        "r-order-8",
        "R is of order 8: the equation holds only when multiplied by the cofactor.",
        "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa64390fa01d8ffe540ee236644ee2b699aa3cb7451eec029158d469f7f6a78b05",
    ),
    (
        "r-mixed",
        "R has a part of order 8: the equation holds only when multiplied by the cofactor.",
        "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
        "c5a9ac93b5111487642b38fc5aba78d7f56eb381846fab0bd225bfed1c96d7d33434854ee6a83718e5a07699edec87cefb3db266021f7afffbe640fe75cb6602",
    ),
    (
        "key-mixed-cofactored-only",
        "The key has a part of order 8: the equation holds only when multiplied by the cofactor.",
        "b2304873b52f9064728173af1c81cc22bffbd587fa0a206ba040cc9df8ba4397",
        "5866666666666666666666666666666666666666666666666666666666666666dd992331aba8fca1f6b270e306341793d22eb93deee868a99ec5f39a7f8dcf09",
    ),
    (
        "key-not-a-point",
        "No point has this y.",
        "0200000000000000000000000000000000000000000000000000000000000000",
        "767aec4c10bf3dafb8616cb7d8a8c2a915c7c58926dfad0607398f3a59ad85a5945da3058fe77d4d9f1f2f9dd3929716b96c1c472ed1ff14640c56b9c46a3202",
    ),
    (
        "key-noncanonical-large",
        "The key's y is written as p + y; the point is of large order.",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "767aec4c10bf3dafb8616cb7d8a8c2a915c7c58926dfad0607398f3a59ad85a5945da3058fe77d4d9f1f2f9dd3929716b96c1c472ed1ff14640c56b9c46a3202",
    ),
];
