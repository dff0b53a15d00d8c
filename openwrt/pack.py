#!/usr/bin/env python3
"""openwrt/pack.py [--keys DIR]: packages of minewall and its LuCI app for both package managers, and feeds.
openwrt/pack.py --debian PROGRAM: Debian's package of a program built on this machine, for machines like it.

Reads the Makefiles of openwrt/minewall and openwrt/luci-app-minewall, the descriptions that OpenWrt's own
build reads, and the programs that cross/build.sh made; writes target/packages/{ipk,apk}/ARCHITECTURE/. The
app is the same for all architectures and lies in each one's feed. With keys (DIR/minewall.sec of
signify, DIR/minewall.pem of P-256) the feeds are signed, and every apk.
"""

import argparse
import dataclasses
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import adb
import deb
import formats
import lmo

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "target"
# Debian's architectures, and the target of cross/targets that runs there.
DEBIAN = {"amd64": "x86_64", "arm64": "aarch64", "armhf": "armv7"}
# LuCI's names of them.
LANGUAGES = {"de": "Deutsch (German)"}


def source_epoch():
    """The time that all files bear: of the last commit, or what SOURCE_DATE_EPOCH says."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        log = ["git", "-C", str(HERE), "log", "-1", "--format=%ct"]
        given = subprocess.run(log, stdout=subprocess.PIPE, check=True, text=True).stdout
    return int(given)


def architectures():
    """(architecture of OpenWrt's, target of cross/'s)."""
    lines = (HERE / "architectures").read_text().splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


def read(name, scratch, epoch, program=None):
    """Reads a package's Makefile as a feed's, with `program` as what was built; an app of LuCI's has none."""
    shutil.rmtree(scratch, ignore_errors=True)
    feed, metadata, root, built = (scratch / part for part in ("feed", "metadata", "root", "built"))
    for folder in (feed / "lang/rust", feed / "net", metadata, root, built / "bin"):
        folder.mkdir(parents=True)
    shutil.copytree(HERE / name, feed / "net" / name)
    shutil.copy(HERE / "model/rust-package.mk", feed / "lang/rust")
    shutil.copy(HERE / "model/luci.mk", feed)
    if program:
        shutil.copy(program, built / "bin" / name)
    variables = {"TOPDIR": HERE / "model", "METADATA": metadata, "ROOT": root, "PKG_INSTALL_DIR": built,
                 "LUCI_VERSION": version()}
    make = ["make", "-s", "-C", str(feed / "net" / name), *(f"{key}={value}" for key, value in variables.items())]
    subprocess.run(make, check=True, umask=0o022, env={"PATH": "/usr/bin:/bin"})

    texts = {path.name: path.read_text().strip("\n") for path in metadata.iterdir()}
    scripts = {script: texts.pop(script) + "\n" for script in ("postinst", "prerm") if texts.get(script)}
    return formats.Package(
        fields={field: text.strip() for field, text in texts.items()},
        depends=[word.lstrip("+") for word in texts["DEPENDS"].split() if not word.startswith("@")],
        description=texts["description"],
        conffiles=texts["conffiles"].split(),
        scripts=scripts,
        root=root,
        epoch=epoch,
    )


def translations(app, scratch):
    """A package for each language of an app, as luci.mk makes them."""
    name = app.name.removeprefix("luci-app-")
    for folder in sorted((HERE / app.name / "po").iterdir()):
        language = folder.name
        if language == "templates":
            continue
        own, title = f"luci-i18n-{name}-{language}", LANGUAGES[language]
        root = scratch / language
        shutil.rmtree(root, ignore_errors=True)
        catalogue = root / f"usr/lib/lua/luci/i18n/{name}.{language}.lmo"
        defaults = root / f"etc/uci-defaults/{own}"
        for file in (catalogue, defaults):
            file.parent.mkdir(parents=True)
        catalogue.write_bytes(lmo.compile_catalogue((folder / f"{name}.po").read_text()))
        defaults.write_text(f"uci set luci.languages.{language}='{title}'; uci commit luci\n")
        for path in root.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield dataclasses.replace(app, fields=app.fields | {"PKG_NAME": own}, depends=[app.name], root=root, scripts={},
                                  description=f"Translation for {app.name} - {title}")


def version():
    """Of the program. LuCI's own build takes the date of the last commit for an app's."""
    lines = (HERE / "minewall/Makefile").read_text().splitlines()
    return next(line.removeprefix("PKG_VERSION:=") for line in lines if line.startswith("PKG_VERSION:="))


def opkg_feed(folder, keys):
    """Packages, Packages.gz and, with a key, Packages.sig: what opkg of OpenWrt reads."""
    stanzas = []
    for file in sorted(folder.glob("*.ipk")):
        data = file.read_bytes()
        control, description = control_of(data).split("Description:", 1)
        place = f"Filename: {file.name}\nSize: {len(data)}\nSHA256sum: {hashlib.sha256(data).hexdigest()}\n"
        stanzas.append(f"{control}{place}Description:{description}\n")
    (folder / "Packages").write_text("".join(stanzas))
    (folder / "Packages.gz").write_bytes(formats.zipped((folder / "Packages").read_bytes()))
    if keys:
        sign = ["signify-openbsd", "-S", "-s", keys / "minewall.sec", "-m", folder / "Packages"]
        subprocess.run([*sign, "-x", folder / "Packages.sig"], check=True)


def control_of(ipk):
    control = formats.members(formats.members(ipk)["./control.tar.gz"])
    return control["./control"].decode()


def apk_feed(folder, packages, key):
    """packages.adb, signed if there is a key: what apk 3 reads as a repository."""
    known = [(formats.apk_info(each), (folder / apk_name(each)).read_bytes()) for each in packages]
    (folder / "packages.adb").write_bytes(adb.index("minewall", known, key))


def apk_name(package):
    """By it apk finds a package beside its index."""
    return f"{package.name}-{package.version}.apk"


# What a router's owner types; ADDRESS is where the folder is served. A test runs each line on a model of a router.
INSTALL = """\
minewall: how to install it from this folder, served by any web server at ADDRESS.

OpenWrt 24.10 (opkg), on the router as root:

    wget -O /tmp/minewall.pub ADDRESS/minewall.pub
    opkg-key add /tmp/minewall.pub
    echo "src/gz minewall ADDRESS/ipk/$(opkg print-architecture | awk 'END { print $2 }')" >>/etc/opkg/customfeeds.conf
    opkg update
    opkg install minewall luci-app-minewall

OpenWrt 25.12 (apk), on the router as root:

    wget -O /etc/apk/keys/minewall.pem ADDRESS/minewall.pub.pem
    echo "ADDRESS/apk/$(apk --print-arch)/packages.adb" >/etc/apk/repositories.d/minewall.list
    apk update
    apk add minewall luci-app-minewall

Debian 12 or Raspberry Pi OS as a router, as root:

    apt install ./minewall_VERSION_$(dpkg --print-architecture).deb

Pages in German: luci-i18n-minewall-de.

SHA256SUMS has the checksum of each file, SHA256SUMS.sig its signature by the key minewall.pub, which is worth as much as
the place that you have it from. In a copy of this folder, on Debian with signify-openbsd installed:

    signify-openbsd -V -p minewall.pub -m SHA256SUMS
    sha256sum --check --quiet SHA256SUMS

The same on OpenWrt: usign -V -p minewall.pub -m SHA256SUMS. The signature takes a key: a folder that was made without
one has none.
"""


def publish(out, keys):
    """What makes a folder of packages a feed: the public keys, INSTALL.txt, SHA256SUMS with its signature."""
    if keys:
        for name in ("minewall.pub", "minewall.pub.pem"):
            shutil.copy(keys / name, out)
    (out / "INSTALL.txt").write_text(INSTALL.replace("VERSION", version()))
    subprocess.run([HERE / "seal.sh", out, *([keys] if keys else [])], check=True)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--keys", type=Path, default=os.environ.get("MINEWALL_KEYS"))
    options.add_argument("--out", type=Path, default=TARGET / "packages")
    options.add_argument("--debian", type=Path, metavar="PROGRAM")
    arguments = options.parse_args()
    if arguments.debian:
        architecture = subprocess.run(["dpkg", "--print-architecture"], stdout=subprocess.PIPE, check=True, text=True).stdout
        arguments.out.mkdir(parents=True, exist_ok=True)
        deb.write(arguments.out, architecture.strip(), arguments.debian, version(), source_epoch(), "libc6, nftables")
        return
    publish_all(arguments.out, arguments.keys and Path(arguments.keys).resolve())


def publish_all(out, keys):
    """Writes the packages of every target into folder `out`, a feed."""
    key = keys and keys / "minewall.pem"
    epoch = source_epoch()
    shutil.rmtree(out, ignore_errors=True)
    app = read("luci-app-minewall", TARGET / "openwrt/app", epoch)
    app.architecture = app.fields["PKGARCH"]
    apps = [app, *translations(app, TARGET / "openwrt/translations")]
    for architecture, target in architectures():
        program = TARGET / "cross" / target / "minewall-tls"
        package = read("minewall", TARGET / "openwrt/package", epoch, program)
        package.architecture = architecture
        ipk, apk = (out / form / architecture for form in ("ipk", "apk"))
        ipk.mkdir(parents=True)
        apk.mkdir(parents=True)
        for each in (package, *apps):
            (ipk / f"{each.name}_{each.version}_{each.architecture}.ipk").write_bytes(formats.ipk(each))
            (apk / apk_name(each)).write_bytes(formats.apk(each, key))
        opkg_feed(ipk, keys)
        apk_feed(apk, (package, *apps), key)
        sizes = (f"{file.name} {file.stat().st_size}" for file in sorted([*ipk.glob("*.ipk"), *apk.glob("*.apk")]))
        print(f"{architecture}: {', '.join(sizes)}")
    for architecture, target in DEBIAN.items():
        program = TARGET / "cross" / target / "minewall-tls"
        if program.exists():
            deb.write(out, architecture, program, version(), epoch)
    publish(out, keys)


if __name__ == "__main__":
    main()
