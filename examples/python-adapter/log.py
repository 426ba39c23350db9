"""A room's log: spec/log.md. The index is not needed but for how far the log goes."""

import base64
import binascii
import json
import os
import struct
import zlib

import blake3
import message

_LINE_BYTES_MAX = 1024 * 1024
_LINE_BYTES_MIN = 256
_LINE_START = b'{"n":'
_TRIES = 64
#: How much is hashed in one go.
_BATCH_LINES, _BATCH_BYTES = 32, 48 * 1024


class Line:
    """One line: its number, where it ends, and its message, or None where it is damaged."""

    __slots__ = ("n", "end", "at", "id", "message", "repairs", "claimed", "is_checked")

    def __init__(self, n, end, fields=None):
        self.n = n
        self.end = end
        self.is_checked = fields is None
        self.at, self.id, self.message, self.repairs, self.claimed = fields or (0, None, None, None, n)

    @property
    def author(self):
        return self.message.author if self.message else None


def _whole_number(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64


def _parse(data):
    """The fields of a line that are believed; None where it is damaged. Hashes are checked later: see `check`."""
    if len(data) > _LINE_BYTES_MAX:
        return None
    try:
        fields = json.loads(data.decode("utf-8"))
        n, at, name, raw = (fields[key] for key in ("n", "at", "id", "raw"))
        repairs = fields.get("repairs")
        if not (_whole_number(n) and _whole_number(at) and isinstance(name, str)):
            return None
        if repairs is not None and not _whole_number(repairs):
            return None
        decoded = base64.b64decode(raw.encode("ascii"), validate=True)
        return at, name, message.Message(decoded), repairs, n
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error, message.NotAMessage):
        return None


def _embedded(data):
    """Where in damaged bytes a good line begins, and its fields."""
    at = 0
    for _ in range(_TRIES):
        at = data.find(_LINE_START, at + 1)
        if at < 0:
            return None
        fields = _parse(data[at:])
        if fields:
            return at, fields
    return None


class _Scanner:
    """Numbers lines, damaged ones among them: spec/log.md, Numbers under damage."""

    def __init__(self, n, offset):
        self.next, self.offset = n, offset
        self.lines = []
        self.held = None

    def feed(self, data):
        """The next piece that ends with a line feed."""
        start, self.offset = self.offset, self.offset + len(data)
        fields = _parse(data)
        if fields:
            self._good(fields, self.offset)
            return
        continues = not data.startswith(_LINE_START)
        inner = _embedded(data) if len(data) <= _LINE_BYTES_MAX else None
        if inner:
            self._hold(inner[0], start + inner[0], continues)
            self._good(inner[1], self.offset)
        else:
            self._hold(len(data), self.offset, continues and len(data) <= _LINE_BYTES_MAX)

    def finish(self):
        self._flush(None)
        return self.lines

    def _hold(self, length, end, continues):
        if self.held and continues:
            self.held = (self.held[0] + length, end)
        else:
            self._flush(None)
            self.held = (length, end)

    def _good(self, fields, end):
        self._flush(fields[4])
        self._push(end, fields)

    def _flush(self, claimed):
        if self.held is None:
            return
        (length, end), self.held = self.held, None
        self._push(end, None)
        swallowed = max(0, (claimed or 0) - self.next)
        if swallowed <= length // _LINE_BYTES_MIN - 1:
            for _ in range(swallowed):
                self._push(end, None)

    def _push(self, end, fields):
        self.lines.append(Line(self.next, end, fields))
        self.next += 1


def check(lines):
    """Checks header and body of lines against their hashes; one that does not fit is damaged from then on."""
    open_lines = [line for line in lines if not line.is_checked]
    while open_lines:
        batch, size = [], 0
        while open_lines and len(batch) < _BATCH_LINES and size < _BATCH_BYTES:
            line = open_lines.pop(0)
            batch.append(line)
            size += sum(map(len, line.message.hashed()))
        hashes = iter(blake3.hash_many([data for line in batch for data in line.message.hashed()]))
        for line in batch:
            line.is_checked = True
            is_right = next(hashes).hex() == line.id
            if line.message.body is not None:
                is_right &= next(hashes) == line.message.body_hash
            if not is_right:
                line.message = line.id = None


class CutShort(Exception):
    """The log is shorter than it was said to be: lines that were shown are gone."""


class Log:
    """The log in a room's folder, as far as it is on disk."""

    def __init__(self, folder):
        self.file = os.open(os.path.join(folder, "log.jsonl"), os.O_RDONLY)
        self.records = os.path.join(folder, "index", "records")
        self.committed_end = self._committed(os.path.join(folder, "index", "committed"))

    def close(self):
        os.close(self.file)

    def _committed(self, path):
        """Where the last line ends that the writer says is on disk; None where that cannot be told."""
        try:
            with open(path, "rb") as file:
                data = file.read(33)
        except FileNotFoundError:
            return None
        if len(data) != 32 or data[:4] != b"ccL1" or zlib.crc32(data[:28]) != struct.unpack("<I", data[28:])[0]:
            return None
        end = struct.unpack_from("<Q", data, 12)[0]
        if end > os.fstat(self.file).st_size:
            raise CutShort()
        return end if end == 0 or os.pread(self.file, 1, end - 1) == b"\n" else None

    def _end(self):
        if self.committed_end is not None:
            return self.committed_end
        try:
            os.fdatasync(self.file)
        except (AttributeError, OSError):
            pass
        return os.fstat(self.file).st_size

    def lines_after(self, cursor):
        """The cursor's place in this log (number, offset, id), and the lines after it. See spec/log.md, Cursors."""
        if cursor.n and self._stands(cursor):
            lines = self._scan(cursor.n + 1, cursor.offset)
            return (cursor.n, cursor.offset, cursor.id), lines
        lines = self._scan(1, 0)
        place = _place(cursor, lines)
        return place, [line for line in lines if line.n > place[0]]

    def line(self, n):
        """Line n; None where there is none. By the index where that is right, else by its place in the log."""
        fields = self._by_index(n)
        if fields is None:
            return next((line for line in self._scan(1, 0) if line.n == n), None)
        return fields

    def _by_index(self, n):
        """The line that record n points at, if it does: spec/log.md, Index."""
        try:
            with open(self.records, "rb") as file:
                record = os.pread(file.fileno(), 64, (n - 1) * 64)
        except OSError:
            return None
        numbered = b"cc-log record 2" + struct.pack("<Q", n) + record[:60]
        if len(record) != 64 or zlib.crc32(numbered) != struct.unpack_from("<I", record, 60)[0]:
            return None
        offset, length = struct.unpack_from("<QI", record)
        fields = _parse(os.pread(self.file, min(length, _LINE_BYTES_MAX), offset))
        if fields is None or not fields[1].startswith(record[52:60].hex()):
            return None
        return Line(n, offset + length, fields)

    def _scan(self, n, offset):
        data = os.pread(self.file, max(0, self._end() - offset), offset)
        scanner = _Scanner(n, offset)
        start = 0
        while True:
            feed = data.find(b"\n", start)
            if feed < 0:
                break
            scanner.feed(data[start:feed + 1])
            start = feed + 1
        lines = scanner.finish()
        if self.committed_end is None:
            # Damage at the very end is a torn write, which the writer will cut.
            while lines and lines[-1].message is None:
                lines.pop()
        return lines

    def _stands(self, cursor):
        """Whether the line that the cursor names ends where the cursor says."""
        if cursor.id is None or not 0 < cursor.offset <= os.fstat(self.file).st_size:
            return False
        start = max(0, cursor.offset - _LINE_BYTES_MAX)
        data = os.pread(self.file, cursor.offset - start, start)
        if not data.endswith(b"\n"):
            return False
        fields = _parse(data[data.rfind(b"\n", 0, -1) + 1:])
        return fields is not None and (fields[4], fields[1]) == (cursor.n, cursor.id)


def _place(cursor, lines):
    """The last line that the cursor is past: number, end, id; all nothing where it fits nowhere."""
    if cursor.n == 0:
        return 0, 0, None
    for line in lines:
        is_it = line.id is not None and line.id == cursor.id
        if line.n == cursor.n and (is_it or (line.end == cursor.offset and None in (line.id, cursor.id))):
            return line.n, line.end, line.id
    for line in lines:
        if line.end == cursor.offset and line.id is not None and line.id == cursor.id:
            return line.n, line.end, line.id
    return 0, 0, None
