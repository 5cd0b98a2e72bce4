// Package hubtest is an Azure Event Hubs emulator that runs inside a test, as httptest.Server does for HTTP. It has
// one hub with any number of partitions, over AMQP 1.0. One port uses TLS, and one plain TCP. Both accept AMQP
// directly, or in a WebSocket, as the service does on port 443.
//
// It keeps appended events in memory, and gives them to any number of readers. Reading removes nothing. It handles
// tokens, epochs, credit and windows as the service does, so that a client that works here uses the protocol
// correctly. Its faults (faults.go) can be switched on at any time.
//
// It does not replicate to another region (see GeoReplicated), remove events by age or size (see Truncate), throttle,
// or have more than one hub in a namespace. It refuses as the SDKs expect. Where a text of the service is known, its
// condition and wording are used.
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

// Config configures the hub. The zero value is right for most tests.
type Config struct {
	// Hub is the hub's name. The default is "insights-logs-kube-audit", which is the name that AKS chooses.
	Hub string
	// Partitions is the number of partitions. The default is 4.
	Partitions int
	// ConsumerGroups are the consumer groups besides $Default.
	ConsumerGroups []string
	// GeoReplicated makes the hub use and accept only offsets of a namespace that is replicated to another region,
	// such as "1:1:16". Nothing is replicated.
	GeoReplicated bool
	// KeyName and Key are the shared access key. The default of KeyName is "RootManageSharedAccessKey", as in every
	// namespace. The default of Key is a random key.
	KeyName, Key string
	// TokenKey is the key of the tokens of Microsoft Entra ID that the hub accepts, see SignToken. Without it, the hub
	// accepts none.
	TokenKey []byte
	// Trace, if not nil, is called with what goes over each connection, but never with a token, key or body. It is
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
	roundRobin atomic.Uint32   // how many events the hub chose a partition for
	dialled    atomic.Int64    // how many connections clients have made
	skew       atomic.Int64    // how far the hub's clock is ahead of ours
	wg         sync.WaitGroup

	mu         sync.Mutex
	partitions []*partition
	closed     bool
	conns      map[*conn]bool
	owners     map[ownerKey][]*outLink // receivers that are attached now
	cbs        map[*outLink]bool       // links on which $cbs answers that are attached now
	changed    chan struct{}
	created    time.Time // when the hub was created
	faults     faults
}

// Start starts a hub on two free ports of loopback. The caller must call Close.
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
			// Small first records reduce throughput, and help only browsers.
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
	// Binding a port of loopback does not block, so there is nothing to cancel.
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

// accept serves connections to ln until it is closed.
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

// Dialled returns how many connections clients have made since the server started. It counts refused connections, and
// those on which the hub was silent.
func (s *Server) Dialled() int { return int(s.dialled.Load()) }

// Connections returns how many connections are open now.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// admit adds c to the connections, unless the hub accepts none now.
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

// leave removes c after all of its links have been removed.
func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.wg.Done()
}

// Close ends the hub. It closes the ports and all connections, and waits for all of its goroutines.
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
	// The sockets are closed even if Close fails, so the error is ignored.
	_ = s.secure.Close()
	_ = s.plain.Close()
	s.wg.Wait()
}

// ConnectionString returns the connection string for TLS. The client must trust CAPEM. The string has no EntityPath.
// It has no semicolon at its end, because azure-event-hubs-go cannot parse that.
func (s *Server) ConnectionString() string { return s.connectionString(s.secure) }

// PlainConnectionString returns the connection string for plain TCP, as azeventhubs uses it for Microsoft's own
// emulator.
func (s *Server) PlainConnectionString() string {
	return s.connectionString(s.plain) + ";UseDevelopmentEmulator=true"
}

func (s *Server) connectionString(ln net.Listener) string {
	return fmt.Sprintf("Endpoint=sb://%s/;SharedAccessKeyName=%s;SharedAccessKey=%s", ln.Addr(), s.cfg.KeyName, s.cfg.Key)
}

// CAPEM returns the authority that signed the server's certificate. All servers of the process have the same.
func (s *Server) CAPEM() []byte { return s.caPEM }

// HubName returns the name of the hub.
func (s *Server) HubName() string { return s.cfg.Hub }

// PartitionIDs returns "0", "1" and so on.
func (s *Server) PartitionIDs() []string {
	all := s.allPartitions()
	ids := make([]string, len(all))
	for i, p := range all {
		ids[i] = p.id
	}
	return ids
}

// AddPartitions adds n partitions, as the Premium and Dedicated tiers allow. Connections stay, and $management answers
// with the new list from now on.
func (s *Server) AddPartitions(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.partitions = append(s.partitions, newPartition(strconv.Itoa(len(s.partitions)), s.cfg.GeoReplicated))
	}
}

// allPartitions returns the partitions that the hub has now.
func (s *Server) allPartitions() []*partition {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.partitions
}

// partition returns the partition with this id, or nil if there is none.
func (s *Server) partition(id string) *partition {
	for _, p := range s.allPartitions() {
		if p.id == id {
			return p
		}
	}
	return nil
}
