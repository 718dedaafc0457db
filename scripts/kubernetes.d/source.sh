# shellcheck shell=bash
# Downloads Debian's source package. apt verifies it with Debian's keys.

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# source_fetch FOLDER: unpacks the source to FOLDER/tree. apt gets its own list of packages, because the host's lists
# rarely name sources.
source_fetch() {
  local folder=$1 from options
  from=$(debian_mirror)
  [ -n "$from" ] || die "this machine's apt knows no mirror of Debian 12"
  mkdir -p "$folder/apt/lists/partial"
  echo "deb-src [signed-by=$KEYRING] $from bookworm main" >"$folder/apt/sources.list"
  options=(
    -q -o "Dir::Etc::SourceList=$folder/apt/sources.list" -o Dir::Etc::SourceParts=-
    -o "Dir::State::Lists=$folder/apt/lists" -o "Dir::Cache=$folder/apt" -o "APT::Sandbox::User=$(id -un)"
  )
  say "fetching the source package"
  apt-get "${options[@]}" -o APT::Update::Error-Mode=any update >&2 || die "apt cannot list Debian's source packages"
  (cd "$folder" && apt-get "${options[@]}" source --download-only --only-source kubernetes >&2) ||
    die "apt cannot fetch the source package kubernetes"
  dpkg-source --no-check --extract "$folder"/kubernetes_*.dsc "$folder/tree" >&2
}
