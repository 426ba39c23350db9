"""BLAKE3, of many inputs at once.

Pure Python hashes some 4,000 blocks a second, which is too slow for a prompt. So the same step is taken for all blocks of all
inputs in one go: the words of a state are integers with a slot of 64 bits for each of them, of which the lower 32 are used.
"""

import struct

_IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
_PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
_MIXES = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)
_CHUNK_BYTES, _BLOCK_BYTES = 1024, 64
_CHUNK_START, _CHUNK_END, _PARENT, _ROOT = 1, 2, 4, 8


def _slots(words):
    """One integer out of a word of each lane."""
    return int.from_bytes(struct.pack("<%dQ" % len(words), *words), "little")


def _words(slots, lanes):
    return struct.unpack("<%dQ" % lanes, slots.to_bytes(8 * lanes, "little"))


def _compress(values, blocks, counters, lengths, flags):
    """One compression in each lane. `values` has eight words a lane; so has what is returned."""
    lanes = len(blocks)
    low = _slots([0xFFFFFFFF] * lanes)
    message = [_slots(column) for column in zip(*(struct.unpack("<16I", block) for block in blocks))]
    state = [_slots(column) for column in zip(*values)]
    state += [_slots([word] * lanes) for word in _IV[:4]]
    state += [
        _slots([counter & 0xFFFFFFFF for counter in counters]),
        _slots([counter >> 32 for counter in counters]),
        _slots(lengths),
        _slots(flags),
    ]
    for turn in range(7):
        for at, (a, b, c, d) in enumerate(_MIXES):
            va, vb, vc, vd = state[a], state[b], state[c], state[d]
            for word, (first, second) in ((message[2 * at], (16, 12)), (message[2 * at + 1], (8, 7))):
                va = (va + vb + word) & low
                vd ^= va
                vd = (vd >> first | vd << (32 - first)) & low
                vc = (vc + vd) & low
                vb ^= vc
                vb = (vb >> second | vb << (32 - second)) & low
            state[a], state[b], state[c], state[d] = va, vb, vc, vd
        if turn < 6:
            message = [message[at] for at in _PERMUTATION]
    return list(zip(*(_words(state[at] ^ state[at + 8], lanes) for at in range(8))))


def _hash_chunks(chunks):
    """The chaining values of chunks; each is its bytes, its number, and whether it is the whole input."""
    values = [_IV] * len(chunks)
    steps = [max(1, -(-len(data) // _BLOCK_BYTES)) for data, _, _ in chunks]
    for step in range(max(steps, default=0)):
        active = [lane for lane, count in enumerate(steps) if count > step]
        blocks, lengths, flags = [], [], []
        for lane in active:
            data, _, alone = chunks[lane]
            block = data[step * _BLOCK_BYTES:(step + 1) * _BLOCK_BYTES]
            last = step == steps[lane] - 1
            blocks.append(block.ljust(_BLOCK_BYTES, b"\0"))
            lengths.append(len(block))
            flags.append((_CHUNK_START if step == 0 else 0)
                         | (_CHUNK_END if last else 0)
                         | (_ROOT if last and alone else 0))
        counters = [chunks[lane][1] for lane in active]
        done = _compress([values[lane] for lane in active], blocks, counters, lengths, flags)
        for lane, value in zip(active, done):
            values[lane] = value
    return values


def _merge(trees):
    """Takes two neighbours into one, again and again, until each input has one value."""
    while any(len(tree) > 1 for tree in trees):
        blocks, flags = [], []
        for tree in trees:
            for at in range(0, len(tree) - 1, 2):
                blocks.append(struct.pack("<16I", *tree[at], *tree[at + 1]))
                flags.append(_PARENT | (_ROOT if len(tree) == 2 else 0))
        count = len(blocks)
        parents = iter(_compress([_IV] * count, blocks, [0] * count, [_BLOCK_BYTES] * count, flags))
        trees = [
            [next(parents) for _ in range(len(tree) // 2)] + (tree[-1:] if len(tree) % 2 else [])
            if len(tree) > 1 else tree
            for tree in trees
        ]
    return [struct.pack("<8I", *tree[0]) for tree in trees]


def hash_many(inputs):
    """The 32 bytes of the hash of each input."""
    chunks, counts = [], []
    for data in inputs:
        count = max(1, -(-len(data) // _CHUNK_BYTES))
        counts.append(count)
        for number in range(count):
            chunks.append((data[number * _CHUNK_BYTES:(number + 1) * _CHUNK_BYTES], number, count == 1))
    values = iter(_hash_chunks(chunks))
    return _merge([[next(values) for _ in range(count)] for count in counts])


def hash_one(data):
    """The 32 bytes of the hash of one input."""
    return hash_many([data])[0]
