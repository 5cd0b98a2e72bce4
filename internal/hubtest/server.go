// Package hubtest is an Azure Event Hubs emulator that runs inside a test, as httptest.Server does for
// HTTP: one hub of any number of partitions, over AMQP 1.0, on TLS and on plain TCP. Either port takes
// AMQP as it is, and in a WebSocket, as the service does on port 443.
//
// It keeps what is appended in memory and gives it to any number of readers; reading removes nothing.
// Tokens, epochs, credit and windows are treated as the service treats them, so that a client which
// works here has done the protocol right. Its faults (faults.go) can be called at any time.
//
// What it does not do: replication to another region (see GeoReplicated), retention by
// time or size (see Truncate), throttling, and more than one hub a namespace. Refusals follow what the
// SDKs expect; where a text of the service is known, its condition and wording are used.
package hubtest

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// defaultConsumerGroup exists in every hub.
const defaultConsumerGroup = "$Default"

// Config says what the hub is like. The zero value is a hub fit for most tests.
type Config struct {
	// Hub is the hub's name; default "insights-logs-kube-audit", the one AKS makes up.
	Hub string
	// Partitions is how many there are; default 4.
	Partitions int
	// ConsumerGroups are those that exist beside $Default.
	ConsumerGroups []string
	// GeoReplicated has offsets look as in a namespace that is replicated to another region, such as
	// "1:1:16", and those of any other form refused. Nothing is replicated.
	GeoReplicated bool
	// KeyName and Key are the shared access key. An empty name is "RootManageSharedAccessKey", as in
	// every namespace; an empty key is made up.
	KeyName, Key string
	// TokenKey signs the tokens of Microsoft Entra ID that are taken, see SignToken; without it none is.
	TokenKey []byte
	// Trace, if not nil, is told what goes over each connection; never a token, key or body. It is
	// called from many goroutines.
	Trace func(format string, args ...any)
}

// Server is a running hub. Its methods are safe for concurrent use.
type Server struct {
	cfg        Config
	caPEM      []byte
	tlsConfig  *tls.Config
	secure     net.Listener
	plain      net.Listener
	groups     map[string]bool // consumer groups in lower case
	roundRobin atomic.Uint32   // events that the hub chose a partition for
	dialled    atomic.Int64    // connections that clients have made
	skew       atomic.Int64    // how far the hub's clock is ahead of ours
	wg         sync.WaitGroup

	mu         sync.Mutex
	partitions []*partition
	closed     bool
	conns      map[*conn]bool
	owners     map[ownerKey][]*outLink // receivers attached now
	cbs        map[*outLink]bool       // links attached now on which $cbs answers
	changed    chan struct{}
	created    time.Time // when the hub was made
	faults     faults
}

// Start starts a hub on two free ports of loopback. The caller must Close it.
func Start(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	made, err := processAuthority()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:     cfg,
		caPEM:   made.ca,
		created: time.Now(),
		groups:  map[string]bool{strings.ToLower(defaultConsumerGroup): true},
		conns:   map[*conn]bool{},
		owners:  map[ownerKey][]*outLink{},
		cbs:     map[*outLink]bool{},
		changed: make(chan struct{}),
		tlsConfig: &tls.Config{
			Certificates: []tls.Certificate{made.leaf},
			MinVersion:   tls.VersionTLS12,
			// Small first records cost throughput and help only browsers.
			DynamicRecordSizingDisabled: true,
		},
	}
	for _, g := range cfg.ConsumerGroups {
		s.groups[strings.ToLower(g)] = true
	}
	for i := range cfg.Partitions {
		s.partitions = append(s.partitions, newPartition(strconv.Itoa(i), cfg.GeoReplicated))
	}
	if err := s.listen(); err != nil {
		return nil, err
	}
	return s, nil
}

func (cfg Config) withDefaults() (Config, error) {
	if cfg.Hub == "" {
		cfg.Hub = "insights-logs-kube-audit"
	}
	if cfg.Partitions == 0 {
		cfg.Partitions = 4
	}
	if cfg.Partitions < 0 {
		return cfg, fmt.Errorf("start hub: %d partitions", cfg.Partitions)
	}
	if cfg.KeyName == "" {
		cfg.KeyName = "RootManageSharedAccessKey"
	}
	if cfg.Key == "" {
		key := make([]byte, 32)
		if _, err := rand.Read(key); err != nil {
			return cfg, fmt.Errorf("make up a key: %w", err)
		}
		cfg.Key = base64.StdEncoding.EncodeToString(key)
	}
	if cfg.Trace == nil {
		cfg.Trace = func(string, ...any) {}
	}
	return cfg, nil
}

func (s *Server) listen() error {
	var lc net.ListenConfig
	var err error
	// Binding a port of loopback does not wait for anything, so there is nothing to cancel.
	if s.secure, err = lc.Listen(context.Background(), "tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("listen for TLS: %w", err)
	}
	if s.plain, err = lc.Listen(context.Background(), "tcp", "127.0.0.1:0"); err != nil {
		return errors.Join(fmt.Errorf("listen for TCP: %w", err), s.secure.Close())
	}
	s.wg.Add(2)
	go s.accept(s.secure, s.tlsConfig)
	go s.accept(s.plain, nil)
	return nil
}

// accept serves what comes in on ln until it is closed.
func (s *Server) accept(ln net.Listener, tlsConfig *tls.Config) {
	defer s.wg.Done()
	for {
		nc, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.cfg.Trace("accept: %v", err)
			continue
		}
		s.dialled.Add(1)
		c := newConn(s, nc, tlsConfig)
		if !s.admit(c) {
			c.trace("refused")
			c.drop()
			continue
		}
		go c.serve()
	}
}

// Dialled is how many connections clients have made since the server started, those included that
// it refused or never said a word on.
func (s *Server) Dialled() int { return int(s.dialled.Load()) }

// Connections returns how many connections are open now.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// admit enters c among the connections, unless none are taken now.
func (s *Server) admit(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.faults.refuseConnections {
		return false
	}
	s.conns[c] = true
	s.wg.Add(1)
	return true
}

// leave takes c out again, once all of its links are gone.
func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.wg.Done()
}

// Close ends the hub: it closes the ports and every connection and waits for all of its goroutines.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.wg.Wait()
		return
	}
	s.closed = true
	for c := range s.conns {
		c.drop()
	}
	s.mu.Unlock()
	// The sockets are closed whatever Close says, and there is nobody to tell.
	_ = s.secure.Close()
	_ = s.plain.Close()
	s.wg.Wait()
}

// ConnectionString is what a client needs to connect over TLS; it must trust CAPEM. It has no
// EntityPath, and no semicolon at the end, which azure-event-hubs-go cannot parse.
func (s *Server) ConnectionString() string { return s.connectionString(s.secure) }

// PlainConnectionString is what a client needs to connect over plain TCP, the way azeventhubs talks to
// Microsoft's own emulator.
func (s *Server) PlainConnectionString() string {
	return s.connectionString(s.plain) + ";UseDevelopmentEmulator=true"
}

func (s *Server) connectionString(ln net.Listener) string {
	return fmt.Sprintf("Endpoint=sb://%s/;SharedAccessKeyName=%s;SharedAccessKey=%s", ln.Addr(), s.cfg.KeyName, s.cfg.Key)
}

// CAPEM is the authority that signed the server's certificate, the same for every server of the process.
func (s *Server) CAPEM() []byte { return s.caPEM }

// HubName is the name of the hub.
func (s *Server) HubName() string { return s.cfg.Hub }

// PartitionIDs are "0" and so on.
func (s *Server) PartitionIDs() []string {
	all := s.allPartitions()
	ids := make([]string, len(all))
	for i, p := range all {
		ids[i] = p.id
	}
	return ids
}

// AddPartitions gives the hub n partitions more, as the Premium and Dedicated tiers allow. Connections
// live on, and $management answers the new list from now on.
func (s *Server) AddPartitions(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.partitions = append(s.partitions, newPartition(strconv.Itoa(len(s.partitions)), s.cfg.GeoReplicated))
	}
}

// allPartitions are those that the hub has now.
func (s *Server) allPartitions() []*partition {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.partitions
}

// partition is the one with this id; nil if there is none.
func (s *Server) partition(id string) *partition {
	for _, p := range s.allPartitions() {
		if p.id == id {
			return p
		}
	}
	return nil
}
