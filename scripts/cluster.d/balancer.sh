# shellcheck shell=bash
# haproxy in Octavia's place.

balancer_follow() {
  local address
  "$HERE/balancer.py" "$STATE/records" >"$STATE/haproxy.cfg.new" 2>>"$STATE/log/balancer.out" || return 0
  ! cmp -s "$STATE/haproxy.cfg.new" "$STATE/haproxy.cfg" || return 0
  mv "$STATE/haproxy.cfg.new" "$STATE/haproxy.cfg"
  while read -r address; do
    ip address replace "$address/32" dev "$BRIDGE"
  done < <(sed -n 's/^  bind \(.*\):.*/\1/p' "$STATE/haproxy.cfg")
  if alive haproxy; then
    kill -USR2 "$(cut -d' ' -f1 "$STATE/pid/haproxy")"
  else
    start haproxy haproxy -W -q -f "$STATE/haproxy.cfg"
  fi
}
