#!/usr/bin/env bash
# boot.sh NAME ROOT: becomes the systemd-nspawn that boots a folder, in a control group of its own. Two systemds in
# one group would take each other's services for their own.
set -euo pipefail

boot=(
  systemd-nspawn --directory="$2" --machine="$1" --register=no --keep-unit --boot
  --console=pipe --settings=no --resolv-conf=off --timezone=off --link-journal=no
)
if [ -d /run/systemd/system ]; then
  exec systemd-run --scope --quiet --collect --unit="$1" --property=Delegate=yes -- "${boot[@]}"
fi
# The hierarchy that systemd keeps its services in: version 2 alone, or with version 1 beside it.
for tree in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
  if [ -e "$tree/cgroup.procs" ]; then
    mkdir -p "$tree/$1"
    echo $$ >"$tree/$1/cgroup.procs"
  fi
done
exec "${boot[@]}"
