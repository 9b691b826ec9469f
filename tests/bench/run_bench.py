#!/usr/bin/env python3
"""The figures: lcg beside the raw Asio frame server, interleaved in one run; server on core 0, load on core 1.

Usage: tests/bench/run_bench.py [--build DIR] [--rounds N] [--seconds S] [echo fan many idle send cost]
Every server listens on loopback, is ended by its own pid, and every load is bounded in count and time. Prints a
table of medians; the ratio is of server CPU per message, lcg over raw, which survives a busy machine better than
wall-clock rates do. JSON lines of every run go to stderr.
"""
import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CONFIG = """lanes: {lanes}
log: {{ level: warn }}
admin: {{ socket: {dir}/admin.sock }}
gateway:
  listen: ["127.0.0.1:{port}"]
  clients: {{ commands_per_second: 0 }}
  websocket: {{ compression: true }}
  http: {{ half_open_per_address: 30000 }}
broker: {{ plugin_dir: ["{plugins}"], sessions_per_user: 30000 }}
channel:
  namespaces:
    - {{ name: dialog, provider: dialog }}
    - {{ name: bench, allow_subscribe_for_client: true, allow_publish_for_client: true }}
    - {{ name: cost, allow_subscribe_for_client: true, allow_publish_for_client: true, history_size: 10, history_ttl: 1m,
        allowed_delta_types: [fossil], delta_publish: true, allow_channel_compaction: true }}
plugins:
  - {{ name: storage_rocksdb, instances: per_lane, config: {{ path: "{dir}/store" }} }}
  - {{ name: any_user, instances: per_lane }}
  - {{ name: message, instances: per_lane }}
  - {{ name: dialog, instances: per_lane }}
  - {{ name: echo, instances: per_lane }}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pinned(core, argv, **kwargs):
    def pin():
        if core is not None:
            os.sched_setaffinity(0, {core})
    return subprocess.Popen(argv, preexec_fn=pin, **kwargs)


class Raw:
    def __init__(self, build):
        self.port = free_port()
        self.process = pinned(0, [build / "bin/raw_server", str(self.port)])
        wait_port(self.port)

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Lcg:
    def __init__(self, build, lanes=1, core=0):
        self.dir = tempfile.TemporaryDirectory(prefix="lcg-bench-")
        self.port = free_port()
        config = Path(self.dir.name) / "lcg.yaml"
        config.write_text(CONFIG.format(port=self.port, dir=self.dir.name, plugins=build / "plugins.d", lanes=lanes))
        config.chmod(0o600)
        self.process = pinned(core, [build / "bin/lcg", "--config", config])
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=1)
                return
            except OSError:
                if self.process.poll() is not None:
                    sys.exit("bench: lcg ended at start")
                time.sleep(0.05)
        sys.exit("bench: lcg did not get ready")

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.dir.cleanup()


def wait_port(port):
    for _ in range(200):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    sys.exit(f"bench: nothing listens on {port}")


def load(build, server, core=1, **options):
    argv = [build / "bin/load", "--port", str(server.port), "--pid", str(server.process.pid)]
    for key, value in options.items():
        argv += [f"--{key}", str(value)]
    out = pinned(core, argv, stdout=subprocess.PIPE, text=True).communicate(timeout=300)[0]
    row = json.loads(out)
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row


def median(rows, key):
    return statistics.median(r[key] for r in rows)


def side_by_side(build, title, rounds, **options):
    rows = {"raw": [], "lcg": []}
    for _ in range(rounds):
        for proto, make in (("raw", Raw), ("lcg", Lcg)):
            server = make(build)
            try:
                rows[proto].append(load(build, server, proto=proto, **options))
            finally:
                server.stop()
    raw, lcg = median(rows["raw"], "cpu_us"), median(rows["lcg"], "cpu_us")
    print(f"| {title} | {raw:.3f} | {lcg:.3f} | {lcg / raw:.2f} | {median(rows['raw'], 'rate'):,.0f} | "
          f"{median(rows['lcg'], 'rate'):,.0f} | {median(rows['lcg'], 'p50_ms'):.2f} / {median(rows['lcg'], 'p99_ms'):.2f} |", flush=True)


# What one delivery to one of 1,000 subscribers costs, by the form they asked for.
def cost_table(build, rounds):
    print("| form | bytes on the wire | of JSON | server CPU us | of JSON |\n|---|---|---|---|---|")
    base = None
    for encoding in ("json", "protobuf"):
        for options in ((), ("compact",), ("delta",), ("delta", "compact"), ("deflate",), ("deflate", "delta", "compact")):
            rows = []
            for _ in range(rounds):
                server = Lcg(build)
                argv = [build / "bin/cost", "--port", str(server.port), "--pid", str(server.process.pid), encoding, *options]
                try:
                    rows.append(json.loads(pinned(1, argv, stdout=subprocess.PIPE, text=True).communicate(timeout=300)[0]))
                finally:
                    server.stop()
            size, cpu = median(rows, "bytes"), median(rows, "cpu_us")
            base = base or (size, cpu)
            print(f"| {' + '.join((encoding, *options))} | {size:.1f} | {size / base[0]:.2f} | {cpu:.3f} | {cpu / base[1]:.2f} |", flush=True)
    print(f"\npublication data: {rows[0]['data_bytes']} bytes of JSON, of which one number changes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build/bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("what", nargs="*", default=["echo", "fan", "many", "idle", "send", "cost"])
    args = parser.parse_args()
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    print(f"machine: {os.cpu_count()} cores, {cpu}, kernel {os.uname().release}\n")
    if {"echo", "fan"} & set(args.what):
        print("| | raw us/msg | lcg us/msg | ratio | raw msg/s | lcg msg/s | lcg p50 / p99 ms |\n|---|---|---|---|---|---|---|")
    if "echo" in args.what:
        for depth in (1, 16):
            side_by_side(args.build, f"echo rpc, 500 connections, 128 B, depth {depth}", args.rounds, mode="echo",
                         conns=500, depth=depth, seconds=args.seconds)
    if "fan" in args.what:
        for conns in (1000, 10000):
            for depth in (1, 16):
                side_by_side(args.build, f"fan-out to {conns:,}, 128 B, {depth} outstanding", args.rounds, mode="fan",
                             conns=conns, depth=depth, seconds=args.seconds)
    if "many" in args.what:
        for conns in (1000, 100):  # ten channels each, and a hundred: much for one connection at once
            rows = []
            for _ in range(args.rounds):
                server = Lcg(args.build)
                rows.append(load(args.build, server, mode="many", proto="lcg", conns=conns, channels=1000, seconds=args.seconds))
                server.stop()
            print(f"1,000 channels of 10 over {conns:,} connections, 256 busy, 128 B: {median(rows, 'cpu_us'):.2f} us CPU a delivery, "
                  f"{median(rows, 'rate'):,.0f}/s, p99 {median(rows, 'p99_ms'):.2f} ms", flush=True)
    if "idle" in args.what:
        for proto, make in (("raw", Raw), ("lcg", Lcg)):
            server = make(args.build)
            row = load(args.build, server, mode="idle", proto=proto, conns=10000)
            server.stop()
            print(f"idle, 10,000 connections, {proto}: {row['bytes_per_conn']:,.0f} bytes of user memory a connection", flush=True)
    if "cost" in args.what:
        cost_table(args.build, args.rounds)
    if "send" in args.what:
        rows = []
        for _ in range(args.rounds):
            server = Lcg(args.build, lanes=2, core=None)
            rows.append(load(args.build, server, core=None, mode="send", proto="lcg", conns=256, seconds=args.seconds, size=128))
            server.stop()
        print(f"durable message.send, 256 clients in 16 dialogs, 2 lanes, client and server share both cores: "
              f"{median(rows, 'rate'):,.0f}/s, p50 {median(rows, 'p50_ms'):.2f} ms, p99 {median(rows, 'p99_ms'):.2f} ms, "
              f"{median(rows, 'cpu_us'):.1f} us CPU each", flush=True)


if __name__ == "__main__":
    main()
