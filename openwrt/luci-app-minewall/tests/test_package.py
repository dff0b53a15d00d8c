"""The package's parts fit together: catalogue, menu, rights, scripts."""

import json
import re
import sys
import tempfile
import unittest
from pathlib import Path

import catalogue
from router import APP

sys.path.append(str(APP.parent))

import formats
import pack

RESOURCES = APP / "htdocs/luci-static/resources"
PLACES = re.compile(r"%(?:\.\d)?[a-z]")


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
        of_luci = {"baseclass", "dom", "form", "poll", "rpc", "ui", "view"}
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
