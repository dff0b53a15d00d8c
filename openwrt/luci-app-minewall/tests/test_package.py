"""The package's parts fit together: catalogue, menu, rights, scripts."""

import json
import re
import struct
import sys
import tempfile
import unittest
from pathlib import Path

import catalogue
from router import APP

sys.path.append(str(APP.parent))

import formats
import lmo
import pack

RESOURCES = APP / "htdocs/luci-static/resources"
PLACES = re.compile(r"%(?:\.\d)?[a-z]")
PAIRS = [pair for pair in catalogue.found() if pair[1]]


class Catalogue(unittest.TestCase):

    def test_template_is_up_to_date(self):
        self.assertEqual(catalogue.TEMPLATE.read_text(), catalogue.template(), "run tests/catalogue.py")

    def test_translations_are_of_the_template_and_keep_their_places(self):
        for folder in (APP / "po").iterdir():
            if folder.name == "templates":
                continue
            texts = catalogue.translation(folder.name)
            self.assertLessEqual(set(texts), set(catalogue.literals()), folder.name)
            # New texts may be in English for a while.
            self.assertGreater(len(texts), 0.8 * len(catalogue.literals()), folder.name)
            for text, translated in texts.items():
                with self.subTest(text):
                    self.assertTrue(translated)
                    self.assertEqual(PLACES.findall(translated), PLACES.findall(text))
                    self.assertNotRegex(translated, "[<>&]")


class Package(unittest.TestCase):
    """As the Makefile describes it."""

    def test_every_file_is_where_luci_looks(self):
        scratch = tempfile.TemporaryDirectory(prefix="minewall-luci-package-")
        self.addCleanup(scratch.cleanup)
        package = pack.read("luci-app-minewall", Path(scratch.name) / "package", 0)
        package.architecture = package.fields["PKGARCH"]
        ipk = formats.members(formats.ipk(package))
        files = formats.members(ipk["./data.tar.gz"])
        expected = {f"./www/{path.relative_to(APP / 'htdocs')}": path for path in (APP / "htdocs").rglob("*.*")}
        expected |= {f"./{path.relative_to(APP / 'root')}": path for path in (APP / "root").rglob("*.json")}
        self.assertEqual(sorted(files), sorted(expected))
        for name, path in expected.items():
            self.assertEqual(files[name], path.read_bytes(), name)
        control = formats.members(ipk["./control.tar.gz"])
        self.assertIn(b"\nDepends: luci-base, minewall\n", control["./control"])
        self.assertIn(b"\nArchitecture: all\n", control["./control"])

    def test_each_language_is_a_package(self):
        scratch = tempfile.TemporaryDirectory(prefix="minewall-luci-package-")
        self.addCleanup(scratch.cleanup)
        app = pack.read("luci-app-minewall", Path(scratch.name) / "package", 0)
        app.architecture = app.fields["PKGARCH"]
        languages = [folder.name for folder in (APP / "po").iterdir() if folder.name != "templates"]
        packages = {package.name: package for package in pack.translations(app, Path(scratch.name) / "languages")}
        self.assertEqual(sorted(packages), sorted(f"luci-i18n-minewall-{language}" for language in languages))
        ipk = formats.members(formats.ipk(packages["luci-i18n-minewall-de"]))
        self.assertIn(b"\nDepends: luci-app-minewall\n", formats.members(ipk["./control.tar.gz"])["./control"])
        files = formats.members(ipk["./data.tar.gz"])
        self.assertEqual(sorted(files), ["./etc/uci-defaults/luci-i18n-minewall-de",
                                         "./usr/lib/lua/luci/i18n/minewall.de.lmo"])
        self.assertEqual(files["./etc/uci-defaults/luci-i18n-minewall-de"],
                         b"uci set luci.languages.de='Deutsch (German)'; uci commit luci\n")
        texts = translated(files["./usr/lib/lua/luci/i18n/minewall.de.lmo"])
        for text, german in catalogue.translation("de").items():
            if text != german and text not in {text for pair in PAIRS for text in pair}:
                self.assertEqual(texts.pop(lmo.fast_hash(text.encode())), german, text)
        for one, many in PAIRS:
            for form, text in enumerate((one, many)):
                self.assertEqual(texts.pop(lmo.fast_hash(f"{one}\2{form}".encode())), catalogue.translation("de")[text])
        self.assertEqual(texts, {0: "nplurals=2; plural=n != 1;"})


class Lmo(unittest.TestCase):
    """Against what luci-base's own program makes of the same texts."""

    def test_hashes(self):
        for text, value in {"unknown host": 2367067093, "Gerät": 2967693396, "größe€": 1747109887, "": 0}.items():
            self.assertEqual(lmo.fast_hash(text.encode()), value, text)

    def test_forms_contexts_and_escapes(self):
        catalogue = '''msgid ""
msgstr ""
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

#: comment "x"
msgid "one \\"host\\""
msgid_plural "%d hosts"
msgstr[0] "ein \\"Gerät\\""
msgstr[1] "%d "
"Geräte"

msgctxt "menu"
msgid "Status"
msgstr "Zustand"

msgid "Pool"
msgstr "Pool"

msgid "untranslated"
msgstr ""
'''
        file = lmo.compile_catalogue(catalogue)
        keys = {0: "nplurals=2; plural=(n != 1);", lmo.fast_hash(b'one "host"\x020'): 'ein "Gerät"',
                lmo.fast_hash(b'one "host"\x021'): "%d Geräte", lmo.fast_hash(b"menu\1Status"): "Zustand"}
        self.assertEqual(translated(file), keys)
        self.assertEqual(lmo.compile_catalogue('msgid "a"\nmsgstr ""\n'), b"")


def translated(file):
    """{hash: text}, read as LuCI does: by bisection, so the index must be in order."""
    (start,) = struct.unpack(">I", file[-4:])
    index = list(struct.iter_unpack(">4I", file[start:-4]))
    keys = [entry[0] for entry in index]
    assert keys == sorted(set(keys)) and all(entry[2] % 4 == 0 for entry in index)
    return {key: file[offset:offset + length].decode() for key, _, offset, length in index}


class Parts(unittest.TestCase):

    def test_menu_leads_to_views_that_are_there(self):
        menu = json.loads((APP / "root/usr/share/luci/menu.d/luci-app-minewall.json").read_text())
        groups = json.loads((APP / "root/usr/share/rpcd/acl.d/luci-app-minewall.json").read_text())
        for path, node in menu.items():
            if node["action"]["type"] == "view":
                self.assertTrue((RESOURCES / "view" / (node["action"]["path"] + ".js")).is_file(), path)
                self.assertIn(path.rsplit("/", 1)[0], menu)
        self.assertEqual(menu["admin/services/minewall"]["depends"]["acl"], list(groups))

    def test_what_scripts_require_is_theirs_or_lucis(self):
        of_luci = {"baseclass", "dom", "form", "fs", "poll", "rpc", "uci", "ui", "view"}
        for path in RESOURCES.rglob("*.js"):
            head = re.match(r"(?:'(?:use strict|require [^']*)';\n)+", path.read_text())
            self.assertTrue(head and head[0].startswith("'use strict';\n"), path)
            for name in re.findall(r"'require ([\w.]+)", head[0]):
                self.assertTrue(name in of_luci or (RESOURCES / (name.replace(".", "/") + ".js")).is_file(), f"{path}: {name}")

    def test_scripts_make_markup_in_the_safe_way_only(self):
        """A child that is a string is parsed as HTML: every child of ours is in an array."""
        for path in RESOURCES.rglob("*.js"):
            source = path.read_text()
            for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "L.dom.parse", "showModal",
                         "addNotification"):
                self.assertNotIn(word, source, path)
            for match in re.finditer(r"\bE\('\w+', (?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}), *(.)", source):
                self.assertIn(match[1], "[\n", f"{path}: {match[0]}")


if __name__ == "__main__":
    unittest.main()
