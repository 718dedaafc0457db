# shellcheck shell=bash
# Processes: each is the leader of its own process group, known by pid and start time, and ended by that alone.

# The time a process started (clock ticks since boot): with it a pid that was given to somebody else is not ours.
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# alive NAME: the recorded process is there.
alive() {
  local pid since
  [ -e "$STATE/pid/$1" ] || return 1
  read -r pid since <"$STATE/pid/$1"
  [ "$(started_at "$pid")" = "$since" ]
}

# start NAME COMMAND...: in the background, with an environment that holds nothing of the caller's.
start() {
  local name=$1 pid
  shift
  alive "$name" && return
  setsid env -i PATH="$PATH" HOME="$HOME" LANG=C.UTF-8 COE_CLOUD="$STATE" "$@" </dev/null >>"$STATE/log/$name.out" 2>&1 &
  pid=$!
  echo "$pid $(started_at "$pid")" >"$STATE/pid/$name"
}

# run NAME COMMAND...: the same in the foreground; its output goes to the log.
run() {
  local name=$1
  shift
  env -i PATH="$PATH" HOME="$HOME" LANG=C.UTF-8 COE_CLOUD="$STATE" "$@" </dev/null >>"$STATE/log/$name.out" 2>&1 ||
    die "$name failed: $(tail -n 3 "$STATE/log/$name.out")"
}

# as USER: the words to put before a command that is to run as that user (root gives its rights up; others keep theirs).
as() {
  [ "$(id -u)" = 0 ] || return 0
  echo setpriv "--reuid=$1" "--regid=$1" --init-groups
}

# own DIR USER: makes a folder for that user alone.
own() {
  mkdir -p "$1"
  chmod 0700 "$1"
  [ "$(id -u)" != 0 ] || chown "$2:$2" "$1"
}

# until_ready NAME SECONDS COMMAND...: waits for the command to succeed, and no longer than the process lives.
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

# stop NAME...: TERM to every group at once, KILL to what is left after 10 s.
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

# Processes that left their group but carry this cloud's mark in their environment.
stragglers() {
  local entry
  for entry in /proc/[0-9]*; do
    if { tr '\0' '\n' <"$entry/environ" | grep -qxF "COE_CLOUD=$STATE"; } 2>/dev/null; then echo "${entry#/proc/}"; fi
  done
}
