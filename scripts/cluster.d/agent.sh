# shellcheck shell=bash
# Installs the agent on the nodes like an operator who changes nothing in the cloud: the tarball, then `agent migrate`.

# agent_install TARBALL KEYS: without a tarball, builds this checkout. A newer build replaces an older one.
agent_install() {
  local tarball=$1 keys=$2 node name
  [ -n "$tarball" ] || tarball=$(agent_build)
  for node in "$STATE"/nodes/*/; do
    name=$(basename "$node")
    say "$name: installing the agent"
    cp "$tarball" "$node/root/root/coe-agent.tar.gz"
    (node_run "$name" sh -ec "$AGENT_SETUP" - "$keys" >&2) || die "$name: installing the agent failed"
  done
}

# $1: `keys` of agent.yaml; RSA 4096 is slow on two cores. The unit is active when the cloud has answered.
# shellcheck disable=SC2016 # for the node's shell
AGENT_SETUP='
cd /root
tar -xzf coe-agent.tar.gz
coe-agent/setup install
if systemctl is-enabled --quiet heat-container-agent; then agent migrate; fi
mkdir -p /etc/coe-agent/agent.d
echo "keys: $1" >/etc/coe-agent/agent.d/10-keys.yaml
systemctl start coe-agent
'

agent_build() (
  cd "$HERE/../.." || return
  # shellcheck source=/dev/null
  . scripts/lib/modules.sh
  ensure_modules >&2
  say "building the agent"
  npm run --silent build -- x64 --out "$STATE/package" >&2 &&
    ls "$STATE"/package/coe-agent-*-linux-x64.tar.gz
)
