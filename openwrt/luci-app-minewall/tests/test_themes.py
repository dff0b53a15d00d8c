"""Colours say the same in each theme of LuCI: red is bad, amber is to be looked at, green is well.

`themes.json` has the rules of the themes for the classes that the pages use, with the sheets that they were read from.
"""

import colorsys
import json
import re
import unittest
from pathlib import Path

import canned
from case import STATUS, PageCase
from router import APP

TABLE = json.loads((Path(__file__).parent / "themes.json").read_text())


def classes_of_pages():
    """The classes in the scripts that are not ours alone, each with a script that has it."""
    found = {}
    for script in sorted((APP / "htdocs").rglob("*.js")):
        for attribute in re.finditer(r"'class':([^\n]*?)(?=, '[a-z-]+':|\}|\n)", script.read_text()):
            words = " ".join(re.findall(r"'([^']*)'", attribute[1])).split()
            found.update({word: script.name for word in words if "%" not in word and not re.match("mw(-|$)", word)})
    return found


def style(theme):
    """The rules of a theme as a sheet; the model's own has no word in them."""
    background, text = theme["page"]
    rules = [["body", background, text], *theme["rules"]]
    return "\n".join(f"{selector} {{ background: {background}; color: {text}; }}" for selector, background, text in rules)


def colours(css):
    """The colours in a computed value, as (red, green, blue)."""
    return [tuple(int(part) for part in colour) for colour in re.findall(r"rgb\((\d+), (\d+), (\d+)\)", css)]


def name(colour):
    """The colour in a word."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    if saturation < 0.15 or lightness > 0.97:
        return "grey"
    degrees = 360 * hue
    return "red" if degrees < 18 or degrees > 340 else "amber" if degrees < 70 else "green" if degrees < 170 else "blue"


def contrast(one, other):
    """The ratio of WCAG 2, section 1.4.3; 4.5 is readable."""
    def luminance(colour):
        parts = [part / 255 for part in colour]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


class Themes(PageCase):

    def test_each_class_has_its_meaning_written_down(self):
        classes = classes_of_pages()
        self.assertGreater(len(classes), 10)
        self.assertEqual({word: script for word, script in classes.items() if word not in TABLE["classes"]}, {})
        self.assertEqual([word for word in TABLE["classes"] if word not in classes], [])

    def test_the_table_knows_the_traps(self):
        """What made 'Blocked' look harmless, and a success look like a warning."""
        def background(theme, selector):
            return next((rule[1] for rule in TABLE["themes"][theme]["rules"] if rule[0] == selector), None)
        self.assertEqual(name((0x19, 0x76, 0xD2)), "blue")
        self.assertEqual(background("bootstrap", ".label.important"), "#1976d2")
        self.assertIsNone(background("openwrt-2020", ".alert-message.error"))
        self.assertIsNone(background("openwrt-2020", ".alert-message.success"))

    def test_colours_mean_the_same_in_each_theme(self):
        hosts = [canned.host(client=f"192.168.1.{number}", verdict=verdict)
                 for number, verdict in enumerate(("blocked", "monitored", "suspected"), 1)]
        hosts.append(canned.host(client="192.168.1.9", host_allowed=True))
        problems = [{"code": "rules", "text": "bad"}, {"code": "feed", "text": "mild"}]
        for theme, rules in TABLE["themes"].items():
            with self.subTest(theme):
                self.serve(answers={"status": canned.status(problems=problems), "hosts": {"hosts": hosts},
                                    "unblock": {"ok": True, "text": "forgotten"}})
                self.open(STATUS)
                sheet = json.dumps(style(rules))
                self.browser.evaluate(f"""(() => {{
                    document.querySelector('link[href*="theme.css"]').disabled = true;
                    document.head.append(Object.assign(document.createElement('style'), {{ textContent: {sheet} }}));
                }})()""")
                self.browser.click('[data-client="192.168.1.1"] [data-deed="unblock"]')
                self.wait_for("forgotten")
                for selector, wanted in (('[data-client="192.168.1.1"] .mw-verdict', "red"),
                                         ('[data-client="192.168.1.2"] .mw-verdict', "amber"),
                                         ('[data-client="192.168.1.3"] .mw-verdict', "amber"),
                                         ('[data-client="192.168.1.9"] .mw-verdict', "green"),
                                         ('[data-problem="rules"]', "red"),
                                         ('[data-problem="feed"]', "amber"),
                                         ('[data-client="192.168.1.1"] .mw-outcome span', "green")):
                    background, image, text = self.browser.evaluate(f"""(() => {{
                        const style = getComputedStyle(document.querySelector({json.dumps(selector)}));
                        return [ style.backgroundColor, style.backgroundImage, style.color ];
                    }})()""")
                    shown = colours(image) or colours(background)
                    self.assertEqual({name(colour) for colour in shown}, {wanted}, f"{selector}: {background} {image}")
                    if ".mw-" in selector:
                        for colour in shown:
                            self.assertGreater(contrast(colour, colours(text)[0]), 4.5, selector)
                self.leave()


if __name__ == "__main__":
    unittest.main()
