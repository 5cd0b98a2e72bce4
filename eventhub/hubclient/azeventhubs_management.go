package hubclient

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/azauth"
)

// azQuestions asks the service questions, over a connection of their own. The SDK waits for the
// answer to one about a partition for ever, whatever ctx says (mgmt.go:151), and it never mends the
// link for it: it translates the error before it looks for what it has to mend
// (links_recover.go:101). So the client with the link is given up here, and another one made.
type azManagement struct {
	connect  func(retries int32) (*azeventhubs.ConsumerClient, error)
	patience time.Duration

	mu     sync.Mutex
	client *azeventhubs.ConsumerClient
	closed bool
}

// ask waits no longer than its patience, or until ctx ends. It asks twice where the link may have
// been dead since the question before.
func (q *azManagement) request(ctx context.Context, question func(context.Context, *azeventhubs.ConsumerClient) error) error {
	asking, cancel := context.WithTimeout(ctx, q.patience)
	defer cancel()
	for again := true; ; again = false {
		client, err := q.current()
		if err != nil {
			return err
		}
		err = eventhub.CallWithContext(asking, func(asking context.Context) error { return question(asking, client) })
		if err == nil || ctx.Err() != nil || asking.Err() == nil && !connectionLost(err) && q.is(client) {
			return err
		}
		q.discard(ctx, client)
		if !again || asking.Err() != nil {
			return err
		}
	}
}

func connectionLost(err error) bool {
	var sdk *azeventhubs.Error
	return errors.As(err, &sdk) && sdk.Code == azeventhubs.ErrorCodeConnectionLost
}

// current is the client to ask with.
func (q *azManagement) current() (*azeventhubs.ConsumerClient, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, azauth.ErrClosed
	}
	if q.client == nil {
		client, err := q.connect(sdkRetries)
		if err != nil {
			return nil, err
		}
		q.client = client
	}
	return q.client, nil
}

// is tells whether the client has not been given up meanwhile.
func (q *azManagement) is(client *azeventhubs.ConsumerClient) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.client == client
}

// giveUp closes a client, which ends the questions that still wait, and has the next question
// make another one.
func (q *azManagement) discard(ctx context.Context, client *azeventhubs.ConsumerClient) {
	q.mu.Lock()
	known := q.client == client
	if known {
		q.client = nil
	}
	q.mu.Unlock()
	if known {
		eventhub.CloseQuietly(ctx, client.Close)
	}
}

func (q *azManagement) close(ctx context.Context) error {
	q.mu.Lock()
	client := q.client
	q.client, q.closed = nil, true
	q.mu.Unlock()
	if client == nil {
		return nil
	}
	return eventhub.CallWithContext(ctx, client.Close)
}
