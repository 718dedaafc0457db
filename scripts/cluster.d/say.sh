# shellcheck shell=bash
# Progress and errors go to stderr, results alone to stdout.
say() { printf 'cluster: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}
