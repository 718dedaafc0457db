# shellcheck shell=bash
# The state folder: everything that belongs to one machine.
#   name  root/ (its file system)  log/  pid/ (machine: systemd-nspawn; init: the machine's process 1)

# state_create DIR: opens a state folder, making it first where there is none.
state_create() {
  local dir=${1:-}
  [ -n "$dir" ] || dir=$(mktemp -d "${TMPDIR:-/tmp}/coe-machine.XXXXXX")
  mkdir -p "$dir"
  if [ ! -e "$dir/name" ]; then
    [ -z "$(ls -A "$dir")" ] || die "$dir is neither empty nor a machine's state folder"
    # Who runs the tests gets through to the root, whose modes are those of the machine.
    chmod 0755 "$dir"
    mkdir "$dir"/{log,pid}
    echo "coe-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')" >"$dir/name"
  fi
  state_open "$dir"
}

state_open() {
  [ -n "${1:-}" ] || die "which machine? give --state DIR"
  [ -e "$1/name" ] || die "$1 is no machine's state folder"
  STATE=$(cd "$1" && pwd)
  # shellcheck disable=SC2034 # for the others
  NAME=$(cat "$STATE/name")
}
