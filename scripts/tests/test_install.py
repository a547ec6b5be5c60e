# SPDX-License-Identifier: GPL-2.0
"""`make install` and `make uninstall`: what is put where, what is kept, what is refused."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
# In place of the command: it writes a manual and completions.
COMMAND = '#!/bin/sh\ncase $1 in man) echo >"$2/flowbucket.1"; echo >"$2/flowbucket-top.1" ;; *) echo "$2" ;; esac\n'
MODINFO = "#!/bin/sh\necho '7.3.4-test SMP preempt mod_unload '\n"
WANTED = """etc/flowbucket.toml lib/modules/7.3.4-test/updates/flowbucket.ko
    usr/lib/systemd/system/flowbucket.service usr/sbin/flowbucket
    usr/share/bash-completion/completions/flowbucket
    usr/share/fish/vendor_completions.d/flowbucket.fish
    usr/share/man/man1/flowbucket-top.1 usr/share/man/man1/flowbucket.1
    usr/share/zsh/site-functions/_flowbucket""".split()


class InstallTest(unittest.TestCase):
    def setUp(self):
        self.home = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.root = self.home / "root"
        (self.home / "scripts").mkdir()
        for name in ("install", "lib.sh"):
            shutil.copy(TOP / "scripts" / name, self.home / "scripts")
        shutil.copytree(TOP / "contrib", self.home / "contrib")
        self.program("build/flowbucket", COMMAND)
        self.program("bin/modinfo", MODINFO)
        self.program("build/x86/flowbucket.ko", "")

    def program(self, name, text):
        """An executable file."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def install(self, *arguments, **environment):
        """Runs the script; the complaint, if any."""
        path = f"{self.home}/bin:{os.environ['PATH']}"
        result = subprocess.run([self.home / "scripts" / "install", *arguments], text=True, check=False,
                                capture_output=True, env={**os.environ, "PATH": path, "DESTDIR": str(self.root),
                                                          "PREFIX": "/usr", "FLAVOUR": "x86", **environment})
        return result.stderr if result.returncode else ""

    def files(self):
        """What is installed."""
        return sorted(str(p.relative_to(self.root)) for p in self.root.rglob("*") if p.is_file())

    def both(self, *arguments):
        """The module and the command, as make does it."""
        for what in ("module", "command"):
            self.assertEqual(self.install(*arguments, what), "")

    def test_all_is_installed_and_removed(self):
        self.both()
        self.assertEqual(self.files(), WANTED)
        unit = (self.root / "usr/lib/systemd/system/flowbucket.service").read_text()
        self.assertIn("ExecStart=/usr/sbin/flowbucket apply", unit)
        self.assertNotIn("/usr/local", unit)
        self.both("--remove")
        self.assertEqual(self.files(), [])

    def test_changed_settings_are_kept(self):
        self.both()
        settings = self.root / "etc/flowbucket.toml"
        settings.write_text("quantum = 3000\n")
        self.both()
        self.assertEqual(settings.read_text(), "quantum = 3000\n")
        self.both("--remove")
        self.assertEqual(self.files(), ["etc/flowbucket.toml"])

    def test_bad_calls_change_nothing(self):
        (self.home / "build/x86/flowbucket.ko").unlink()
        self.assertIn("run 'make' first", self.install("module"))
        (self.home / "build/flowbucket").unlink()
        self.assertIn("run 'make command' first", self.install("command"))
        self.assertIn("not an absolute path", self.install("command", PREFIX="usr"))
        self.assertIn("usage", self.install("all"))
        self.assertFalse(self.root.exists())


if __name__ == "__main__":
    unittest.main()
