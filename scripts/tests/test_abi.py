# SPDX-License-Identifier: GPL-2.0
"""A kernel that no module can be built for must be refused, and no other."""

import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "kernel-abi"
GOOD = {"MODULES": "y", "NETFILTER": "y", "RUST": "y", "RUSTC_VERSION": "108501", "RANDSTRUCT_NONE": "y"}
SYMBOLS = "0x00000000\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n0x00000000\t_RNvCs0_6kernel\tvmlinux\tEXPORT_SYMBOL_GPL\t\n"


def reasons(symbols=SYMBOLS, rustc="1.85.1", **options):
    """What the script says of the good kernel with other options; None takes one away."""
    with tempfile.TemporaryDirectory() as name:
        config = {**GOOD, **options}
        Path(name, "config").write_text("".join(f"CONFIG_{k}={v}\n" for k, v in config.items() if v))
        if symbols is not None:
            Path(name, "Module.symvers").write_text(symbols)
        result = subprocess.run([SCRIPT, name, rustc], text=True, check=False, capture_output=True)
        assert result.returncode == (1 if result.stdout else 0), result.stderr
        return result.stdout.splitlines()


class AbiTest(unittest.TestCase):
    def test_a_good_kernel_is_taken(self):
        self.assertEqual(reasons(), [])
        self.assertEqual(reasons(CC_VERSION_TEXT='"sh (Debian 1.0)"'), [])
        self.assertEqual(reasons(SYMBOLS.replace("0x00000000", "0x12345670"), MODVERSIONS="y"), [])

    def test_each_reason_alone(self):
        for found, word in (
            (reasons(RUST=None), "without Rust"),
            (reasons(RUSTC_VERSION="109600"), "rustc 1.96.0, and here is rustc 1.85.1"),
            (reasons(rustc="1.85.0"), "rustc 1.85.1, and here is rustc 1.85.0"),
            (reasons(CC_VERSION_TEXT='"no-such-gcc-99 (Debian 99.1)"'), "no-such-gcc-99, which is not installed"),
            (reasons(MODULES=None), "no modules"),
            (reasons(NETFILTER=None), "no netfilter"),
            (reasons(PREEMPT_RT="y"), "real-time"),
            (reasons(MODULE_SIG_FORCE="y"), "signed"),
            (reasons(RANDSTRUCT_NONE=None, RANDSTRUCT="y"), "random"),
            (reasons(symbols=None), "no Module.symvers"),
            (reasons(symbols=""), "no Module.symvers"),
            (reasons(SYMBOLS.splitlines()[0] + "\n"), "no symbol of its Rust crates"),
            (reasons(MODVERSIONS="y"), "versions of symbols"),
        ):
            with self.subTest(word=word):
                self.assertEqual(len(found), 1, found)
                self.assertIn(word, found[0])

    def test_all_reasons_are_given(self):
        self.assertEqual(len(reasons(RUSTC_VERSION="109600", PREEMPT_RT="y")), 2)


if __name__ == "__main__":
    unittest.main()
