# shellcheck shell=bash
# The state folder: everything that belongs to one machine.
#   name  root/ (its file system)  log/  pid/ (machine: systemd-nspawn; init: the machine's process 1)

# state_create DIR: opens a state folder, and makes a missing one first.
state_create() {
  state_folder "${1:-}"
  if [ ! -e "$STATE/name" ]; then
    # The user who runs the tests needs access to the root, whose modes are the machine's.
    chmod 0755 "$STATE"
    mkdir "$STATE"/{log,pid}
    echo "coe-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')" >"$STATE/name"
  fi
  state_open "$STATE"
}

state_open() {
  state_find "${1:-}"
  # shellcheck disable=SC2034 # for other files
  NAME=$(cat "$STATE/name")
}
