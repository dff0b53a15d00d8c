"""The two package formats of OpenWrt, byte for byte the same for the same contents.

opkg's .ipk (24.10): a gzipped tar of debian-binary, data.tar.gz and control.tar.gz, as scripts/ipkg-build
makes it. apk's .apk (25.12): version 3 of the format, `adb`, with what OpenWrt's include/package-pack.mk hands
to `apk mkpkg`.
"""

import gzip
import hashlib
import io
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import adb


@dataclass
class Package:
    """What a package is, whatever its format. `fields` has the names of OpenWrt's Makefiles."""

    fields: dict
    depends: list
    description: str
    conffiles: list
    scripts: dict  # 'postinst' and 'prerm', of the package's own
    root: Path  # the files as they are to lie on the router
    epoch: int  # seconds since 1970, of every file
    architecture: str = field(default="")

    @property
    def name(self):
        return self.fields["PKG_NAME"]

    @property
    def version(self):
        return f"{self.fields['PKG_VERSION']}-r{self.fields['PKG_RELEASE']}"

    def paths(self):
        """All files and folders below the root, sorted, folders before what they hold."""
        return sorted(self.root.rglob("*"), key=lambda path: path.relative_to(self.root).parts)

    def installed_size(self):
        return sum(path.stat().st_size for path in self.paths() if path.is_file())


def zipped(data):
    return gzip.compress(data, 9, mtime=0)


def entry(name, epoch, mode, size=None):
    """A header of root's. Without a size: a folder."""
    info = tarfile.TarInfo(name)
    info.mtime, info.mode = epoch, mode
    info.type = tarfile.DIRTYPE if size is None else tarfile.REGTYPE
    info.size = size or 0
    return info


def tar(entries, epoch):
    """`entries`: (name, mode, bytes or None for a folder)."""
    out = io.BytesIO()
    with tarfile.TarFile(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, mode, data in entries:
            info = entry(name, epoch, mode, None if data is None else len(data))
            archive.addfile(info, None if data is None else io.BytesIO(data))
    return out.getvalue()


def tree(package, prefix=""):
    """(name, mode, bytes or None for a folder) of each path, `prefix` before its name."""
    return [(prefix + path.relative_to(package.root).as_posix(), path.stat().st_mode & 0o7777,
             path.read_bytes() if path.is_file() else None) for path in package.paths()]


def ipk_control(package):
    """The control file, in the order of OpenWrt's include/package-pack.mk."""
    fields = package.fields
    lines = [f"Package: {package.name}", f"Version: {package.version}"]
    if package.depends:
        lines.append("Depends: " + ", ".join(package.depends))
    values = {
        "Source": f"feeds/{'luci/applications' if fields['SECTION'] == 'luci' else 'packages/net'}/{package.name}",
        "SourceName": package.name,
        "License": fields["PKG_LICENSE"],
        "LicenseFiles": fields["PKG_LICENSE_FILES"],
        "Section": fields["SECTION"],
        "Require-User": fields["USERID"],
        "SourceDateEpoch": str(package.epoch),
        "URL": fields["URL"],
        "CPE-ID": fields["PKG_CPE_ID"],
        "Maintainer": fields["PKG_MAINTAINER"],
        "Architecture": package.architecture,
        "Installed-Size": str(package.installed_size()),
    }
    lines += [f"{name}: {value}" for name, value in values.items() if value]
    lines.append("Description: " + "\n".join(" " + line.strip() for line in package.description.splitlines()))
    return "\n".join(lines) + "\n"


# OpenWrt's own functions enable and start services, run uci-defaults, and stop what is removed.
FUNCTIONS = '[ -s "${IPKG_INSTROOT}/lib/functions.sh" ] || exit 0\n. "${IPKG_INSTROOT}/lib/functions.sh"\n'
NO_SCRIPT = '[ "${IPKG_NO_SCRIPT}" = "1" ] && exit 0\n'


def ipk(package):
    scripts = {
        "postinst": f'#!/bin/sh\n{NO_SCRIPT}{FUNCTIONS}default_postinst "$0" "$@"\n',
        "prerm": f'#!/bin/sh\n{FUNCTIONS}default_prerm "$0" "$@"\n',
    }
    scripts.update({f"{name}-pkg": text for name, text in package.scripts.items()})
    control = {"control": (0o644, ipk_control(package))}
    if package.conffiles:
        control["conffiles"] = (0o644, "".join(path + "\n" for path in package.conffiles))
    control.update({name: (0o755, text) for name, text in scripts.items()})
    folder = [("./", 0o755, None)]
    control = folder + [(f"./{name}", mode, text.encode()) for name, (mode, text) in sorted(control.items())]
    members = {
        "./debian-binary": b"2.0\n",
        "./data.tar.gz": zipped(tar(folder + tree(package, "./"), package.epoch)),
        "./control.tar.gz": zipped(tar(control, package.epoch)),
    }
    return zipped(tar([(name, 0o644, data) for name, data in members.items()], package.epoch))


def apk_records(package):
    """What OpenWrt's scripts look for in an apk: the list of files, conffiles and their checksums, and users."""
    files = [path.relative_to(package.root).as_posix() for path in package.paths() if path.is_file()]
    lists = {"list": "".join(f"/{name}\n" for name in files)}
    if package.conffiles:
        digest = {path: hashlib.sha256((package.root / path.lstrip("/")).read_bytes()) for path in package.conffiles}
        lists["conffiles"] = "".join(path + "\n" for path in package.conffiles)
        lists["conffiles_static"] = "".join(f"{path} {digest[path].hexdigest()}\n" for path in package.conffiles)
    if package.fields["USERID"]:
        lists["rusers"] = package.fields["USERID"] + "\n"
    return [(f"lib/apk/packages/{package.name}.{name}", text.encode()) for name, text in lists.items()]


def apk_scripts(package):
    of_ours = {name: "".join(line + "\n" for line in text.splitlines() if not line.startswith("#!"))
               for name, text in package.scripts.items()}
    named = f'export root="${{IPKG_INSTROOT}}"\nexport pkgname="{package.name}"\n'
    installed = f"{NO_SCRIPT}{FUNCTIONS}{named}add_group_and_user\ndefault_postinst\n{of_ours.get('postinst', '')}"
    return {
        "post-install": "#!/bin/sh\n" + installed,
        "post-upgrade": "#!/bin/sh\nexport PKG_UPGRADE=1\n" + installed,
        "pre-deinstall": f"#!/bin/sh\n{FUNCTIONS}{named}default_prerm\n{of_ours.get('prerm', '')}",
    }


def apk_entries(package):
    """(name, mode, bytes or None for a folder) of all that an apk installs, folders before what they hold."""
    entries = tree(package)
    present = {name for name, *_ in entries}
    entries += [(name, 0o755, None) for name in ("lib", "lib/apk", "lib/apk/packages") if name not in present]
    entries += [(name, 0o644, data) for name, data in apk_records(package)]
    return sorted(entries, key=lambda entry: entry[0].split("/"))


def apk_info(package):
    """What apk and an index of it know of a package, by the names of adb's."""
    fields = package.fields
    return {
        "name": package.name,
        "version": package.version,
        "description": " ".join(package.description.split()),
        "arch": "noarch" if package.architecture == "all" else package.architecture,
        "license": fields["PKG_LICENSE"],
        "origin": package.name,
        "maintainer": fields["PKG_MAINTAINER"],
        "url": fields["URL"],
        "installed-size": sum(len(data) for _, _, data in apk_entries(package) if data is not None),
        "depends": package.depends,
    }


def apk(package, key=None):
    return adb.package(apk_info(package), apk_entries(package), apk_scripts(package), package.epoch, key)


def members(zipped_tar):
    """Name to bytes, of the files of a gzipped tar."""
    with tarfile.open(fileobj=io.BytesIO(zipped_tar), mode="r:gz", ignore_zeros=True) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive if info.isfile()}
