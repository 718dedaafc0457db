# shellcheck shell=bash
# The state folder: everything that belongs to one cluster.
#   settings  records/ (written by Heat's stand-ins)  cloud/ (of scripts/cloud)  with/ (added to the cloud's
#   configuration)  nodes/NAME/ (of scripts/machine)  files/ (fetched by the nodes)
#   done/  log/  pid/  config (a kubeconfig)  haproxy.cfg

# state_create DIR MASTERS WORKERS MAGNUM: opens a state folder, and makes a missing one first.
state_create() {
  state_folder "${1:-}"
  if [ ! -e "$STATE/settings" ]; then
    # The cloud's database and broker run as users of their own and need access to their folders.
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
  state_find "${1:-}"
  # shellcheck source=/dev/null
  . "$STATE/settings"
  # shellcheck disable=SC2034 # for other files
  BRIDGE=coe-$NUMBER NETWORK=10.77.$NUMBER GATEWAY=10.77.$NUMBER.1 NAME=k$NUMBER
}
