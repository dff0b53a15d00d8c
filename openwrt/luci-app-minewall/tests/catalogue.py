#!/usr/bin/env python3
"""The texts of the pages: `catalogue.py` writes po/templates/minewall.pot anew.

Scans what LuCI's own i18n-scan does: `_()` and `N_()` of the scripts, titles of the menu, descriptions of rights.
"""

import json
import re
from pathlib import Path

APP = Path(__file__).resolve().parent.parent
TEMPLATE = APP / "po/templates/minewall.pot"
STRING = r"'((?:[^'\\]|\\.)*)'"
SINGULAR = re.compile(rf"(?<![\w$])_\(\s*{STRING}\s*\)")
PLURAL = re.compile(rf"(?<![\w$])N_\([^,]+,\s*{STRING},\s*{STRING}\s*\)")


def unescape(text):
    return re.sub(r"\\(.)", r"\1", text)


def found():
    """{(text, plural or None): [places]}, in the order of files and lines."""
    texts = {}

    def add(path, line, text, plural=None):
        texts.setdefault((text, plural), []).append(f"{path.relative_to(APP)}:{line}")

    for path in sorted((APP / "htdocs").rglob("*.js")):
        source = path.read_text()
        hits = [(match.start(), unescape(match[1]), None) for match in SINGULAR.finditer(source)]
        hits += [(match.start(), unescape(match[1]), unescape(match[2])) for match in PLURAL.finditer(source)]
        for offset, text, plural in sorted(hits):
            add(path, source.count("\n", 0, offset) + 1, text, plural)
    for path in sorted((APP / "root").rglob("*.json")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.search(r'"(?:title|description)": ("(?:[^"\\]|\\.)*")', line)
            if match:
                add(path, number, json.loads(match[1]))
    return texts


def literals():
    """All texts, plurals too."""
    return [text for pair in found() for text in pair if text]


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def template():
    """The contents of the template."""
    parts = ['msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8"\n']
    for (text, plural), places in found().items():
        part = "".join(f"#: {place}\n" for place in places) + f"msgid {quoted(text)}\n"
        part += f'msgid_plural {quoted(plural)}\nmsgstr[0] ""\nmsgstr[1] ""\n' if plural else 'msgstr ""\n'
        parts.append(part)
    return "\n".join(parts)


def translation(language):
    """{text: translation} of a language, plurals too."""
    texts = {}
    source = (APP / f"po/{language}/minewall.po").read_text()
    for entry in source.split("\n\n")[1:]:
        fields = dict(re.findall(r'^(msgid|msgid_plural|msgstr|msgstr\[\d\]) "(.*)"$', entry, re.MULTILINE))
        fields = {key: unescape(value) for key, value in fields.items()}
        texts[fields["msgid"]] = fields.get("msgstr", fields.get("msgstr[0]"))
        if "msgid_plural" in fields:
            texts[fields["msgid_plural"]] = fields["msgstr[1]"]
    return texts


if __name__ == "__main__":
    TEMPLATE.write_text(template())
