# SPDX-License-Identifier: GPL-2.0
"""Real TCP between two namespaces over veth: iperf3, and nginx with wrk."""

import json
import re
import subprocess
import tempfile
import time
from pathlib import Path

import machine

SERVER, CLIENT = "fbs", "fbc"
ADDRESS = "10.8.0.1"
# Connections that one iperf3 can have.
MOST = 128
PERCENTILES = Path(__file__).with_name("percentiles.lua")


def network():
    """Two namespaces joined by veth; does nothing if they exist."""
    if not Path(f"/run/netns/{SERVER}").exists():
        machine.sh(f"""
ip netns add {SERVER}; ip netns add {CLIENT}
ip link add s0 netns {SERVER} type veth peer name c0 netns {CLIENT}
ip -n {SERVER} addr add {ADDRESS}/24 dev s0; ip -n {SERVER} link set s0 up; ip -n {SERVER} link set lo up
ip -n {CLIENT} addr add 10.8.0.2/24 dev c0; ip -n {CLIENT} link set c0 up; ip -n {CLIENT} link set lo up
""")


def with_rps():
    machine.flowbucket_off()
    for netns, device in ((SERVER, "s0"), (CLIENT, "c0")):
        machine.rps(device, "3", netns)


def with_flowbucket():
    for netns, device in ((SERVER, "s0"), (CLIENT, "c0")):
        machine.rps(device, "0", netns)
    machine.flowbucket_on("0-1")


def iperf3(connections):
    """Bits per second that iperf3's servers received."""
    parts = [min(MOST, connections - first) for first in range(0, connections, MOST)]
    servers, clients = [], []
    for port in range(5201, 5201 + len(parts)):
        command = ["ip", "netns", "exec", SERVER, "iperf3", "-s", "-1", "-p", str(port)]
        servers.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL))
    time.sleep(0.3)
    for port, part in enumerate(parts, 5201):
        command = f"ip netns exec {CLIENT} iperf3 -c {ADDRESS} -p {port} -t {machine.SECONDS:.0f} -P {part} -J"
        clients.append(subprocess.Popen(command.split(), stdout=subprocess.PIPE, text=True))
    found = [json.loads(client.communicate()[0])["end"]["sum_received"]["bits_per_second"] for client in clients]
    for server in servers:
        server.wait(10)
    return sum(found)


def stream(setup, connections):
    """The same under `setup`."""
    setup()
    return iperf3(connections)


def tcp_stream(compare, rounds):
    """Throughput of 1 and 16 connections, against RPS."""
    network()
    machine.load()
    for connections in (16, 1):
        name = "tcp_stream" if connections == 16 else f"tcp_stream/{connections}"
        yield compare(name, "bit/s", (lambda: stream(with_rps, connections),
                                      lambda: stream(with_flowbucket, connections)), rounds)


class Nginx:
    """nginx in the server's namespace, one small page."""

    def __enter__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="fb-nginx")
        root = Path(self.dir.name)
        (root / "index.html").write_text("flowbucket\n")
        (root / "conf").write_text(f"""
daemon off; worker_processes 2; pid {root}/pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000; client_body_temp_path {root}; proxy_temp_path {root};
fastcgi_temp_path {root}; uwsgi_temp_path {root}; scgi_temp_path {root};
server {{ listen 80; root {root}; }} }}
user root;
""")
        self.server = subprocess.Popen(["ip", "netns", "exec", SERVER, "nginx", "-c", str(root / "conf")],
                                       stdin=subprocess.DEVNULL)
        time.sleep(0.5)
        return self

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait(10)
        self.dir.cleanup()


def wrk(options=""):
    """32 connections of wrk: requests per second, and percentiles of latency in microseconds
    (p50, p99, p999)."""
    out = machine.sh(f"ip netns exec {CLIENT} wrk -t1 -c32 -d{machine.SECONDS:.0f}s -s {PERCENTILES} {options}"
                     f" http://{ADDRESS}/")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    return rate, json.loads(out.rsplit("percentiles ", 1)[1])


def requests(setup):
    """Requests per second and the 99th percentile of latency in microseconds, under `setup`."""
    setup()
    rate, latencies = wrk()
    return rate, latencies["p99"]


def tcp_rr(compare, rounds):
    """Requests of 32 kept-alive connections to nginx, against RPS."""
    network()
    machine.load()
    with Nginx():
        yield compare("tcp_rr", "requests/s", (lambda: requests(with_rps)[0],
                                               lambda: requests(with_flowbucket)[0]), rounds)
        yield compare("tcp_rr/p99", "us", (lambda: requests(with_rps)[1],
                                           lambda: requests(with_flowbucket)[1]), rounds,
                      lower_is_better=True)
