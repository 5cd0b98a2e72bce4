package forwarder

import (
	"runtime"
	"runtime/debug"
)

// Version is the release of this binary. The linker sets it:
//
//	go build -ldflags "-X aks-audit-log-go/forwarder.Version=1.2.3" .
//
// It is a package-level variable because the linker can set nothing else.
var Version = "dev"

// BuildInfo returns Version, the commit of the binary, and the version of Go. The commit is "unknown" if the build had
// no repository, and ends in "-dirty" if the tree was changed.
func BuildInfo() (version, revision, goVersion string) {
	return Version, vcsRevision(debug.ReadBuildInfo()), runtime.Version()
}

// vcsRevision returns the commit in info, which is valid if ok.
func vcsRevision(info *debug.BuildInfo, ok bool) string {
	revision, dirty := "unknown", ""
	if !ok {
		return revision
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && s.Value != "":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if revision == "unknown" {
		return revision
	}
	return revision + dirty
}
