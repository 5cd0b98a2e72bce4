package hubclient

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
)

// errClosed says that the client was used after Close.
var errClosed = errors.New("the event hub client is closed")

// azManagement sends management requests over a connection of their own. The SDK ignores ctx, and waits forever for
// the response to a request about a partition (mgmt.go:151). It also never recovers the link of these requests,
// because it translates the error before it decides what to recover (links_recover.go:101). So azManagement discards
// a client whose link may have died, and makes another one.
type azManagement struct {
	connect func(retries int32) (*azeventhubs.ConsumerClient, error)
	// timeout bounds a request, both attempts together.
	timeout time.Duration

	mu     sync.Mutex
	client *azeventhubs.ConsumerClient
	closed bool
}

// request sends a request, and waits for the response until the timeout or the end of ctx. If the link may have died
// since the previous request, it sends the request a second time.
func (m *azManagement) request(ctx context.Context, send func(context.Context, *azeventhubs.ConsumerClient) error) error {
	limited, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	for mayRetry := true; ; mayRetry = false {
		client, err := m.current()
		if err != nil {
			return err
		}
		err = callWithContext(limited, func(ctx context.Context) error { return send(ctx, client) })
		if err == nil || ctx.Err() != nil || limited.Err() == nil && !connectionLost(err) && m.isCurrent(client) {
			return err
		}
		m.discard(ctx, client)
		if !mayRetry || limited.Err() != nil {
			return err
		}
	}
}

func connectionLost(err error) bool {
	var sdk *azeventhubs.Error
	return errors.As(err, &sdk) && sdk.Code == azeventhubs.ErrorCodeConnectionLost
}

// current returns the client for the next request, and makes one if there is none.
func (m *azManagement) current() (*azeventhubs.ConsumerClient, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed
	}
	if m.client == nil {
		client, err := m.connect(sdkRetries)
		if err != nil {
			return nil, err
		}
		m.client = client
	}
	return m.client, nil
}

// isCurrent tells whether client has not been discarded meanwhile.
func (m *azManagement) isCurrent(client *azeventhubs.ConsumerClient) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.client == client
}

// discard closes client, and so ends the requests that still wait for it. The next request makes another client.
func (m *azManagement) discard(ctx context.Context, client *azeventhubs.ConsumerClient) {
	m.mu.Lock()
	known := m.client == client
	if known {
		m.client = nil
	}
	m.mu.Unlock()
	if known {
		closeQuietly(ctx, client.Close)
	}
}

// close closes the client for good.
func (m *azManagement) close(ctx context.Context) error {
	m.mu.Lock()
	client := m.client
	m.client, m.closed = nil, true
	m.mu.Unlock()
	if client == nil {
		return nil
	}
	return callWithContext(ctx, client.Close)
}
