"""What else is in a home: bindings, pauses, views, cursors, sessions. See spec/hook.md, spec/log.md and spec/adapters.md."""

import fcntl
import json
import os
import time
import unicodedata

import blake3
import files
import text

#: What an event may be called: spec/adapters.md, Moments.
MOMENTS = ("prompt", "start", "tool", "wake")

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_READER_BYTES_MAX = 64
_SESSION_BYTES_MAX = 256
_LOCK_SECONDS = 0.12
_TOUCH_MS = 24 * 60 * 60 * 1000


class Trouble(Exception):
    """Why nothing is told; a line for hook.log."""


def now_ms():
    return time.time_ns() // 1_000_000


def utc():
    """Now, for logs."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def room_id(written):
    """A room's id as 64 lower-case digits; None where the text is none."""
    if not isinstance(written, str) or len(written) != 64 or not written.isascii():
        return None
    return written.lower() if all(digit in "0123456789abcdefABCDEF" for digit in written) else None


def _read_json(path):
    with open(path, "rb") as file:
        return json.loads(file.read().decode("utf-8"))


def _make_folder(path):
    os.makedirs(path, mode=0o700, exist_ok=True)


def _replace(path, data, ending=".tmp"):
    """Writes a file by rename."""
    temporary = path + ending
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(file, data)
    finally:
        os.close(file)
    os.rename(temporary, path)


# --- spec/adapters.md, Sessions and Audit ----------------------------------------------------------

_AUDIT_BYTES_MAX = 1024 * 1024


def note_session(home, agent, event, named, now):
    """Notes an event of a session: its record says where it is, the record's time when that was."""
    folder = os.path.join(home, "sessions")
    path = os.path.join(folder, file_name(agent + "-" + event.session) + ".json")
    record = {"v": 1, "agent": agent, "session": event.session, "directory": event.directory or ""}
    if named is not None and room_id(named):
        record["room"] = room_id(named)
    try:
        before = _read_json(path)
        started = before["started"] if before.get("v") == 1 and _is_count(before["started"]) else now
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        before, started = None, now
    record["started"] = min(started, now)
    if record == before:
        os.utime(path)
        return
    _make_folder(folder)
    _replace(path, _compact(record), ".%d.tmp" % os.getpid())


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _compact(fields):
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def note_told(folder, fields):
    """Appends to a room's audit what a session was told, in one write."""
    path = os.path.join(folder, "audit.jsonl")
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        length = os.fstat(file).st_size
        if length >= _AUDIT_BYTES_MAX and _set_aside(file, path):
            os.close(file)
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            length = os.fstat(file).st_size
        has_end = length == 0 or os.pread(file, 1, length - 1) == b"\n"
        os.write(file, (b"" if has_end else b"\n") + _compact(fields))
    finally:
        os.close(file)


def _set_aside(file, path):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    if _is_named(file, path):
        os.rename(path, path + ".old")
    return True


# --- spec/hook.md, Which rooms -------------------------------------------------------------------


def rooms_of(home, directory, named):
    """The ids of the rooms that reach a session, in order."""
    if named is not None:
        room = room_id(named)
        if room is None:
            raise Trouble("CC_CONNECT_ROOM is not a room id")
        return [room]
    try:
        file = _read_json(os.path.join(home, "bindings.json"))
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise Trouble("bindings.json is damaged") from error
    try:
        if file["v"] != 1:
            raise Trouble("bindings.json has another version")
        bindings = [binding for binding in file["bindings"] if room_id(binding["room"])]
        rooms = {room_id(binding["room"]) for binding in bindings if binding.get("global") is True}
        rooms |= _bound_to(bindings, directory)
    except (KeyError, TypeError, AttributeError) as error:
        raise Trouble("bindings.json is damaged") from error
    return sorted(rooms)


def _bound_to(bindings, directory):
    """The rooms of a directory or of its nearest ancestor that has any."""
    try:
        at = os.path.realpath(directory, strict=True) if directory else None
    except TypeError:
        at = os.path.realpath(directory)  # Python 3.9
    except (OSError, ValueError):
        at = None
    while at is not None:
        here = {room_id(it["room"]) for it in bindings if it.get("path") == at and _is_same(it, at)}
        if here:
            return here
        at = None if os.path.dirname(at) == at else os.path.dirname(at)
    return set()


def _is_same(binding, path):
    try:
        found = os.stat(path)
        above = os.stat(os.path.dirname(path))
    except OSError:
        return False
    begins = path == "/" or above.st_dev != found.st_dev
    return found.st_ino == binding.get("ino", 0) and (found.st_dev == binding.get("dev", 0) or not begins)


# --- spec/adapters.md, Pausing ---------------------------------------------------------------------


def is_paused(home, room, now):
    """Whether the owner wants agents left alone. A file that is not understood pauses everything."""
    try:
        file = _read_json(os.path.join(home, "pause.json"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True
    try:
        holds = [file.get("all"), file.get("rooms", {}).get(room)]
        if file["v"] != 1 or any(room_id(other) is None for other in file.get("rooms", {})):
            return True
        return any(hold is not None and (hold["until"] is None or now < hold["until"]) for hold in holds)
    except (KeyError, TypeError, AttributeError):
        return True


# --- spec/log.md, The view -------------------------------------------------------------------------


class View:
    """Names and trust, and what counts."""

    def __init__(self, folder, room):
        try:
            file = _read_json(os.path.join(folder, "view.json"))
        except FileNotFoundError as error:
            raise Trouble("there is no view.json yet") from error
        except ValueError as error:
            raise Trouble("view.json is damaged") from error
        try:
            self._read(file)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Trouble("view.json is damaged") from error
        if file["v"] != 1 or self.room != room:
            raise Trouble("view.json is of another room or version")

    def _read(self, file):
        self.room = room_id(file["room"])
        self.name, self.nick, self.through = file["name"], file["nick"], file["through"]
        self.me = bytes.fromhex(file["me"])
        people = file["members"] + file.get("former", [])
        self.people = {bytes.fromhex(person["author"]): person for person in reversed(people)}
        self.names = {bytes.fromhex(name["author"]): name["name"] for name in file.get("names", [])}
        self.strays = set(file.get("strays", []))
        self.cuts = {}
        for cut in file.get("cuts", []):
            of_author = self.cuts.setdefault(bytes.fromhex(cut["author"]), [])
            of_author.append((dict(map(tuple, cut["chains"])), cut.get("others", False)))
        if not all(isinstance(it, str) for it in (self.name, self.nick)) or not isinstance(self.through, int):
            raise TypeError

    def trust(self, author):
        person = self.people.get(author)
        return person.get("trust", "inline") if person else "inline"

    def voids(self, line):
        """Whether a message counts for nothing."""
        if line.id in self.strays:
            return True
        for chains, others in self.cuts.get(line.author, ()):
            last = chains.get(line.message.chain)
            if not others if last is None else line.message.seq > last:
                return True
        return False

    def name_of(self, author):
        """Under which name somebody is shown."""
        if author in self.names:
            return self.names[author]
        print_, person = author.hex()[:10], self.people.get(author)
        petname = person and text.clean_nick(person.get("petname") or "")
        nick = person and text.clean_nick(person["nick"])
        return petname or (nick and nick + "#" + print_) or print_


# --- spec/log.md, Cursors --------------------------------------------------------------------------


def session_name(session):
    """A session id as it is used in all files: spec/adapters.md, Sessions."""
    is_odd = (len(session.encode("utf-8", "surrogatepass")) > _SESSION_BYTES_MAX
              or session.startswith("-")
              or any(unicodedata.category(c) == "Cc" for c in session))
    return file_name("/" + session) if is_odd else session


def file_name(reader):
    """The name of a reader's files."""
    if 1 <= len(reader) <= _READER_BYTES_MAX and reader[0] != "." and _PLAIN.issuperset(reader):
        return reader
    return "h-" + blake3.hash_one(reader.encode("utf-8", "surrogatepass")).hex()


class Cursor:
    """How far a session was shown a room. Locked from `lock` to `unlock`."""

    def __init__(self, folder, reader):
        self.folder = os.path.join(folder, "cursors")
        self.path = os.path.join(self.folder, file_name(reader))
        self.file = None
        self.read()

    def read(self):
        self.n, self.offset, self.id, self.at, self.files = 0, 0, None, 0, []
        try:
            file = _read_json(self.path + ".json")
            n, offset, name, at = (file[key] for key in ("n", "offset", "id", "at"))
            is_whole = all(_is_count(it) for it in (n, offset, at))
            if file["v"] == 1 and is_whole and (name is None or room_id(name)):
                self.n, self.offset, self.id, self.at = n, offset, name, at
                self.files = _awaited(file.get("files", []))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            pass  # A lost or damaged cursor repeats, it never skips.

    def lock(self, until):
        """Takes it, waiting no longer than to `until` of the monotonic clock."""
        _make_folder(self.folder)
        while True:
            file = os.open(self.path + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                if time.monotonic() >= until:
                    raise Trouble("another hook of this session holds the cursor") from None
                time.sleep(0.002)
                continue
            # Whoever sweeps old cursors may have removed the file in between.
            if _is_named(file, self.path + ".lock"):
                self.file = file
                self.read()
                return
            os.close(file)

    def move(self, n, offset, name, now, awaited):
        fields = {"v": 1, "n": n, "offset": offset, "id": name, "at": now}
        if awaited:
            fields["files"] = awaited[-files.AWAITED_MAX:]
        _replace(self.path + ".json", _compact(fields))

    def is_stale(self, now):
        return self.at + _TOUCH_MS < now

    def unlock(self):
        if self.file is not None:
            os.close(self.file)
            self.file = None


def _awaited(pairs):
    """The files that a session is to be told of once they are here; a damaged list is none."""
    try:
        is_good = len(pairs) <= files.AWAITED_MAX and all(
            _is_count(n) and len(place) == 16 and set(place) <= set("0123456789abcdef") for n, place in pairs)
    except (TypeError, ValueError):
        return []
    return [(n, place) for n, place in pairs] if is_good and isinstance(pairs, list) else []


def _is_named(file, path):
    try:
        ours, named = os.fstat(file), os.stat(path)
    except FileNotFoundError:
        return False
    return (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino)



def lock_deadline():
    return time.monotonic() + _LOCK_SECONDS
