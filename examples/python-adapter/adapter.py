#!/usr/bin/env python3
"""An adapter for cc-connect that speaks the generic JSON of spec/adapters.md: see README.md beside this file.

Reads one event on standard input, prints nothing or one injection, and always exits 0.
"""

import json
import os
import signal
import sys

import files
import home as homes
import log
import render
import text

AGENT = "python-example"
_DEADLINE_SECONDS = 0.18
_AFTERWARDS_SECONDS = 0.1
_EVENT_BYTES_MAX = 32 * 1024 * 1024
_DIRECTORY_BYTES_MAX = 4096
_REASON_CHARS_MAX = 400
_LOG_BYTES_MAX = 256 * 1024


class Event:
    """What an agent says is happening: spec/adapters.md, Generic."""

    def __init__(self, data):
        try:
            fields = json.loads(data.decode("utf-8"))
            version, self.moment, session = fields["v"], fields["event"], fields["session"]
            directory = fields.get("directory")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise homes.Trouble("the event is not understood") from error
        is_text = all(isinstance(it, str) and it for it in (self.moment, session))
        if version != 1 or isinstance(version, bool) or not is_text or not isinstance(directory, (str, type(None))):
            raise homes.Trouble("the event is not understood")
        self.session = homes.session_name(session)
        self.directory = _tamed(directory or os.getcwd())


def _tamed(directory):
    encoded = directory.encode("utf-8", "surrogatepass")
    return None if len(encoded) > _DIRECTORY_BYTES_MAX or b"\0" in encoded else os.path.abspath(directory)


class Room:
    """A room with lines that the session was not shown, its cursor locked: spec/hook.md, What is offered."""

    def __init__(self, home, room, reader, now, until):
        self.id = room
        self.folder = os.path.join(home, "rooms", room)
        self.cursor = homes.Cursor(self.folder, reader) if os.path.isdir(self.folder) else None
        self.log = None
        self.candidates, self.counts, self.unread = [], {}, 0
        #: Lines of files that came to be here since, and what the cursor awaits from then on.
        self.arrived, self.awaited = [], []
        #: Where the cursor is to stand, and the last line that was looked at.
        self.last = self.newest = None
        self.shown = None
        #: Files that are not here, of what was looked at.
        self.absent = {}
        if self.cursor is None:
            raise homes.Trouble("there is no such room")
        is_new = os.stat(os.path.join(self.folder, "log.jsonl")).st_size != self.cursor.offset
        if is_new or self.cursor.is_stale(now) or files.may_be_here(self.folder, self.cursor.files):
            self.cursor.lock(until)
            self._read(now)

    def _read(self, now):
        self.log = log.Log(self.folder)
        stands, lines = self.log.lines_after(self.cursor)
        self.place = stands[0]
        if not lines and not files.may_be_here(self.folder, self.cursor.files):
            self._touch(now)
            return
        self.view = homes.View(self.folder, self.id)
        is_all_read = not lines
        lines = self._up_to_the_roster(lines)
        self._look_for_files()
        if lines:
            self.last = (lines[-1].n, lines[-1].end, lines[-1].id)
            for line in lines:
                self._weigh(line)
            self.newest = lines[-1]
        elif self.arrived or self.awaited != self.cursor.files:
            self.last = stands
        elif is_all_read:
            self._touch(now)

    def _touch(self, now):
        if self.cursor.is_stale(now):
            self.cursor.move(self.cursor.n, self.cursor.offset, self.cursor.id, now, self.cursor.files)

    def _look_for_files(self):
        """What became of the files that the session was told are not here: spec/hook.md, Files."""
        for n, place in reversed(self.cursor.files):
            if n > self.place:
                continue
            if files.may_be_here(self.folder, [(n, place)]):
                line = self.log.line(n)
                if line is not None:
                    log.check([line])
                if line is None or not self._may_tell_of(line, place):
                    continue
                is_here = line.message is not None and files.is_here(self.folder, line.message.file)
                if is_here and len(self.arrived) < files.ARRIVED_MAX:
                    self.arrived.insert(0, line)
            self.awaited.insert(0, (n, place))

    def _may_tell_of(self, line, place):
        if line.message is None:
            return True  # It is damaged, and may be written again.
        file = line.message.file
        return (file is not None and files.place(file) == place
                and self.view.trust(line.author) == "inline" and not self.view.voids(line))

    def _up_to_the_roster(self, lines):
        """The lines before the first that shapes the roster and lies beyond the view."""
        for at, line in enumerate(lines):
            if line.n > self.view.through and line.message and line.message.shapes_roster():
                log.check([line])
                if line.message:
                    return lines[:at]
        return lines

    def _weigh(self, line):
        counts = line.repairs is None
        if line.message is None:
            self.unread += 1
            self.candidates.append(line)
            return
        is_own_agent = line.author == self.view.me and line.message.via
        is_told = line.message.text is not None or line.message.file is not None
        if not is_told or is_own_agent or self.view.voids(line):
            return
        trust = self.view.trust(line.author)
        if trust == "notice" and counts:
            self.counts[line.author] = self.counts.get(line.author, 0) + 1
        elif trust == "inline":
            self.unread += counts
            self.candidates.append(line)

    def has_something(self):
        return self.unread > 0 or bool(self.counts) or bool(self.arrived)

    def counted(self, shown):
        """How many of the unread are not among those that are shown."""
        return self.unread - sum(n > self.place for n in shown)

    def noticed(self):
        """The names of those at `notice`, and how many messages; the one with the most in front."""
        by_key = sorted(self.counts.items())
        return [(self.view.name_of(author), count) for author, count in sorted(by_key, key=lambda it: -it[1])]

    def is_addressed(self, line):
        said = line.message.text if line.message else None
        return bool(said) and line.author != self.view.me and text.names(said, self.view.nick)

    def entry(self, line, ahead, now):
        """What is shown of a line; None where it is damaged or was passed before. `ahead` is what comes next."""
        log.check([line] if line.is_checked else ahead)
        is_old = line.repairs is not None and line.repairs <= self.place < line.n
        if line.message is None or is_old:
            return None
        file = line.message.file
        if file is not None and not files.is_here(self.folder, file):
            self.absent[line.n] = files.place(file)
        return render.entry(self, line, now)

    def told(self, shown):
        """These lines are in the text: files that are here are awaited no more, others from now on."""
        self.shown = shown
        self.awaited = [(n, place) for n, place in self.awaited if n not in shown]
        self.awaited += [(n, self.absent[n]) for n in shown if n > self.place and n in self.absent]

    def move_cursor(self, now, note):
        """What was looked at was told."""
        if self.last is None:
            return
        if self.newest is not None:
            log.check([self.newest])
            self.last = (self.newest.n, self.newest.end, self.newest.id)
        try:
            self.cursor.move(*self.last, now, self.awaited)
        except OSError as error:
            note("room %s: the cursor did not move: %s" % (render.short(self.id), error))

    def note_told(self, event, now, note):
        """Writes the audit's line, once the cursors of all rooms moved."""
        if self.last is None or self.shown is None:
            return
        try:
            homes.note_told(self.folder, self._audit(event, now))
        except OSError as error:
            note("room %s: the audit cannot be written: %s" % (render.short(self.id), error))

    def _audit(self, event, now):
        counted = self.counted(self.shown)
        return {
            "v": 1, "at": now, "agent": AGENT, "session": event.session, "event": event.moment,
            "from": self.place, "through": self.last[0], "shown": self.shown, "counted": counted,
        }

    def close(self):
        if self.log is not None:
            self.log.close()
        if self.cursor is not None:
            self.cursor.unlock()


def _collect(home, rooms, reader, now, note):
    until, found = homes.lock_deadline(), []
    for room in rooms:
        try:
            found.append(Room(home, room, reader, now, until))
        except (homes.Trouble, log.CutShort, OSError) as error:
            note("room %s: %s" % (render.short(room), error or "the log is cut short"))
    return sorted(found, key=lambda room: room.cursor.at)


def _injection(home, found, now):
    """The text, and the rooms whose cursors move once it is out."""
    telling = [room for room in found if room.has_something()][:render.ROOMS_MAX]
    silent = [room for room in found if not room.has_something()]
    if not telling:
        return None, silent
    load = lambda room, line, ahead: room.entry(line, ahead, now)  # noqa: E731
    rooms_path = os.path.join(home, "rooms")
    told, shown = render.injection(telling, rooms_path, os.urandom(8).hex(), load)
    is_damaged = any(line.message is None for room in telling for line in room.candidates)
    if is_damaged and not any(shown):
        return None, []
    for room, lines in zip(telling, shown):
        room.told(lines)
    return told, telling + silent


def _answer(told):
    return json.dumps({"v": 1, "context": told}, ensure_ascii=False).encode("utf-8") + b"\n"


def _run(home, note):
    event = Event(sys.stdin.buffer.read(_EVENT_BYTES_MAX + 1))
    if event.moment not in homes.MOMENTS:
        return
    if not os.path.isdir(home):
        raise homes.Trouble("there is no home")
    now = homes.now_ms()
    named = os.environ.get("CC_CONNECT_ROOM")
    try:
        homes.note_session(home, AGENT, event, named, now)
    except OSError as error:
        note("the session cannot be noted: %s" % error)
    rooms = homes.rooms_of(home, event.directory, named)
    rooms = [room for room in rooms if not homes.is_paused(home, room, now)]
    if event.moment not in ("prompt", "tool"):
        return  # This agent is told nothing at a start, and is not woken.
    found = _collect(home, rooms, AGENT + "-" + event.session, now, note)
    if event.moment == "tool" and not any(room.is_addressed(line) for room in found for line in room.candidates):
        return
    told, moving = _injection(home, found, now)
    # From here on the answer goes out whole.
    signal.setitimer(signal.ITIMER_REAL, 0)
    if told is not None:
        sys.stdout.buffer.write(_answer(told))
        sys.stdout.buffer.flush()
    # An agent drops what a hook printed that does not end by itself: whatever the disk does, it ends.
    signal.setitimer(signal.ITIMER_REAL, _AFTERWARDS_SECONDS)
    for room in moving:
        room.move_cursor(now, note)
    for room in moving:
        room.note_told(event, now, note)


def _note(home, reason):
    """One line in hook.log: never a message, a prompt or the environment."""
    path = os.path.join(home, "hook.log")
    line = "%s %s - %s\n" % (homes.utc(), AGENT, text.clean_line(reason, _REASON_CHARS_MAX))
    try:
        os.makedirs(home, mode=0o700, exist_ok=True)
        if os.path.exists(path) and os.path.getsize(path) > _LOG_BYTES_MAX:
            os.rename(path, path + ".old")
        with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as file:
            file.write(line)
    except OSError:
        pass  # There is nobody to tell.


def main():
    beside_user = os.path.join(os.environ.get("HOME") or "/", ".cc-connect")
    home = os.environ.get("CC_CONNECT_HOME") or beside_user

    def give_up(_signal, _frame):
        os._exit(0)

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, _DEADLINE_SECONDS)
    try:
        _run(home, lambda reason: _note(home, reason))
    except homes.Trouble as trouble:
        _note(home, str(trouble))
    except Exception as fault:  # The human's prompt comes first.
        _note(home, "a fault in the adapter itself: %s" % type(fault).__name__)
    sys.stderr = None
    os._exit(0)


if __name__ == "__main__":
    main()
