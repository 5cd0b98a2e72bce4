package harness

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// The ports are below the range of outgoing connections (Linux: 32768 and up), so that a free port stays free until
// its server listens.
const (
	lowestPort = 20000
	portCount  = 12000
)

// ports returns each port once.
var ports = &portPool{next: rand.IntN(portCount)}

// portPool goes through the range from a random start, so that two test runs on one machine rarely use the same ports.
type portPool struct {
	mu   sync.Mutex
	next int
}

// take returns a loopback address on which no process listens.
func (p *portPool) take() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range portCount {
		address := fmt.Sprintf("127.0.0.1:%d", lowestPort+p.next)
		p.next = (p.next + 1) % portCount
		listener, err := net.Listen("tcp", address) //nolint:noctx // It is closed at once.
		if err != nil {
			continue
		}
		return address, listener.Close()
	}
	return "", fmt.Errorf("no free port from %d to %d", lowestPort, lowestPort+portCount-1)
}

// FreeAddress returns a loopback host:port on which a server of the test can listen.
func FreeAddress(t *testing.T) string {
	t.Helper()
	address, err := ports.take()
	require.NoError(t, err)
	return address
}
