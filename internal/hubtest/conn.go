package hubtest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"aks-audit-log-go/internal/hubtest/wire"
)

// pumpBudget is how many bytes of events one link may write before it is another's turn, and before
// the connection looks at what has come in.
const pumpBudget = 256 << 10

// conn is one connection. One goroutine, serve, owns all of its state; another reads frames for it.
// Who else wants something done posts it.
type conn struct {
	srv  *Server
	name string
	*transport
	frames chan wire.Frame
	// malformed is why frames was closed, where the peer's bytes were no AMQP. It is set before.
	malformed error
	wake      chan struct{}

	mu    sync.Mutex
	posts []func()

	// What follows belongs to serve.
	trusted      bool // SASL PLAIN proved the key, no claims are needed
	claims       claims
	peerMaxFrame int
	heartbeat    time.Duration // how often to say something; 0 for never
	lastWrite    time.Time
	sessions     map[uint16]*session
	outLinks     []*outLink
	closing      bool
	err          error // the first error of writing
}

func newConn(s *Server, nc net.Conn, tlsConfig *tls.Config) *conn {
	return &conn{
		srv:       s,
		name:      nc.RemoteAddr().String(),
		transport: newTransport(nc, tlsConfig, s.silence),
		frames:    make(chan wire.Frame, 256),
		wake:      make(chan struct{}, 1),
		claims:    claims{},
		sessions:  map[uint16]*session{},
	}
}

// drop cuts the connection. Any goroutine may call it.
func (c *conn) drop() { c.close() }

// post has serve call f soon. Any goroutine may call it.
func (c *conn) post(f func()) {
	c.mu.Lock()
	c.posts = append(c.posts, f)
	c.mu.Unlock()
	c.wakeUp()
}

func (c *conn) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *conn) runPosts() {
	c.mu.Lock()
	posts := c.posts
	c.posts = nil
	c.mu.Unlock()
	for _, f := range posts {
		f()
	}
}

// serve runs the connection to its end.
func (c *conn) serve() {
	defer c.srv.leave(c)
	defer c.forgetLinks()
	defer c.close()
	if err := c.handshake(); err != nil {
		c.trace("handshake: %v", err)
		return
	}
	var reader sync.WaitGroup
	reader.Add(1)
	go func() {
		defer reader.Done()
		c.read()
	}()
	c.loop()
	c.close()
	for range c.frames { // so that the reader gets to see the closed socket
	}
	reader.Wait()
}

// read hands on frames until the connection ends.
func (c *conn) read() {
	defer close(c.frames)
	for {
		if err := c.rw.SetReadDeadline(time.Now().Add(ourIdleTimeOut)); err != nil {
			return
		}
		f, err := c.readFrame()
		if errors.Is(err, wire.ErrMalformed) {
			c.malformed = err
			return
		}
		if err != nil {
			c.trace("%v", err)
			c.close() // serve may be stuck in a write, and would never learn of it
			return
		}
		c.frames <- f
	}
}

// loop does what there is to do, and then waits for more.
func (c *conn) loop() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		c.runPosts()
		c.expireClaims(c.srv.now())
		more := c.pump()
		c.finishTurn()
		if c.err != nil || c.closing {
			return
		}
		if more {
			c.handleWaiting()
			continue
		}
		timer.Reset(c.untilDue(time.Now()))
		select {
		case f, ok := <-c.frames:
			c.handleOrEnd(f, ok)
			c.handleWaiting()
		case <-c.wake:
		case <-timer.C:
			c.beat(time.Now())
		}
	}
}

// handleWaiting handles the frames that have come in.
func (c *conn) handleWaiting() {
	for range cap(c.frames) {
		select {
		case f, ok := <-c.frames:
			c.handleOrEnd(f, ok)
		default:
			return
		}
	}
}

// handleOrEnd handles a frame, or where there are no more, ends the connection.
func (c *conn) handleOrEnd(f wire.Frame, ok bool) {
	switch {
	case ok:
		c.handle(f)
	case c.malformed != nil:
		c.fail(c.malformed.Error())
	default:
		c.closing = true
	}
}

// finishTurn sends what one turn of the loop has written.
func (c *conn) finishTurn() {
	if c.out.Buffered() > 0 {
		c.lastWrite = time.Now()
	}
	if c.err == nil {
		c.err = c.flush()
	}
}

// untilDue is how long the connection may wait for something to happen.
func (c *conn) untilDue(now time.Time) time.Duration {
	d := time.Hour
	if c.heartbeat > 0 {
		d = min(d, c.lastWrite.Add(c.heartbeat).Sub(now))
	}
	if at, ok := c.claims.nextExpiry(); ok {
		d = min(d, at.Sub(c.srv.now()))
	}
	return max(0, d)
}

// beat keeps a quiet connection alive with an empty frame.
func (c *conn) beat(now time.Time) {
	if c.heartbeat > 0 && now.Sub(c.lastWrite) >= c.heartbeat {
		c.write(wire.Frame{})
	}
}

// send writes a performative without payload. An error ends the connection at the next turn of the loop.
func (c *conn) send(channel uint16, p wire.Performative) {
	c.traceFrame("->", channel, p)
	c.write(wire.Frame{Channel: channel, Body: p})
}

func (c *conn) write(f wire.Frame) {
	if c.err == nil {
		c.err = c.writeFrame(f)
	}
}

// pump writes events to all links that may have some; true if there are more.
func (c *conn) pump() bool {
	more := false
	for _, l := range c.outLinks {
		if l.pump(pumpBudget) {
			more = true
		}
	}
	return more
}

// fail ends the connection of a peer whose frames make no sense.
func (c *conn) fail(description string) {
	if c.closing {
		return
	}
	c.send(0, &wire.Close{Error: &wire.Error{Condition: condFramingError, Description: description}})
	c.closing = true
}

// handle does what a frame asks for.
func (c *conn) handle(f wire.Frame) {
	if c.closing || f.Body == nil {
		return
	}
	c.traceFrame("<-", f.Channel, f.Body)
	switch p := f.Body.(type) {
	case *wire.Begin:
		c.begin(f.Channel, p)
		return
	case *wire.Close:
		c.send(0, &wire.Close{})
		c.closing = true
		return
	}
	s := c.sessions[f.Channel]
	if s == nil {
		c.fail(fmt.Sprintf("no session on channel %d", f.Channel))
		return
	}
	s.handle(f)
}

// forgetLinks takes the links of a connection that has ended out of the hub.
func (c *conn) forgetLinks() {
	for _, l := range c.outLinks {
		l.forget()
	}
	c.outLinks = nil
}
