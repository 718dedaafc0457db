# shellcheck shell=bash
# Processes: each leads its own process group, and is identified by pid and start time, and ended only by these.

# The start time of a process (clock ticks since boot), which identifies a reused pid.
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# alive NAME: whether the recorded process exists.
alive() {
  local pid since
  [ -e "$STATE/pid/$1" ] || return 1
  read -r pid since <"$STATE/pid/$1"
  [ "$(started_at "$pid")" = "$since" ]
}

# start NAME COMMAND...: runs the command in the background, without the caller's environment.
start() {
  local name=$1 pid
  shift
  alive "$name" && return
  setsid env -i PATH="$PATH" HOME="$HOME" LANG=C.UTF-8 COE_CLOUD="$STATE" "$@" </dev/null >>"$STATE/log/$name.out" 2>&1 &
  pid=$!
  echo "$pid $(started_at "$pid")" >"$STATE/pid/$name"
}

# run NAME COMMAND...: the same in the foreground, with the output in the log.
run() {
  local name=$1
  shift
  env -i PATH="$PATH" HOME="$HOME" LANG=C.UTF-8 COE_CLOUD="$STATE" "$@" </dev/null >>"$STATE/log/$name.out" 2>&1 ||
    die "$name failed: $(tail -n 3 "$STATE/log/$name.out")"
}

# as USER: prints the prefix of a command that has to run as that user (root drops its rights; others keep theirs).
as() {
  [ "$(id -u)" = 0 ] || return 0
  echo setpriv "--reuid=$1" "--regid=$1" --init-groups
}

# own DIR USER: makes a folder for that user only.
own() {
  mkdir -p "$1"
  chmod 0700 "$1"
  [ "$(id -u)" != 0 ] || chown "$2:$2" "$1"
}

# until_ready NAME SECONDS COMMAND...: waits until the command succeeds; fails if the process ends.
until_ready() {
  local name=$1 seconds=$2 end
  shift 2
  end=$((SECONDS + seconds))
  until "$@" >/dev/null 2>&1; do
    alive "$name" || die "$name ended early: $(tail -n 3 "$STATE/log/$name.out")"
    [ "$SECONDS" -lt "$end" ] || die "$name did not answer within $seconds s; see $STATE/log"
    sleep 0.1
  done
}

# port_open PORT [ADDRESS]
port_open() { (: <"/dev/tcp/${2:-127.0.0.1}/$1") 2>/dev/null; }

# stop NAME...: sends TERM to every group at once, and KILL to remaining ones after 10 s.
stop() {
  local name pid since groups=()
  for name in "$@"; do
    if alive "$name"; then
      read -r pid since <"$STATE/pid/$name"
      groups+=("$pid")
      kill -TERM -- "-$pid" 2>/dev/null || true
    fi
  done
  local end=$((SECONDS + 10))
  for pid in "${groups[@]}"; do
    while kill -0 -- "-$pid" 2>/dev/null; do
      [ "$SECONDS" -lt "$end" ] || kill -KILL -- "-$pid" 2>/dev/null || true
      sleep 0.1
    done
  done
  for name in "$@"; do rm -f "$STATE/pid/$name"; done
}

# Lists processes that left their group but have this cloud's mark in their environment.
stragglers() {
  local entry
  for entry in /proc/[0-9]*; do
    if { tr '\0' '\n' <"$entry/environ" | grep -qxF "COE_CLOUD=$STATE"; } 2>/dev/null; then echo "${entry#/proc/}"; fi
  done
}
