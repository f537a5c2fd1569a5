# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# debs.sh DIR: sourced by a bash script that wants Debian packages without installing any.  apt then
# works on lists, a package state and a cache of its own below DIR/apt, so neither the system's
# packages nor its lists are touched and root is not needed.  The mirrors are the ones the system
# uses.  The script has a function `skip WHY`, for packages that are not available, and goes on with:
#   $codename       Debian's name for its release
#   add MIRROR SUITE, mirrors SUITE    further sources; the release's own are there already
#   apt apt-get update                 (any apt tool) before anything is asked of them
for tool in apt-get apt-cache dpkg-deb; do
    command -v $tool >/dev/null || skip "no $tool: packages can only be fetched on a Debian system"
done
[ "$(dpkg --print-architecture)" = amd64 ] || skip "the packages are for an amd64 host"
debs=$1/apt
mkdir -p "$debs"/lists/partial "$debs"/cache/archives/partial
: >"$debs/status"           # an empty package state: apt then names the whole closure
sources=$debs/sources.list
apt_opts=(-qq -o Dir::Etc::sourcelist="$sources" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::lists="$debs/lists" -o Dir::State::status="$debs/status"
    -o Dir::Cache="$debs/cache" -o APT::Sandbox::User=root -o Debug::NoLocking=1
    -o APT::Architectures=amd64 -o APT::Install-Recommends=0 -o APT::Update::Error-Mode=any
    -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30)
apt() { local tool=$1; shift; "$tool" "${apt_opts[@]}" "$@" 2>>"$debs/log"; }

codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r $keyring ] || skip "no $keyring: packages can only be fetched on a Debian system"
mirrors() {
    apt-get indextargets --format '$(RELEASE) $(SITE) $(COMPONENT)' 'Created-By: Packages' \
        2>/dev/null | awk -v r="$1" '$1 == r && $3 == "main" && !seen[$2]++ { print $2 }'
}
add() {                     # add MIRROR SUITE
    echo "deb [signed-by=$keyring] $1 $2 main" >>"$sources"
}
for suite in "$codename" "$codename-security"; do
    for m in $(mirrors "$suite"); do add "$m" "$suite"; done
done
[ -s "$sources" ] || skip "apt knows no source for Debian '$codename'"
