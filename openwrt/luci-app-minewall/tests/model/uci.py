#!/usr/bin/env python3
"""uci.py FILE [-q] COMMAND ...: the three commands of OpenWrt's uci that the plugin uses, on one file."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from router import Uci

path, *words = sys.argv[1:]
command, *arguments = [word for word in words if word != "-q"]
if command in ("add_list", "del_list"):
    key, value = arguments[0].split("=", 1)
    config, section, option = key.split(".")
    assert (config, section) == ("minewall", "@minewall[0]"), key
    uci = Uci(path)
    name = next(iter(uci.values()))
    values = [one for one in uci.values()[name].get(option, []) if one != value]
    uci.set(name, {option: values + [value] if command == "add_list" else values})
    uci.apply()
else:
    assert command == "commit", words
