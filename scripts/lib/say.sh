# shellcheck shell=bash
# Progress and errors go to stderr, results alone to stdout. COMMAND names the script that sources this.
say() { printf '%s: %s\n' "$COMMAND" "$*" >&2; }
die() {
  say "$*"
  exit 1
}
