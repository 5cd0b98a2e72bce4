package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Ports are taken below the range from which systems pick the ports of outgoing connections
// (Linux: 32768 and up): a port that was found free stays so until its server listens.
const (
	lowestPort = 20000
	portCount  = 12000
)

// ports hands each port out once.
var ports = &portPool{next: rand.IntN(portCount)}

// portPool walks round the range from a random start, so that two test runs on one machine
// rarely meet.
type portPool struct {
	mu   sync.Mutex
	next int
}

// take answers a loopback address on which nothing listens.
func (p *portPool) take() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range portCount {
		address := fmt.Sprintf("127.0.0.1:%d", lowestPort+p.next)
		p.next = (p.next + 1) % portCount
		listener, err := net.Listen("tcp", address) //nolint:noctx // It opens and closes at once.
		if err != nil {
			continue
		}
		return address, listener.Close()
	}
	return "", fmt.Errorf("no free port from %d to %d", lowestPort, lowestPort+portCount-1)
}

// freeAddress is a loopback host:port on which a server of the test may listen.
func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := ports.take()
	require.NoError(t, err)
	return address
}
