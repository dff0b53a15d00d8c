"""The two package formats of OpenWrt, byte for byte the same for the same contents.

opkg's .ipk (24.10): a gzipped tar of debian-binary, data.tar.gz and control.tar.gz, as scripts/ipkg-build
makes it. apk's .apk (25.12): version 2 of the format, which apk 3 installs as well as its own: a gzip
member each for signature, control and data (apk-tools, doc/apk-package.5 and src/extract_v2.c). Version 3
comes from OpenWrt's SDK, whose `apk mkpkg` is the only writer of it.
"""

import gzip
import hashlib
import io
import subprocess
import tarfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path


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


def tar(entries, epoch, end=True, form=tarfile.GNU_FORMAT):
    """`entries`: (name, mode, bytes or None for a folder, PAX headers)."""
    out = io.BytesIO()
    archive = tarfile.TarFile(fileobj=out, mode="w", format=form)
    for name, mode, data, headers in entries:
        info = entry(name, epoch, mode, None if data is None else len(data))
        info.pax_headers = headers
        # apk looks owners up by name, opkg's archives are numeric.
        if form == tarfile.PAX_FORMAT:
            info.uname = info.gname = "root"
        archive.addfile(info, None if data is None else io.BytesIO(data))
    length = archive.offset
    archive.close()
    return out.getvalue() if end else out.getvalue()[:length]


def tree(package, prefix, headers=lambda data: {}):
    entries = []
    for path in package.paths():
        data = path.read_bytes() if path.is_file() else None
        name = prefix + path.relative_to(package.root).as_posix()
        entries.append((name, path.stat().st_mode & 0o7777, data, headers(data) if data is not None else {}))
    return entries


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
    folder = [("./", 0o755, None, {})]
    control = folder + [(f"./{name}", mode, text.encode(), {}) for name, (mode, text) in sorted(control.items())]
    members = {
        "./debian-binary": b"2.0\n",
        "./data.tar.gz": zipped(tar(folder + tree(package, "./"), package.epoch)),
        "./control.tar.gz": zipped(tar(control, package.epoch)),
    }
    return zipped(tar([(name, 0o644, data, {}) for name, data in members.items()], package.epoch))


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
        ".post-install": "#!/bin/sh\n" + installed,
        ".post-upgrade": "#!/bin/sh\nexport PKG_UPGRADE=1\n" + installed,
        ".pre-deinstall": f"#!/bin/sh\n{FUNCTIONS}{named}default_prerm\n{of_ours.get('prerm', '')}",
    }


def signature(data, epoch, key):
    """The gzip member that goes before what it signs; empty without a key (RSA, PEM)."""
    if key is None:
        return b""
    sign = ["openssl", "dgst", "-sha256", "-sign", str(key)]
    signed = subprocess.run(sign, input=data, stdout=subprocess.PIPE, check=True).stdout
    return zipped(tar([(f".SIGN.RSA256.{key.stem}.rsa.pub", 0o644, signed, {})], epoch, end=False))


def apk(package, key=None):
    checksum = lambda data: {"APK-TOOLS.checksum.SHA1": hashlib.sha1(data).hexdigest()}
    entries = tree(package, "", checksum)
    present = {name for name, *_ in entries}
    folders = [name for name in ("lib", "lib/apk", "lib/apk/packages") if name not in present]
    entries += [(name, 0o755, None, {}) for name in folders]
    entries += [(name, 0o644, data, checksum(data)) for name, data in apk_records(package)]
    data = zipped(tar(sorted(entries, key=lambda entry: entry[0].split("/")), package.epoch, form=tarfile.PAX_FORMAT))
    fields = package.fields
    info = [
        ("pkgname", package.name),
        ("pkgver", package.version),
        ("pkgdesc", " ".join(package.description.split())),
        ("url", fields["URL"]),
        ("builddate", package.epoch),
        ("maintainer", fields["PKG_MAINTAINER"]),
        ("size", package.installed_size()),
        ("arch", "noarch" if package.architecture == "all" else package.architecture),
        ("origin", package.name),
        ("license", fields["PKG_LICENSE"]),
        *(("depend", name) for name in package.depends),
        ("datahash", hashlib.sha256(data).hexdigest()),
    ]
    lines = "".join(f"{name} = {value}\n" for name, value in info if value != "")
    entries = [(".PKGINFO", 0o644, lines.encode(), {})]
    entries += [(name, 0o755, text.encode(), {}) for name, text in sorted(apk_scripts(package).items())]
    control = zipped(tar(entries, package.epoch, end=False))
    return signature(control, package.epoch, key) + control + data


def gzip_members(data):
    """The members of a gzip file, still zipped. Formats that are concatenations of them need the borders."""
    found = []
    while data:
        inflater = zlib.decompressobj(wbits=31)
        inflater.decompress(data)
        length = len(data) - len(inflater.unused_data)
        found.append(data[:length])
        data = data[length:]
    return found


def members(zipped_tar):
    """Name to bytes, of the files of a gzipped tar."""
    with tarfile.open(fileobj=io.BytesIO(zipped_tar), mode="r:gz", ignore_zeros=True) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive if info.isfile()}
