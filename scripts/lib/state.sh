# shellcheck shell=bash
# The state folder of one cloud, cluster or machine. COMMAND is the kind, MARK the file that only a finished state
# folder contains.

# state_folder DIR: makes the folder, or a temporary one without DIR, and sets STATE to its path.
state_folder() {
  local dir=${1:-}
  [ -n "$dir" ] || dir=$(mktemp -d "${TMPDIR:-/tmp}/coe-$COMMAND.XXXXXX")
  mkdir -p "$dir"
  STATE=$(cd "$dir" && pwd)
  [ -e "$STATE/$MARK" ] || [ -z "$(ls -A "$STATE")" ] || die "$STATE is neither empty nor a $COMMAND's state folder"
}

# state_find DIR: sets STATE to the path of an existing state folder.
state_find() {
  [ -n "${1:-}" ] || die "no $COMMAND given; use --state DIR"
  [ -e "$1/$MARK" ] || die "$1 is not a $COMMAND's state folder"
  STATE=$(cd "$1" && pwd)
}

# once NAME COMMAND...: runs the command unless an earlier run of it has succeeded.
once() {
  local name=$1
  shift
  [ -e "$STATE/done/$name" ] && return
  "$@" || return
  touch "$STATE/done/$name"
}
