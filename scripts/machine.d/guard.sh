#!/usr/bin/env bash
# guard.sh STATE PID SINCE: waits for the end of a process, and then ends the machine that belongs to it.
set -euo pipefail
HERE=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=/dev/null
. "$HERE/../cloud.d/process.sh"

while [ "$(started_at "$2" || true)" = "$3" ]; do sleep 0.5; done
# Ending the machine would end the guard too, as long as this file names it.
rm -f "$1/pid/guard"
exec "$HERE/../machine" down --state "$1" --purge
