#!/usr/bin/env bash
# follow.sh STATE GOLDEN: acts on changed records: boots a machine for each server, powers off those of deleted servers,
# and configures haproxy. It replaces the workers of Nova and Octavia.
set -euo pipefail
HERE=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck disable=SC2034 # for lib/
COMMAND=cluster MARK=settings
for part in ../cloud.d/process ../lib/say ../lib/state state node balancer; do
  # shellcheck source=/dev/null
  . "$HERE/$part.sh"
done
state_open "$1"

follow() {
  local record node
  for record in "$STATE"/records/servers/*.json; do
    [ ! -e "$record" ] || node_follow "$record" "$1"
  done
  for node in "$STATE"/nodes/*/; do
    [ ! -e "$node" ] || node_wanted "$(basename "$node")" || node_down "$(basename "$node")" --purge
  done
  balancer_follow
}

seen=
while :; do
  # Adding, changing or removing a record changes its folder.
  now=$(stat --format='%n %y' "$STATE/records" "$STATE"/records/*/ 2>/dev/null || true)
  if [ "$now" != "$seen" ]; then follow "$2"; fi
  seen=$now
  sleep 1
done
