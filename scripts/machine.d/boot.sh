#!/usr/bin/env bash
# boot.sh NAME ROOT [BRIDGE]: becomes the systemd-nspawn that boots a folder, in a control group of its own. Two
# systemds in one group would mix up their services.
set -euo pipefail

boot=(
  systemd-nspawn --directory="$2" --machine="$1" --register=no --keep-unit --boot
  --console=pipe --settings=no --resolv-conf=off --timezone=off --link-journal=no
)
# A container runtime needs capabilities, key rings and BPF; a kubelet reads the kernel's messages.
[ -z "${3:-}" ] || boot+=(--network-bridge="$3" --capability=all --system-call-filter="add_key keyctl bpf" --bind=/dev/kmsg)
if [ -d /run/systemd/system ]; then
  exec systemd-run --scope --quiet --collect --unit="$1" --property=Delegate=yes -- "${boot[@]}"
fi
# A group in every hierarchy: in version 2 alone, or also in those of version 1, where containers are put.
for tree in /sys/fs/cgroup /sys/fs/cgroup/*; do
  [ -e "$tree/cgroup.procs" ] || continue
  # With version 2 alone, the subfolders are not hierarchies.
  [ "$tree" = /sys/fs/cgroup ] || [ ! -e /sys/fs/cgroup/cgroup.procs ] || continue
  mkdir -p "$tree/$1"
  if [ "${tree##*/}" = cpuset ]; then
    cat "$tree/cpuset.cpus" >"$tree/$1/cpuset.cpus"
    cat "$tree/cpuset.mems" >"$tree/$1/cpuset.mems"
    echo 1 >"$tree/$1/cgroup.clone_children"
  fi
  echo $$ >"$tree/$1/cgroup.procs"
done
exec "${boot[@]}"
