# shellcheck shell=bash
# What is said to the person at the terminal: progress and complaints on stderr, results alone on stdout.
say() { printf 'machine: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}
