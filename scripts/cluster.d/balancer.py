#!/usr/bin/python3
"""Writes haproxy's configuration for the stack's load balancers, as Octavia would.

usage: balancer.py RECORDS > haproxy.cfg
Timeouts, `retries` and `redispatch` are Octavia's defaults, among them 50 s until it cuts an idle connection.
"""
import json
import sys
from pathlib import Path
from typing import Any

records = Path(sys.argv[1])
BALANCE = {"ROUND_ROBIN": "roundrobin", "LEAST_CONNECTIONS": "leastconn", "SOURCE_IP": "source"}
FALL = 3  # Octavia's max_retries_down, which Magnum's templates do not set


def read(kind: str) -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text()) for path in sorted((records / kind).glob("*.json"))}


balancers, listeners, pools, monitors, members = map(read, ("load_balancers", "listeners", "pools", "monitors", "members"))
lines = ["global", "  maxconn 2000", "defaults", "  retries 3", "  option redispatch"]
for pool, asked in pools.items():
    listener = listeners[asked["listener"]]
    address = balancers[listener["loadbalancer"]]["vip_address"]
    monitor = next((entry for entry in monitors.values() if entry["pool"] == pool), None)
    https = monitor is not None and monitor["type"] == "HTTPS"
    tls = " check-ssl verify none" if https else ""
    check = f" check{tls} inter {monitor['delay']}s fall {FALL} rise {monitor['max_retries']}" if monitor else ""
    lines += [
        f"frontend {asked['listener']}",
        f"  bind {address}:{listener['protocol_port']}",
        f"  mode {listener['protocol'].lower()}",
        f"  default_backend {pool}",
        "  timeout client 50000",
        f"backend {pool}",
        f"  mode {asked['protocol'].lower()}",
        f"  balance {BALANCE[asked['lb_algorithm']]}",
        *([f"  timeout check {monitor['timeout']}s"] if monitor else []),
        *([f"  option httpchk GET {monitor['url_path']}", "  http-check expect rstatus 200"] if https else []),
        "  option allbackups",
        "  timeout connect 5000",
        "  timeout server 50000",
        *(f"  server {name} {entry['address']}:{entry['protocol_port']} weight 1{check}"
          for name, entry in members.items() if entry["pool"] == pool),
    ]
print("\n".join(lines))
