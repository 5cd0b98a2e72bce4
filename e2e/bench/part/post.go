package main

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"aks-audit-log-go/e2e/bench/control"
	"aks-audit-log-go/e2e/bench/load"
)

// runPost posts the same EventList so many times over so many connections, and then waits to be
// ended, so that it can be measured.
func runPost(ctx context.Context, o options) error {
	if err := new(control.Counter).Tell(ctx, o.stdout, control.Announcement{}); err != nil {
		return err
	}
	p := poster{client: newClient(o.connections), url: o.url}
	defer p.client.CloseIdleConnections()
	body := load.EventList(o.events)
	var begun atomic.Int64
	group, posting := errgroup.WithContext(ctx)
	for range o.connections {
		group.Go(func() error {
			for begun.Add(1) <= int64(o.posts) {
				if err := p.post(posting, body); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	<-ctx.Done()
	return nil
}
