"""What a release's owner checks: checksums of all files and their signature, by the commands that INSTALL.txt names."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import pack

HERE = Path(__file__).resolve().parent


def verifying():
    """The commands of INSTALL.txt that verify a copy of the folder."""
    commands = [line.strip() for line in pack.INSTALL.splitlines() if line.startswith("    ") and "SHA256SUMS" in line]
    assert len(commands) == 2, commands
    return commands


class Release(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("signify-openbsd"):
            raise (AssertionError if os.environ.get("MINEWALL_LIVE") == "1" else unittest.SkipTest)("signify-openbsd is missing")
        cls.scratch = Path(tempfile.mkdtemp(prefix="minewall-release-"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.keys = cls.scratch / "keys"
        subprocess.run([HERE / "make-keys.sh", cls.keys], check=True, stdout=subprocess.DEVNULL)

    def sealed(self):
        """A folder of packages as it is published, made anew."""
        folder = self.scratch / "packages"
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("ipk/mips_24kc/minewall.ipk", "apk/mips_24kc/packages.adb", "minewall_amd64.deb"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(name.encode())
        pack.publish(folder, self.keys)
        return folder

    def verify(self, folder):
        """Which of the commands fail."""
        run = lambda command: subprocess.run(command, shell=True, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return [command.split()[0] for command in verifying() if run(command).returncode]

    def test_all_files_have_a_checksum_that_is_signed(self):
        folder = self.sealed()
        listed = {line.split("  ", 1)[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
        files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        self.assertEqual(files - listed, {"SHA256SUMS", "SHA256SUMS.sig"})
        self.assertEqual(listed - files, set())
        self.assertEqual(self.verify(folder), [])

    def test_a_changed_file_or_checksum_or_key_is_told(self):
        folder = self.sealed()
        (folder / "minewall_amd64.deb").write_bytes(b"other")
        self.assertEqual(self.verify(folder), ["sha256sum"])
        # With a checksum that fits, but no signature.
        subprocess.run([HERE / "seal.sh", folder], check=True)
        self.assertEqual(self.verify(folder), ["signify-openbsd"])
        # Signed by another.
        other = self.scratch / "other"
        subprocess.run([HERE / "make-keys.sh", other], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([HERE / "seal.sh", folder, other], check=True)
        self.assertEqual(self.verify(folder), ["signify-openbsd"])

    def test_private_keys_are_the_owner_s_and_are_not_published(self):
        self.assertEqual({path.name for path in self.keys.iterdir() if path.stat().st_mode & 0o077},
                         {"minewall.pub", "minewall.pub.pem"})
        folder = self.sealed()
        private = [(self.keys / name).read_bytes() for name in ("minewall.sec", "minewall.pem")]
        self.assertFalse([path for path in folder.rglob("*") if path.is_file() and path.read_bytes() in private])

    def test_the_source_is_the_same_bytes_each_time_and_sealed(self):
        tarballs = []
        for name in ("once", "twice"):
            folder = self.scratch / name
            release = [HERE / "release.sh", "https://minewall.example/releases", folder]
            subprocess.run(release, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "MINEWALL_KEYS": str(self.keys)})
            self.assertEqual(self.verify(folder), [])
            tarballs.append(next(folder.glob("*.tar.gz")).read_bytes())
        self.assertEqual(*tarballs)


if __name__ == "__main__":
    unittest.main()
