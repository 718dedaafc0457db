# shellcheck shell=bash
# The values that differ in every cloud: ports and passwords.

# These ports are free on every address and below the kernel's range for outgoing connections.
free_ports() {
  /usr/bin/python3 - "$1" <<'PY'
import random, socket, sys
taken = []
for port in random.sample(range(18000, 32000), 2000):
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("0.0.0.0", port))
    except OSError:
        continue
    taken.append(probe)
    if len(taken) == int(sys.argv[1]):
        break
print(*(probe.getsockname()[1] for probe in taken))
PY
}

random_hex() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }
