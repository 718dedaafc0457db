# shellcheck shell=bash
# Compiles the programs that Debian does not package, from Debian's source and with Debian's Go.

VERSION=1.20.2
PROGRAMS=(kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet)

# build_programs FOLDER OUT: compiles FOLDER/tree and moves the programs to OUT.
build_programs() {
  local tree=$1/tree program
  # The vendored 1.0.1 panics in Go 1.18 and later when it decodes a map.
  rm -rf "$tree/vendor/github.com/modern-go/reflect2"
  cp -r /usr/share/gocode/src/github.com/modern-go/reflect2 "$tree/vendor/github.com/modern-go/"
  # The build reads its version from git, and a source package has no git history.
  cat >"$1/version" <<VERSIONS
KUBE_GIT_COMMIT=debian
KUBE_GIT_TREE_STATE=archive
KUBE_GIT_VERSION=v$VERSION
KUBE_GIT_MAJOR=1
KUBE_GIT_MINOR=20
VERSIONS
  mkdir -p "$tree/.go/src/k8s.io"
  ln -s ../../.. "$tree/.go/src/k8s.io/kubernetes"
  say "compiling (about five minutes)"
  build_make "$1" generated_files
  build_make "$1" WHAT="${PROGRAMS[*]/#/cmd/} vendor/k8s.io/sample-apiserver" GOFLAGS=-tags=providerless,dockerless
  for program in "${PROGRAMS[@]}" sample-apiserver; do mv "$tree/_output/bin/$program" "$2/"; done
}

build_make() {
  local folder=$1
  shift
  env -i PATH="/usr/lib/go-1.19/bin:$PATH" HOME="$folder" LANG=C.UTF-8 GOPATH="$folder/tree/.go" GOCACHE="$folder/go-cache" \
    CGO_ENABLED=0 KUBE_GIT_VERSION_FILE="$folder/version" make -C "$folder/tree" "$@" >>"$folder/build.log" 2>&1 ||
    die "the build failed; the log is $folder/build.log: $(tail -n 3 "$folder/build.log")"
}
