# SPDX-License-Identifier: GPL-2.0
"""What the files in /sys/kernel/flowbucket take, and what they do not."""

from errno import EINVAL, ENODEV, ERANGE

import hashes
import module

KEY = hashes.MICROSOFT_KEY.hex(":")
OTHER = bytes(range(40)).hex(":")
NAMES = [f"port{n}" for n in range(17)]
EVERY = f"0-{module.CPUS - 1}"

# file: [(what is written, what is read then)]
GOOD = {
    "enabled": [("0", "0"), ("1\n", "1"), ("n", "0"), ("Y", "1"), ("off", "0"), ("on\n", "1")],
    "cpus": [("0\n", "0"), ("1-2", "1-2"), ("0,2-3\n", "0,2-3"), (" 0,1,2,3 \n", EVERY), ("0 2", "0,2"), ("0-3:2/4", "0-1")],
    "interfaces": [("eth0\n", "eth0"), ("a, b c\n", "a b c"), ("x\n\ty x", "x y"), ("fifteen_letters", "fifteen_letters"),
                   (" ".join(NAMES[:16]), " ".join(NAMES[:16])), ("\n", "")],
    "hash": [(name, name) for name in module.HASHES] + [(" siphash\n", "siphash")],
    "toeplitz_key": [(OTHER, OTHER), (KEY.replace(":", "").upper() + "\n", KEY)],
    "buckets": [("65536", "65536"), ("4096\n", "4096"), (" 64 \n", "64")],
    "quantum": [("64", "64"), ("1048576\n", "1048576")],
    "limit_packets": [("64", "64"), (" 4096\n", "4096")],
    "limit_bytes": [("262144", "262144"), ("1073741824\n", "1073741824")],
    "policy": [("proportional", "proportional"), ("step\n", "step"), ("load", "load"), (" static \n", "static")],
    "interval_ms": [("10", "10"), ("60000\n", "60000"), ("100", "100")],
    "hysteresis": [("0", "0"), ("1000\n", "1000")],
    "max_moves": [("1", "1"), (" 65536\n", "65536")],
    "min_cpus": [("1", "1"), (str(module.CPUS), str(module.CPUS)), ("0\n", "0")],
    "moves/check_order": [("1", "1"), ("off\n", "0")],
    "track": [("0", "0"), ("on\n", "1")],
    "max_connections": [("1", "1"), ("67108864\n", "67108864")],
    "timer_interval_ms": [("10", "10"), ("10000\n", "10000")],
    "keepalive_time": [("7200", "7200"), ("864000\n", "864000"), ("0", "0")],
    "keepalive_intvl": [("1", "1"), ("32767\n", "32767")],
    "keepalive_probes": [("1", "1"), ("127\n", "127")],
    "delayed_acks": [("1", "1"), ("off\n", "0")],
} | {f"connections/timeout_{state}": [("1", "1"), (" 864000\n", "864000")] for state in module.STATES}

# file: [(what is written, the error)]
BAD = {
    "enabled": [("\n", EINVAL), ("2", EINVAL), ("-1", EINVAL), ("maybe\n", EINVAL), (b"\xff", EINVAL)],
    "cpus": [("\n", EINVAL), ("x", EINVAL), ("0-", EINVAL), ("3-1", EINVAL), ("0,1-x", EINVAL), ("-1", EINVAL),
             ("0;1", EINVAL), (str(module.CPUS), ERANGE), ("0,9999", ERANGE),
             ("99999999999", None)],
    "interfaces": [("sixteen_letters_", EINVAL), ("eth0 " + "x" * 200, EINVAL), ("a/b", EINVAL), ("a:b", EINVAL),
                   (".", EINVAL), ("eth0 ..", EINVAL), (b"et\0h0", EINVAL), (" ".join(NAMES), ERANGE)],
    "hash": [("\n", EINVAL), ("md5", EINVAL), ("SipHash", EINVAL), ("crc32c skb", EINVAL), ("crc32", EINVAL),
             ("x" * 3000, EINVAL)],
    "toeplitz_key": [("\n", EINVAL), (KEY[:-3], EINVAL), (KEY + ":00", EINVAL), (KEY.replace("6d", "6g"), EINVAL),
                     (KEY.replace("5a:", "5a::"), EINVAL), (KEY[:-1], EINVAL), ("0x" + KEY, EINVAL)],
    "buckets": [("\n", EINVAL), ("many", EINVAL), ("-64", EINVAL), ("64k", EINVAL), ("64.0", EINVAL), ("0", ERANGE),
                ("63", ERANGE), ("65", ERANGE), ("32", ERANGE), ("131072", ERANGE), ("4294967295", ERANGE)],
    "quantum": [("\n", EINVAL), ("1k", EINVAL), ("-64", EINVAL), ("0", ERANGE), ("63", ERANGE), ("1048577", ERANGE)],
    "limit_packets": [("x", EINVAL), ("0", ERANGE), ("63", ERANGE), ("4097", ERANGE)],
    "limit_bytes": [("1M", EINVAL), ("4294967296", EINVAL), ("262143", ERANGE), ("1073741825", ERANGE)],
    "policy": [("\n", EINVAL), ("Load", EINVAL), ("load static", EINVAL), ("random", EINVAL), (b"load\0", EINVAL)],
    "interval_ms": [("1s", EINVAL), ("-1", EINVAL), ("9", ERANGE), ("0", ERANGE), ("60001", ERANGE)],
    "hysteresis": [("4%", EINVAL), ("-1", EINVAL), ("1001", ERANGE), ("4294967296", EINVAL)],
    "max_moves": [("all", EINVAL), ("0", ERANGE), ("65537", ERANGE)],
    "min_cpus": [("one", EINVAL), (str(module.CPUS + 1), ERANGE)],
    "rebalance": [("\n", EINVAL), ("0", EINVAL), ("now", EINVAL)],
    "moves/check_order": [("\n", EINVAL), ("2", EINVAL)],
    "track": [("\n", EINVAL), ("2", EINVAL), ("all", EINVAL)],
    "max_connections": [("1M", EINVAL), ("-1", EINVAL), ("0", ERANGE), ("67108865", ERANGE)],
    "timer_interval_ms": [("224ms", EINVAL), ("9", ERANGE), ("10001", ERANGE)],
    "keepalive_time": [("2h", EINVAL), ("-1", EINVAL), ("864001", ERANGE)],
    "keepalive_intvl": [("x", EINVAL), ("0", ERANGE), ("32768", ERANGE)],
    "keepalive_probes": [("x", EINVAL), ("0", ERANGE), ("128", ERANGE)],
    "delayed_acks": [("\n", EINVAL), ("2", EINVAL)],
    "connections/timeout_half_open": [("1m", EINVAL), ("-1", EINVAL), ("0", ERANGE), ("864001", ERANGE)],
    "connections/timeout_other": [("\n", EINVAL), ("0", ERANGE), ("4294967296", EINVAL)],
    "map": [("x\n", EINVAL), ("1\n", EINVAL), ("1 \n", EINVAL), ("1 2 3\n", EINVAL), ("-1 0\n", EINVAL), ("1 -1\n", EINVAL),
            ("5-3 1\n", EINVAL), ("1- 1\n", EINVAL), ("1,2 1\n", EINVAL), ("64 0\n", ERANGE), ("0-64 1\n", ERANGE),
            ("99999999999 1\n", ERANGE), (f"1 {module.CPUS}\n", ENODEV), ("1 99999999999\n", ENODEV),
            # One bad line among good ones, which alone would change something.
            ("0 1\n1 1\n2 x\n3 1\n", EINVAL), ("0 1\n64 1\n1 2\n", ERANGE), ("0 1\n1 2\n2 77\n", ENODEV),
            (b"0 1\n\0\n", EINVAL)],
}
