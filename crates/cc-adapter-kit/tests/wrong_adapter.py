"""The example adapter with one rule broken: wrong_adapter.py NAME. For the tests of the adapter kit alone."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../examples/python-adapter"))

import adapter  # noqa: E402
import files  # noqa: E402
import home  # noqa: E402
import log  # noqa: E402
import render  # noqa: E402
import text  # noqa: E402


def budget():
    render.INJECTION_BYTES_MAX = 9500


def message_budget():
    render._MESSAGE_BYTES_MAX = 4096


def no_share():
    run = render._Choice._pass
    render._Choice._pass = lambda self, share: run(self, None)


def no_cleaning():
    text.clean_text = lambda written: written


def no_indent():
    right = render.entry
    render.entry = lambda *given: right(*given).replace("\n    ", "\n")


def no_tags():
    text._without_tags = lambda written: written


def cursor_stays():
    home.Cursor.move = lambda self, *place: None


def cursor_too_far():
    right = adapter.Room._up_to_the_roster

    def up_to(self, lines):
        self.all = lines
        return right(self, lines)

    move = adapter.Room.move_cursor

    def move_cursor(self, *given):
        self.newest = self.all[-1]
        move(self, *given)

    adapter.Room._up_to_the_roster, adapter.Room.move_cursor = up_to, move_cursor


def cursor_first():
    answer = adapter._injection

    def early(folder, found, now):
        told, moving = answer(folder, found, now)
        for room in moving:
            room.cursor.move(*room.last, now, room.awaited)
        return told, moving

    adapter._injection = early


def exit_code():
    leave = os._exit
    os._exit = lambda _code: leave(1)


def plain_text():
    adapter._answer = lambda told: told.encode()


def two_answers():
    right = adapter._answer
    adapter._answer = lambda told: right(told) * 2


def believes_fields():
    right = log._parse

    def parse(data):
        fields = right(data)
        if fields and fields[2].text is not None:
            fields[2].text = log.json.loads(data)["text"]
        return fields

    log._parse = parse


def unchecked():
    log.check = lambda lines: None


def ignores_trust():
    home.View.trust = lambda self, author: "inline"


def ignores_cuts():
    home.View.voids = lambda self, line: False


def repeats():
    right = home.Cursor.read

    def read(self):
        right(self)
        self.n = self.offset = 0

    home.Cursor.read = read


def slow():
    time.sleep(1)


def no_lock():
    home.fcntl.flock = lambda *given: None


def no_deadline():
    adapter.signal.setitimer = lambda *given: None


def session_as_path():
    home.file_name = lambda reader: reader.replace("/", "_")[:200]


def own_agent():
    weigh = adapter.Room._weigh

    def weighed(self, line):
        me, self.view.me = self.view.me, b""
        weigh(self, line)
        self.view.me = me

    adapter.Room._weigh = weighed


def fixed_fence():
    os.urandom = bytes


def ignores_pause():
    home.is_paused = lambda *given: False


def ignores_room_variable():
    os.environ.pop("CC_CONNECT_ROOM", None)


def writes_elsewhere():
    right = adapter._run

    def run(folder, note):
        right(folder, note)
        with open(os.path.join(folder, "rooms", "mine.txt"), "w", encoding="utf-8") as file:
            file.write("x")

    adapter._run = run


def files_at_once():
    files.is_here = lambda *given: True


def links_followed():
    files.os.lstat = os.stat


def half_a_hash():
    files._owner = lambda folder, file: file.hash + file.size.to_bytes(8, "little")


def claimed_names():
    files.safe_name = lambda claimed: claimed.replace("/", "_") or "file"


def no_quotes():
    files._PLAIN = frozenset(map(chr, range(0x110000)))


def words_as_files():
    text._BRACKETS = tuple(tag for tag in text._BRACKETS if tag != "@file:")


def awaits_nothing():
    adapter.Room._look_for_files = lambda self: None
    right = adapter.Room.told

    def told(self, shown):
        right(self, shown)
        self.awaited = []

    adapter.Room.told = told


def tells_twice():
    right = adapter.Room.told

    def told(self, shown):
        before = self.awaited
        right(self, shown)
        self.awaited = before or self.awaited

    adapter.Room.told = told


def tells_of_withdrawn():
    adapter.Room._may_tell_of = lambda self, line, place: line.message and line.message.file


def counts_arrived():
    adapter.Room.counted = lambda self, shown: self.unread - len(shown)


def believes_list():
    home._awaited = lambda pairs: [(it[0], it[1]) for it in pairs]
    adapter.Room._may_tell_of = lambda self, line, place: line.message and line.message.file


globals()[sys.argv[1]]()
adapter.main()
