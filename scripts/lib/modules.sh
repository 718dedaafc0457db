# shellcheck shell=sh
# The node modules, including Node 26, for scripts that may be the first to run on a fresh machine.
# Sourced from the project's folder, by sh or bash.

modules_die() {
  echo "${0##*/}: $1" >&2
  exit 1
}

# Whether the node in PATH is of this major version or a newer one.
node_is_at_least() {
  command -v node >/dev/null && node -e "process.exit(Number(process.versions.node.split('.')[0]) >= $1 ? 0 : 1)"
}

# Whether the modules match the lock file; a missing optional module is for other machines.
modules_are_current() {
  node -e '
    const read = (path) => JSON.parse(require("fs").readFileSync(path, "utf8")).packages;
    const installed = read("node_modules/.package-lock.json");
    for (const [path, { version, optional }] of Object.entries(read("package-lock.json")))
      if (path && (installed[path] ? installed[path].version !== version : !optional)) process.exit(1);
  ' 2>/dev/null
}

# Installs the modules if they are missing or do not match the lock file, and puts their programs first in PATH.
ensure_modules() {
  command -v node >/dev/null || modules_die "node is missing: install Node.js 20 or newer (Debian: apt-get install nodejs npm)"
  node_is_at_least 20 || modules_die "node $(node --version) is too old: install Node.js 20 or newer"
  if ! modules_are_current; then
    command -v npm >/dev/null || modules_die "npm is missing: install it (Debian: apt-get install npm)"
    echo "installing the node modules (npm ci) ..."
    npm ci --no-audit --no-fund --loglevel=error ||
      modules_die "npm ci failed, see above: it needs the network, or a package registry that this machine can reach"
  fi
  PATH=$PWD/node_modules/.bin:$PATH
  export PATH
  node_is_at_least 26 ||
    modules_die "the node modules have no Node 26 for $(uname -s) $(uname -m): install Node.js 26 and try again"
}
