# SPDX-License-Identifier: GPL-2.0
"""The inside of the demonstration: nginx, the three phases, and the measuring.

Packets are counted per CPU by nftables in the input hook, where TCP is about to
get them: the same measure whether RPS, the module or nobody has moved them.
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from phases import PHASES, TITLES, hear, tell

TOP = Path(__file__).resolve().parents[2]
MODULE = TOP / "build" / os.environ["FB_FLAVOUR"] / "flowbucket.ko"
KNOBS = Path("/sys/kernel/flowbucket")
QUEUES = Path("/sys/class/net/eth0/queues")
CPUS = os.cpu_count()
DEVICE = "eth0"

RULES = f"""
table inet demo {{
	set cpus {{ typeof meta cpu; size 1024; flags dynamic; }}
	chain input {{
		type filter hook input priority 0; policy accept;
		iifname "{DEVICE}" tcp dport 80 update @cpus {{ meta cpu counter }}
	}}
}}
"""

NGINX = """
daemon off; worker_processes {cpus}; pid {root}/pid; error_log stderr crit; user root;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000; client_body_temp_path {root}; proxy_temp_path {root};
fastcgi_temp_path {root}; uwsgi_temp_path {root}; scgi_temp_path {root};
server {{ listen 80 backlog=4096 reuseport; listen [::]:80 backlog=4096 reuseport; root {root}; }} }}
"""


def run(*command, stdin=None):
    """Runs a command, which must succeed; its output."""
    return subprocess.run([str(word) for word in command], input=stdin, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def start_nginx(root):
    """nginx with one small page, answering."""
    (root / "index.html").write_text("flowbucket\n")
    (root / "conf").write_text(NGINX.format(cpus=CPUS, root=root))
    server = subprocess.Popen(["nginx", "-c", str(root / "conf")], stdin=subprocess.DEVNULL)
    for _ in range(100):
        if subprocess.run(["curl", "-sf", "-o", "/dev/null", "http://127.0.0.1/"], check=False).returncode == 0:
            return server
        time.sleep(0.1)
    raise SystemExit("demo: nginx does not answer")


def tcp_packets():
    """Packets by CPU that arrived for the web server."""
    count = [0] * CPUS
    for item in json.loads(run("nft", "-j", "list", "set", "inet", "demo", "cpus"))["nftables"]:
        for element in item.get("set", {}).get("elem", []):
            count[element["elem"]["val"]] = element["elem"]["counter"]["packets"]
    return count


def module_counter(name):
    """A counter of the module by CPU."""
    if not KNOBS.exists():
        return [0] * CPUS
    return [int((KNOBS / f"cpu{cpu}" / name).read_text()) for cpu in range(CPUS)]


def cpu_times():
    """By CPU: ticks in softirqs, and all ticks."""
    lines = [line.split() for line in Path("/proc/stat").read_text().splitlines() if line.startswith("cpu")]
    times = {line[0]: [int(word) for word in line[1:9]] for line in lines}
    each = [times[f"cpu{cpu}"] for cpu in range(CPUS)]
    return [ticks[6] for ticks in each], [sum(ticks) for ticks in each]


def set_rps(mask):
    """As an operator sets it."""
    (QUEUES / "rx-0" / "rps_cpus").write_text(f"{mask}\n")


def enter(phase):
    """Makes the machine what the phase wants."""
    set_rps(f"{(1 << CPUS) - 1:x}" if phase == "rps" else "0")
    if phase == "on":
        run("insmod", MODULE)
        # What is judged is how packets spread. A policy evens out what CPUs do in all, and
        # leaves the one that takes the NIC's interrupts fewer packets.
        (KNOBS / "policy").write_text("static\n")


def measure(phase):
    """One phase: what the CPUs did while wrk ran."""
    enter(phase)
    before = (tcp_packets(), module_counter("packets"), *cpu_times())
    tell(f"{phase}-ready", "go")
    client = hear(f"{phase}-done", 120)
    if "failed" in client:
        raise SystemExit(f"demo: no measurement in the phase '{TITLES[phase]}'")
    after = (tcp_packets(), module_counter("packets"), *cpu_times())
    packets, module, softirq, ticks = ([b - a for a, b in zip(*pair)] for pair in zip(before, after))
    result = {
        "tcp_packets": packets,
        "module_packets": module,
        "softirq_percent": [round(100 * part / max(whole, 1), 1) for part, whole in zip(softirq, ticks)],
        **client,
    }
    if phase == "on":
        result["drops"] = sum(sum(module_counter(f"drop_{why}")) for why in ("backlog", "device", "route"))
    print(f"demo: {TITLES[phase]}: {client['requests_per_s']:.0f} requests/s, packets by CPU {packets}")
    return result


def main():
    queues = len(list(QUEUES.glob("rx-*")))
    run("nft", "-f", "-", stdin=RULES)
    with tempfile.TemporaryDirectory(prefix="demo-nginx") as root:
        server = start_nginx(Path(root))
        phase = PHASES[0]
        try:
            result = {"cpus": CPUS, "queues": queues, "seconds": int(os.environ["DEMO_SECONDS"]),
                      "connections": int(os.environ["DEMO_CONNECTIONS"]), "phases": {}}
            for phase in PHASES:
                result["phases"][phase] = measure(phase)
        except BaseException:
            # So that the outside does not wait for what does not come.
            for name in PHASES[PHASES.index(phase):]:
                tell(f"{name}-ready", "failed")
            raise
        finally:
            server.terminate()
            server.wait(10)
    (TOP / "build/demo/spread.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
