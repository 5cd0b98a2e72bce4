#!/usr/bin/env bash
# The parts of a release that need no account anywhere; .github/workflows/release.yml runs them for a tag v*, and
# publishes what they make. Each can be tried by hand.
set -euo pipefail
CHANGELOG=${CHANGELOG:-CHANGELOG.md}
# Not Windows: the lock of CHECKPOINTDIR is Unix's.
PLATFORMS=${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64}

fail() {
	printf 'release.sh: %s\n' "$*" >&2
	exit 1
}

usage() {
	cat <<'END'
usage: scripts/release.sh COMMAND TAG [FOLDER]

  version TAG          the version that a tag such as v1.2.3 stands for: 1.2.3
  notes TAG            what CHANGELOG.md says of it
  binaries TAG FOLDER  an archive for each platform, and their SHA-256 sums; the same bytes each time
  manifest TAG FOLDER  kubernetes.yaml, for those without Helm, and its sum; run it after binaries. Its image is that of IMAGE_REGISTRY
  chart TAG FOLDER     the Helm chart; its image is that of IMAGE_REGISTRY, such as ghcr.io/owner; its home, its source, and the runbook of
                       its alerts are in the repository at SOURCE_URL, such as https://github.com/owner/aks-audit-log-go, if that is set
END
}

# version: https://semver.org, without build metadata, which the tag of an image can not have.
version() {
	printf '%s' "$1" | grep -Eqx 'v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?' ||
		fail "'$1' is no semantic version with a v before it, such as v1.2.3 or v1.2.3-rc.1"
	printf '%s\n' "${1#v}"
}

# notes prints the section of the version: "## 1.2.3", "## [1.2.3]", with a date behind it or without.
notes() {
	local text
	text=$(awk -v wanted="$1" '
		/^## / { name = $2; gsub(/[][]/, "", name); on = name == wanted; next }
		on' "$CHANGELOG")
	[ -n "${text//[[:space:]]/}" ] || fail "$CHANGELOG says nothing of $1: its section \"## $1\" is missing or empty"
	printf '%s\n' "$text"
}

# binaries takes the times in the archives from the commit, so that anyone can make the same ones again.
binaries() {
	local version=$1 folder=$2 platform name epoch
	epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
	rm -rf "$folder"
	mkdir -p "$folder/work"
	for platform in $PLATFORMS; do
		name=aks-audit-log-go_${version}_${platform/\//_}
		mkdir "$folder/work/$name"
		CGO_ENABLED=0 GOOS=${platform%/*} GOARCH=${platform#*/} go build -trimpath \
			-ldflags="-s -X aks-audit-log-go/forwarder.Version=$version" -o "$folder/work/$name/aks-audit-log-go" .
		cp LICENSE README.md CHANGELOG.md "$folder/work/$name"
		tar --create --directory "$folder/work" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX "$name" |
			gzip --no-name --best >"$folder/$name.tar.gz"
	done
	rm -r "$folder/work"
	(cd "$folder" && sha256sum ./*.tar.gz | sed 's,  \./,  ,' >checksums.txt)
}

manifest() {
	local version=$1 folder=$2
	[ -n "${IMAGE_REGISTRY:-}" ] || fail 'IMAGE_REGISTRY is not set'
	mkdir -p "$folder"
	HELM=${HELM:-helm} deploy/manifest.sh "$version" >"$folder/kubernetes.yaml"
	(cd "$folder" && sha256sum kubernetes.yaml >>checksums.txt)
}

# fill_in KEY VALUE FILE: gives an empty value of the chart another one.
fill_in() {
	sed -i "s,^  $1: \"\"\$,  $1: \"$2\"," "$3"
	grep -qF "  $1: \"$2\"" "$3" || fail "$3 has no empty $1 to fill in"
}

chart() {
	local version=$1 folder=$2 work
	[ -n "${IMAGE_REGISTRY:-}" ] || fail 'IMAGE_REGISTRY is not set'
	work=$(mktemp -d)
	cp -r deploy/helm/aks-audit-log-go "$work"
	fill_in registry "$IMAGE_REGISTRY" "$work/aks-audit-log-go/values.yaml"
	{
		# The annotations are the last part of the file.
		printf '  artifacthub.io/images: |\n    - name: aks-audit-log-go\n      image: %s/aks-audit-log-go:%s\n' "$IMAGE_REGISTRY" "$version"
		[ -z "${SOURCE_URL:-}" ] || printf 'home: %s\nsources: [%s]\n' "$SOURCE_URL" "$SOURCE_URL/tree/v$version"
	} >>"$work/aks-audit-log-go/Chart.yaml"
	[ -z "${SOURCE_URL:-}" ] || fill_in runbookUrl "$SOURCE_URL/blob/v$version" "$work/aks-audit-log-go/values.yaml"
	mkdir -p "$folder"
	"${HELM:-helm}" package "$work/aks-audit-log-go" --version "$version" --app-version "$version" --destination "$folder"
	rm -r "$work"
}

case "${1:-} $#" in
'version 2' | 'notes 2' | 'binaries 3' | 'manifest 3' | 'chart 3') ;;
*)
	usage >&2
	exit 2
	;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."
VERSION=$(version "$2")
case $1 in
version) printf '%s\n' "$VERSION" ;;
notes) notes "$VERSION" ;;
*) "$1" "$VERSION" "$3" ;;
esac
