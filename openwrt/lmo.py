"""Translations in the form that LuCI reads: the catalogue of an app (po/LANGUAGE/*.po) as a .lmo file.

What luci-base's po2lmo makes of it: the texts, each padded to four bytes; an index of (hash of the original,
number of plural forms, offset, length), sorted by hash; the index's offset. All numbers are big-endian. The rule
for plurals stands under hash 0. Texts that are translated by themselves, or not at all, are left out.
"""

import re
import struct

FIELD = re.compile(r'(?:(msgctxt|msgid|msgid_plural|msgstr)(?:\[(\d)\])? )?"(.*)"\s*')


def compile_catalogue(text):
    """The bytes of a .lmo file of a .po file's text; none at all if nothing is translated."""
    index, texts = [], b""
    for message in messages(text):
        for key, forms, value in entries(message):
            index.append((key, forms, len(texts), len(value)))
            texts += value + bytes(-len(value) % 4)
    if not texts:
        return b""
    return texts + b"".join(struct.pack(">4I", *entry) for entry in sorted(index)) + struct.pack(">I", len(texts))


def messages(text):
    """{field: its text} of each message; the forms of `msgstr` are numbered."""
    message, field = {}, None
    for line in text.splitlines():
        match = FIELD.fullmatch(line)
        if not match:
            continue
        name, form, part = match.groups()
        if name:
            field = int(form or 0) if name == "msgstr" else name
            if name == "msgctxt" or name == "msgid" and "msgid" in message:
                yield message
                message = {}
            message[field] = ""
        # Other escapes stay as they are: LuCI's pages take them so.
        message[field] += re.sub(r'\\(["\\])', r"\1", part)
    yield message


def entries(message):
    """(hash, number of forms, translation) of a message; the first message of a catalogue is its header."""
    forms = {form: text for form, text in message.items() if isinstance(form, int) and text}
    if not message.get("msgid"):
        header = forms.get(0, "").split("\\n")
        rule = next((line.split(": ", 1)[1] for line in header if line.startswith("Plural-Forms: ")), None)
        if rule:
            yield 0, 0, rule.encode()
        return
    context = message["msgctxt"] + "\1" if "msgctxt" in message else ""
    for form, text in forms.items():
        plural = f"\2{form}" if "msgid_plural" in message else ""
        key, value = (context + message["msgid"] + plural).encode(), text.encode()
        if fast_hash(key) != fast_hash(value):
            yield fast_hash(key), max(forms) + 1, value


def fast_hash(data):
    """Paul Hsieh's SuperFastHash, begun with the length, of which LuCI takes single bytes as signed."""
    mask = 0xffffffff
    signed = lambda byte: byte - 256 if byte > 127 else byte
    value = len(data)
    whole = len(data) & ~3
    for first, second in struct.iter_unpack("<2H", data[:whole]):
        value = (value + first) & mask
        value = (value << 16 ^ second << 11 ^ value) & mask
        value = (value + (value >> 11)) & mask
    rest = data[whole:]
    if len(rest) > 1:
        value = (value + struct.unpack("<H", rest[:2])[0]) & mask
    if len(rest) == 3:
        value = (value ^ value << 16) & mask
        value = (value ^ signed(rest[2]) << 18) & mask
        value = (value + (value >> 11)) & mask
    elif len(rest) == 2:
        value = (value ^ value << 11) & mask
        value = (value + (value >> 17)) & mask
    elif len(rest) == 1:
        value = (value + signed(rest[0])) & mask
        value = (value ^ value << 10) & mask
        value = (value + (value >> 1)) & mask
    for left, right in ((3, 5), (4, 17), (25, 6)):
        value = (value ^ value << left) & mask
        value = (value + (value >> right)) & mask
    return value
