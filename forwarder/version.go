package forwarder

import (
	"runtime"
	"runtime/debug"
)

// Version is the release that this binary was built as. The linker sets it:
//
//	go build -ldflags "-X aks-audit-log-go/forwarder.Version=1.2.3" .
//
// It is the one package-level variable, because the linker can set nothing else.
var Version = "dev"

// BuildInfo returns Version, the commit that the binary was built from ("unknown" where the
// build had no repository, with "-dirty" behind it where the tree was changed), and the
// version of Go.
func BuildInfo() (version, revision, goVersion string) {
	return Version, vcsRevision(debug.ReadBuildInfo()), runtime.Version()
}

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
