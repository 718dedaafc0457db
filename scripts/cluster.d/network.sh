# shellcheck shell=bash
# The bridge of the nodes: 10.77.NUMBER.0/24, this machine at .1, the load balancers from .5 on, masters from .10 on,
# workers from .30 on. Nothing is forwarded off the bridge.

METADATA=169.254.169.254

# network_take: makes the bridge of a free number, and prints the number. A bridge can be made only once, so two
# clusters never take the same.
network_take() {
  local number
  for number in $(shuf -i 0-255); do
    [ -z "$(ip -4 route show root "10.77.$number.0/24")" ] || continue
    if ip link add "coe-$number" type bridge 2>/dev/null; then
      echo "$number"
      return
    fi
  done
  die "no free network in 10.77.0.0/16"
}

network_up() {
  ip link show "$BRIDGE" >/dev/null 2>&1 || ip link add "$BRIDGE" type bridge
  ip address replace "$GATEWAY/24" dev "$BRIDGE"
  ip address replace "$METADATA/32" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  echo 0 >"/proc/sys/net/ipv4/conf/$BRIDGE/forwarding"
}

network_down() {
  if ip link show "$BRIDGE" >/dev/null 2>&1; then ip link delete "$BRIDGE"; fi
}
