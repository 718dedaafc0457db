# shellcheck shell=bash
# Prints progress and errors to stderr; stdout is for results only. COMMAND is the name of the sourcing script.
say() { printf '%s: %s\n' "$COMMAND" "$*" >&2; }
die() {
  say "$*"
  exit 1
}
