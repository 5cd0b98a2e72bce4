package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/valyala/fastjson"

	"aks-audit-log-go/e2e/bench/control"
)

// The frame around the audit events of one POST.
const (
	listHead = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[`
	listTail = `]}`
)

// straight is the straight loop of one partition: take the audit events out of what is there, post
// them. It has no ownership, no checkpoint, no retry and no verdicts; whatever fails ends it.
type straight struct {
	poster
	most      int // audit events in one POST
	body, log fastjson.Parser
	list      []byte
	count     int
}

func runStraight(ctx context.Context, o options) error {
	if err := new(control.Counter).Tell(ctx, o.stdout, control.Announcement{}); err != nil {
		return err
	}
	client := newClient(o.connections)
	defer client.CloseIdleConnections()
	return receive(ctx, o, func() handler {
		s := &straight{poster: poster{client: client, url: o.url}, most: o.events}
		return s.forward
	})
}

func (s *straight) forward(ctx context.Context, events []*azeventhubs.ReceivedEventData) error {
	for _, event := range events {
		body, err := s.body.ParseBytes(event.Body)
		if err != nil {
			return fmt.Errorf("parse a hub event: %w", err)
		}
		for _, record := range body.GetArray("records") {
			if err := s.take(ctx, record.GetStringBytes("properties", "log")); err != nil {
				return err
			}
		}
	}
	return s.flush(ctx)
}

// take puts one audit event into the list, and posts a list that is full.
func (s *straight) take(ctx context.Context, log []byte) error {
	if _, err := s.log.ParseBytes(log); err != nil {
		return fmt.Errorf("parse an audit event: %w", err)
	}
	if s.count == 0 {
		s.list = append(s.list[:0], listHead...)
	} else {
		s.list = append(s.list, ',')
	}
	s.list = append(s.list, bytes.TrimSpace(log)...)
	if s.count++; s.count == s.most {
		return s.flush(ctx)
	}
	return nil
}

func (s *straight) flush(ctx context.Context) error {
	if s.count == 0 {
		return nil
	}
	s.count = 0
	s.list = append(s.list, listTail...)
	return s.post(ctx, s.list)
}

// poster posts over connections that are kept.
type poster struct {
	client *http.Client
	url    string
}

func newClient(connections int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true}}
}

func (p poster) post(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make a POST: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.client.Do(req)
	if err != nil {
		return fmt.Errorf("post: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err = io.Copy(io.Discard, resp.Body); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("post: the sink answered %s", resp.Status)
	}
	return nil
}
