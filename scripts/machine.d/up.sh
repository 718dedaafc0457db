# shellcheck shell=bash
# One machine: up, run, down.

# machine_up DIR PID IMAGE BASE FOLDER BRIDGE: boots a machine, until PID ends if given. IMAGE or BASE (used in place,
# unchanged) replace the usual file system; the files of FOLDER are added; BRIDGE gives it a network of its own. All but
# DIR may be empty.
machine_up() {
  local began=$SECONDS
  if ! installed || [ ! -e "${4:-$BASE}" ]; then die "packages or the file system are missing; run: scripts/machine install"; fi
  state_create "$1"
  [ -z "$2" ] || start guard "$HERE/guard.sh" "$STATE" "$2" "$(started_at "$2")"
  if [ ! -e "$STATE/root" ]; then
    if [ -n "$3" ]; then
      mkdir "$STATE/root.new"
      # Its kernel is this machine's.
      tar -C "$STATE/root.new" --numeric-owner --xattrs --exclude='./boot/*' --exclude='./usr/lib/modules' -xpf "$3"
      mkdir "$STATE/root.new/usr/lib/machine"
      mv "$STATE/root.new/usr/bin/"{systemctl,journalctl} "$STATE/root.new/usr/lib/machine/"
      # It would ask for a language and a password on the console.
      ln -sf /dev/null "$STATE/root.new/etc/systemd/system/systemd-firstboot.service"
    else
      cp -a --reflink=auto "${4:-$BASE}" "$STATE/root.new"
    fi
    [ -z "$5" ] || cp -r --preserve=mode "$5/." "$STATE/root.new/"
    [ -n "$4" ] || machine_wrap "$STATE/root.new"
    mv "$STATE/root.new" "$STATE/root"
  fi
  trap machine_failed EXIT
  # shellcheck disable=SC2153 # set by state_open
  start machine "$HERE/boot.sh" "$NAME" "$STATE/root" "$6"
  until_ready machine 60 machine_found
  until_ready machine 60 machine_answers
  # From here on, systemd itself reports when it is done.
  local is
  is=$(timeout 60 "${INSIDE[@]}" systemctl is-system-running --wait) || true
  trap - EXIT
  [ "$is" = running ] || say "its systemd is ${is:-stuck}: $("${INSIDE[@]}" systemctl --failed --plain --no-legend | cut -d' ' -f1 | xargs)"
  say "up after $((SECONDS - began)) s"
  echo "$STATE"
}

# The machine's process 1 is systemd-nspawn's only child.
machine_found() {
  local nspawn pid
  read -r nspawn _ <"$STATE/pid/machine"
  pid=$(cut -d' ' -f1 "/proc/$nspawn/task/$nspawn/children")
  [ "$(cat "/proc/$pid/comm")" = systemd ] || return
  echo "$pid $(started_at "$pid")" >"$STATE/pid/init.new"
  mv "$STATE/pid/init.new" "$STATE/pid/init"
}

machine_answers() {
  machine_inside
  # Its exit code is ignored: an answering machine may still be starting, or may lack a unit.
  [ -n "$("${INSIDE[@]}" systemctl is-system-running 2>/dev/null || true)" ]
}

# Sets the prefix of a command that has to run in the machine. nsenter waits in front of it, outside: signals to nsenter
# must reach the command.
machine_inside() {
  local pid
  alive init || die "this machine does not run; run: scripts/machine up --state $STATE"
  read -r pid _ <"$STATE/pid/init"
  INSIDE=(env -i PATH="/usr/local/sbin:/usr/local/bin:$PATH" LANG=C.UTF-8 nsenter --target="$pid" --all -- setpriv --pdeathsig=TERM)
}

# machine_run COMMAND...: becomes the command.
machine_run() {
  machine_inside
  exec "${INSIDE[@]}" "$@"
}

# machine_wrap ROOT: installs a systemctl and a journalctl that reach into the machine when called from outside.
machine_wrap() {
  local name
  for name in systemctl journalctl; do
    cat >"$1/usr/bin/$name" <<WRAPPER
#!/bin/sh
[ ! -e '$STATE/pid/init' ] && exec /usr/lib/machine/$name "\$@"
exec '$HERE/../machine' run --state '$STATE' -- /usr/lib/machine/$name "\$@"
WRAPPER
    chmod 0755 "$1/usr/bin/$name"
  done
}

machine_failed() {
  machine_stop
  die "the machine did not boot: $(tail -n 3 "$STATE/log/machine.out")"
}

# machine_stop HARD: systemd-nspawn powers the machine off on SIGTERM. The end of its process 1 ends everything in it;
# if systemd-nspawn ended first, that process would survive. HARD: kills process 1, like a power failure.
machine_stop() {
  local part pid end=$((SECONDS + 20))
  stop guard
  if alive machine && [ -z "${1:-}" ]; then
    machine_found 2>/dev/null || true
    read -r pid _ <"$STATE/pid/machine"
    kill -TERM "$pid" 2>/dev/null || true
    while alive machine && [ "$SECONDS" -lt "$end" ]; do sleep 0.1; done
  fi
  if alive init; then
    read -r pid _ <"$STATE/pid/init"
    kill -KILL "$pid" 2>/dev/null || true
    while alive init; do sleep 0.1; done
  fi
  stop machine
  rm -f "$STATE/pid/init"
  for part in /sys/fs/cgroup /sys/fs/cgroup/*/; do
    [ ! -d "$part/$NAME" ] || find "$part/$NAME" -depth -type d -exec rmdir {} \; || true
  done
  rmdir "/run/systemd/nspawn/propagate/$NAME" 2>/dev/null || true
}

# machine_down PURGE HARD
machine_down() {
  machine_stop "$2"
  if [ -n "$1" ]; then rm -rf --one-file-system "$STATE"; fi
}
