package forwarder

import (
	"cmp"
	"math"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder/variable"
)

func (l *loader) logs() {
	level, err := logrus.ParseLevel(l.in.LogLevel)
	if err != nil {
		l.problems.wrong(variable.LogLevel)
	}
	l.out.LogLevel = level
	if l.isSet(variable.VerboseLevel) {
		l.verboseLevel()
	}
	l.out.LogFormat = strings.ToLower(l.in.LogFormat)
	if l.isSet(variable.LogFormat) && l.out.LogFormat != "text" && l.out.LogFormat != "json" {
		l.problems.wrong(variable.LogFormat)
	}
}

// verboseLevel maps the .NET predecessor's levels: see the README of sysdiglabs/aks-audit-log.
func (l *loader) verboseLevel() {
	levels := []logrus.Level{logrus.ErrorLevel, logrus.InfoLevel, logrus.DebugLevel, logrus.TraceLevel}
	if l.in.VerboseLevel < 1 || l.in.VerboseLevel > len(levels) {
		l.problems.wrong(variable.VerboseLevel)
		return
	}
	if !l.isSet(variable.LogLevel) {
		l.out.LogLevel = levels[l.in.VerboseLevel-1]
	}
}

func (l *loader) process() {
	l.out.MaxBytesInFlight = l.in.MaxBytesInFlight
	if l.in.MaxBytesInFlight < 1<<20 || l.in.MaxBytesInFlight > math.MaxInt32 {
		l.problems.wrong(variable.MaxBytesInFlight)
	}
	l.out.StatsAddress = l.in.StatsAddress
	if !validAddress(l.in.StatsAddress) {
		l.problems.wrong(variable.StatsAddress)
	}
	l.statsHosts()
	l.runbookURL()
	l.pprofAddress()
	l.out.ShutdownTimeout = l.in.ShutdownTimeout
	if l.in.ShutdownTimeout <= 0 {
		l.problems.wrong(variable.ShutdownTimeout)
	}
	l.out.WatchdogTimeout = l.in.WatchdogTimeout
	if l.in.WatchdogTimeout != 0 && l.in.WatchdogTimeout < time.Second {
		l.problems.wrong(variable.WatchdogTimeout)
	}
}

// hostName matches host names, without a port.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

func (l *loader) statsHosts() {
	for name := range strings.SplitSeq(l.in.StatsHosts, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if !hostName.MatchString(name) {
			l.problems.wrong(variable.StatsHosts)
		}
		l.out.StatsHosts = append(l.out.StatsHosts, name)
	}
}

func (l *loader) runbookURL() {
	if l.in.RunbookURL == "" {
		return
	}
	address, err := url.Parse(l.in.RunbookURL)
	if err != nil || address.Scheme != "https" && address.Scheme != "http" || address.Host == "" ||
		address.User != nil || address.RawQuery != "" || address.Fragment != "" {
		l.problems.wrong(variable.RunbookURL)
		return
	}
	l.out.RunbookURL = strings.TrimRight(address.String(), "/")
}

// pprofAddress checks the address of the profiles. Without a host it listens on the loopback only, because profiles,
// unlike statistics, have no other clients.
func (l *loader) pprofAddress() {
	if l.in.PprofAddress == "" {
		return
	}
	address := l.in.PprofAddress
	if !strings.Contains(address, ":") {
		address = ":" + address
	}
	if !validAddress(address) {
		l.problems.wrong(variable.PprofAddress)
		return
	}
	host, port, _ := net.SplitHostPort(address)
	l.out.PprofAddress = net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port)
	if ip := net.ParseIP(host); host != "" && !strings.EqualFold(host, "localhost") && !ip.IsLoopback() {
		l.warn(variable.PprofAddress + " is no loopback address, so anyone who reaches it can see what the daemon does inside, and slow it down " +
			"by taking profiles: set a port alone, and use kubectl port-forward")
	}
}

// validAddress reports whether an address has the form [host]:port. Port 0, any free port, is for tests.
func validAddress(address string) bool {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}
