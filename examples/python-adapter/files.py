"""Files of a room, as far as looking tells: spec/hook.md, Files, and spec/conventions.md, File names."""

import os
import stat
import unicodedata

import text

#: Says beside what was put into a file's folder which file that is: its hash and its size.
OWNER_FILE = ".of"
FOLDER_MEDIA_TYPE = "application/vnd.cc-connect.folder"
#: How many of a room's files that arrived are candidates.
ARRIVED_MAX = 8
AWAITED_MAX = 32

_NAME_BYTES_MAX = 120
_EXTENSION_BYTES_MAX = 24
_DEVICES = frozenset(["con", "prn", "aux", "nul", "conin$", "conout$"])
_NUMBERED_DEVICES = frozenset(device + number for device in ("com", "lpt") for number in "0123456789¹²³")
_REPLACED = {
    **{c: "_" for c in "/\\:*?\"<>|$;&`\u2044\u2215\u2236\u29f5\u29f8\u29f9\ua789\ufe13\ufe55\ufe68\uff0f\uff1a\uff3c"},
    **{c: "." for c in "\u2024\ufe52\uff0e"},
    "[": "(", "]": ")", "'": "\u2019",
}
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+/")


def _size(written):
    return len(written.encode("utf-8"))


def safe_name(claimed):
    """One component of a path, the same wherever it is shown or kept."""
    name = []
    for c in unicodedata.normalize("NFC", claimed):
        c = _REPLACED.get(c) or text.in_a_line(c)
        if c == " " and (not name or name[-1] == " "):
            continue
        name.append(c)
    kept, marks = [], 0
    for c in unicodedata.normalize("NFC", "".join(name)):
        marks = marks + 1 if text.is_mark(c) else 0
        if marks <= text.MARKS_IN_A_ROW_MAX:
            kept.append(c)
    start = 0
    while start < len(kept) and (kept[start] in ".- " or text.is_mark(kept[start])):
        start += 1
    name = "".join(kept[start:]).rstrip(". ")
    if not name:
        return "file"
    stem = name.split(".")[0].rstrip(" ").lower()
    if stem in _DEVICES or stem in _NUMBERED_DEVICES:
        name = "_" + name
    return _shortened(name)


def _shortened(name):
    if _size(name) <= _NAME_BYTES_MAX:
        return name
    dot = name.rfind(".")
    extension = name[dot:] if dot > 0 else ""
    if _size(extension) > _EXTENSION_BYTES_MAX:
        extension = ""
    stem = name[:len(name) - len(extension)]
    left = _NAME_BYTES_MAX - _size(extension)
    end = len(stem)
    while end and (_size(stem[:end]) > left or not _may_be_cut(stem, end)):
        end -= 1
    return stem[:end].rstrip(". ") + extension


def _may_be_cut(name, at):
    """Whether nothing that is seen as one is torn there."""
    if at == len(name):
        return True
    if text.is_mark(name[at]) or "\U0001f3fb" <= name[at] <= "\U0001f3ff":
        return False
    flags = 0
    while flags < at and _is_flag(name[at - 1 - flags]):
        flags += 1
    return not (_is_flag(name[at]) and flags % 2)


def _is_flag(c):
    return "\U0001f1e6" <= c <= "\U0001f1ff"


def shown_size(count):
    if count < 1024:
        return "%d B" % count
    power = (count.bit_length() - 1) // 10
    tenths = count * 10 >> 10 * power
    return "%d.%d %s" % (tenths // 10, tenths % 10, ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")[power - 1])


def place(file):
    """The name of the folder that a file is kept in."""
    return file.hash.hex()[:16]


def path_of(folder, file):
    return os.path.join(folder, "files", place(file), safe_name(file.name))


def is_here(folder, file):
    """Whether all of it is in its place: it is put there whole."""
    try:
        found = os.lstat(path_of(folder, file))
    except OSError:
        return False
    if file.media_type == FOLDER_MEDIA_TYPE:
        fits = stat.S_ISDIR(found.st_mode)
    else:
        fits = stat.S_ISREG(found.st_mode) and found.st_size == file.size
    return fits and _owner(folder, file) == file.hash + file.size.to_bytes(8, "little")


def _owner(folder, file):
    """Which file was put there: the place has but half of a hash in its name."""
    try:
        with open(os.path.join(folder, "files", place(file), OWNER_FILE), "rb") as owner:
            return owner.read(64)
    except OSError:
        return b""


def may_be_here(folder, awaited):
    """Whether one of those that a cursor awaits may have come; no log is read for that."""
    return any(os.path.exists(os.path.join(folder, "files", place)) for _, place in awaited)


def said(folder, file, room, bytes_max):
    """What is told of a file, on one line."""
    is_folder = file.media_type == FOLDER_MEDIA_TYPE
    name = safe_name(file.name) + ("/" if is_folder else "")
    if not _PLAIN.issuperset(name):
        name = '"%s"' % name
    what = "%s%s (%s)" % ("folder " if is_folder else "", name, shown_size(file.size))
    if not is_here(folder, file):
        return "announced %s, not here yet" % what
    path = os.path.abspath(path_of(folder, file))
    if _is_text(path) and text.clean_line_for_agent(path) == path:
        told = "dropped %s @file:%s" % (what, path)
        if _size(told) <= bytes_max:
            return told
    return "dropped %s, path in cc-connect files --room %s" % (what, room)


def _is_text(path):
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
