"""Messages in their wire form: spec/message.md, and the encoding of spec/conventions.md."""


CHAT = 9
FILE = 10
#: Kinds that do not shape the roster; of those with a number from the registry all others do.
_PLAIN_KINDS = (9, 10, 12)
_KINDS = range(1, 14)
_ROSTER_BODY_BYTES_MAX, _BODY_BYTES_MAX = 65536, 17408
_TEXT_BYTES_MAX, _VIA_BYTES_MAX, _NOTE_BYTES_MAX = 16384, 64, 256


class NotAMessage(Exception):
    """The bytes are no message, or one that breaks a rule."""


class _Decoder:
    """Reads postcard, and takes nothing that is not canonical."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, count):
        piece = self.data[self.at:self.at + count]
        if len(piece) != count:
            raise NotAMessage("cut off")
        self.at += count
        return piece

    def number(self, bits):
        """A varint."""
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if value >> bits or (byte == 0 and shift > 7):
            raise NotAMessage("no canonical number")
        return value

    def flag(self):
        byte = self.take(1)[0]
        if byte > 1:
            raise NotAMessage("no option")
        return byte == 1

    def text(self):
        try:
            return self.take(self.number(64)).decode("utf-8")
        except UnicodeDecodeError as error:
            raise NotAMessage("no text") from error


class File:
    """What a message announces: claims, all of it."""

    def __init__(self, body):
        decoder = _Decoder(body)
        self.name, self.size, self.hash, self.media_type = (
            decoder.text(), decoder.number(64), decoder.take(32), decoder.text())
        is_short = all(len(it.encode()) <= _NOTE_BYTES_MAX for it in (self.name, self.media_type))
        if decoder.at != len(body) or not is_short:
            raise NotAMessage("no file")


class Message:
    """A message whose form was checked. Whether header and body are what `id` and header say is for `checks` to tell."""

    def __init__(self, raw):
        decoder = _Decoder(raw)
        decoder.take(32)
        self.author = decoder.take(32)
        self.chain = decoder.number(32)
        self.seq = decoder.number(64)
        has_previous = decoder.flag()
        if has_previous:
            decoder.take(32)
        self.ts = decoder.number(64)
        self.via = decoder.text()
        if decoder.flag():
            decoder.take(32)
        self.kind = decoder.number(16)
        self.version = decoder.number(16)
        self.body_hash = decoder.take(32)
        body_length = decoder.number(32)
        self.header = raw[:decoder.at]
        if decoder.flag():
            decoder.take(64)
        self.body = decoder.take(decoder.number(64)) if decoder.flag() else None
        if decoder.at != len(raw):
            raise NotAMessage("bytes left over")
        self._hold_rules(has_previous, body_length)
        self.text = self._chat_text()
        is_file = self.kind == FILE and self.version == 1 and self.body is not None
        self.file = File(self.body) if is_file else None

    def _hold_rules(self, has_previous, body_length):
        most = _ROSTER_BODY_BYTES_MAX if self.kind in (3, 6, 7) else _BODY_BYTES_MAX
        if len(self.via.encode()) > _VIA_BYTES_MAX or body_length > most:
            raise NotAMessage("too long")
        if self.seq == 0 or (self.seq == 1) == has_previous:
            raise NotAMessage("bad link")
        if self.body is None and self.shapes_roster():
            raise NotAMessage("no body")
        if self.body is not None and len(self.body) != body_length:
            raise NotAMessage("another body")

    def _chat_text(self):
        if self.kind != CHAT or self.version != 1 or self.body is None:
            return None
        decoder = _Decoder(self.body)
        text = decoder.text()
        if decoder.at != len(self.body) or not 1 <= len(text.encode()) <= _TEXT_BYTES_MAX:
            raise NotAMessage("no text of a chat")
        return text

    def shapes_roster(self):
        """Whether it can change who belongs; see the registry."""
        return self.kind in _KINDS and self.kind not in _PLAIN_KINDS

    def hashed(self):
        """What has to be hashed to know that it is the message it says: the header, and the body."""
        return [self.header] if self.body is None else [self.header, self.body]


