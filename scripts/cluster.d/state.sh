# shellcheck shell=bash
# The state folder: everything that belongs to one cluster.
#   settings  records/ (what Heat's stand-ins have written down)  cloud/ (of scripts/cloud)  with/ (what the cloud's
#   configuration gets)  nodes/NAME/ (of scripts/machine)  files/ (what the nodes fetch)
#   done/  log/  pid/  config (a kubeconfig)  haproxy.cfg

# state_create DIR MASTERS WORKERS MAGNUM: opens a state folder, making it first where there is none.
state_create() {
  local dir=${1:-}
  [ -n "$dir" ] || dir=$(mktemp -d "${TMPDIR:-/tmp}/coe-cluster.XXXXXX")
  mkdir -p "$dir"
  STATE=$(cd "$dir" && pwd)
  if [ ! -e "$STATE/settings" ]; then
    [ -z "$(ls -A "$STATE")" ] || die "$STATE is neither empty nor a cluster's state folder"
    # The cloud's database and broker run as users of their own and must get through to their folders.
    chmod 0711 "$STATE"
    mkdir "$STATE"/{records,with,nodes,done,log,pid}
    chmod 0700 "$STATE"/{records,with}
    local ports
    read -ra ports < <(free_ports 3)
    cat >"$STATE/settings.new" <<SETTINGS
NUMBER=$(network_take)
MASTERS=$2
WORKERS=$3
MAGNUM=$4
APIS_PORT=${ports[0]}
DISCOVERY_PORT=${ports[1]}
DISCOVERY_PEER_PORT=${ports[2]}
SETTINGS
    mv "$STATE/settings.new" "$STATE/settings"
  fi
  state_open "$STATE"
}

state_open() {
  [ -n "${1:-}" ] || die "which cluster? give --state DIR"
  [ -e "$1/settings" ] || die "$1 is no cluster's state folder"
  STATE=$(cd "$1" && pwd)
  # shellcheck source=/dev/null
  . "$STATE/settings"
  # shellcheck disable=SC2034 # for the others
  BRIDGE=coe-$NUMBER NETWORK=10.77.$NUMBER GATEWAY=10.77.$NUMBER.1 NAME=k$NUMBER
}

# once NAME COMMAND...: runs the command unless an earlier run of it has succeeded.
once() {
  local name=$1
  shift
  [ -e "$STATE/done/$name" ] && return
  "$@" || return
  touch "$STATE/done/$name"
}
