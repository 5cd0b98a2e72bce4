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

// pumpBudget is how many bytes of events a link may write before the next link's turn, and before the connection
// handles what it has received.
const pumpBudget = 256 << 10

// conn is one connection. The goroutine serve owns all of its state, and another one reads frames for it. Other
// goroutines change the state through post.
type conn struct {
	srv  *Server
	name string
	*transport
	frames chan wire.Frame
	// malformed is why frames was closed, if the peer sent something that is no AMQP. It is set before frames is
	// closed.
	malformed error
	wake      chan struct{}

	mu    sync.Mutex
	posts []func()

	// Only serve uses the following fields.
	trusted      bool // SASL PLAIN proved the key, so no claims are needed
	claims       claims
	peerMaxFrame int
	heartbeat    time.Duration // how often to send a heartbeat; 0 is never
	lastWrite    time.Time
	sessions     map[uint16]*session
	outLinks     []*outLink
	closing      bool
	err          error // the first error in writing
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

// drop closes the connection. Any goroutine may call it.
func (c *conn) drop() { c.close() }

// post makes serve call f soon. Any goroutine may call it.
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

// serve runs the connection until it ends.
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
	for range c.frames { // so that the reader notices the closed socket
	}
	reader.Wait()
}

// read passes frames on until the connection ends.
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
			c.close() // serve may be blocked in a write, and would not notice
			return
		}
		c.frames <- f
	}
}

// loop does all pending work, and then waits for more.
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

// handleWaiting handles the frames that have arrived.
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

// handleOrEnd handles a frame. If ok is false, there are no more frames, and it ends the connection.
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

// finishTurn sends what a turn of the loop has written.
func (c *conn) finishTurn() {
	if c.out.Buffered() > 0 {
		c.lastWrite = time.Now()
	}
	if c.err == nil {
		c.err = c.flush()
	}
}

// untilDue returns how long loop may wait if nothing arrives.
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

// beat sends an empty frame if the connection has been quiet for too long.
func (c *conn) beat(now time.Time) {
	if c.heartbeat > 0 && now.Sub(c.lastWrite) >= c.heartbeat {
		c.write(wire.Frame{})
	}
}

// send writes a performative without payload. After an error, the next turn of the loop ends the connection.
func (c *conn) send(channel uint16, p wire.Performative) {
	c.traceFrame("->", channel, p)
	c.write(wire.Frame{Channel: channel, Body: p})
}

func (c *conn) write(f wire.Frame) {
	if c.err == nil {
		c.err = c.writeFrame(f)
	}
}

// pump writes events to all links that may have some. It reports whether there are more.
func (c *conn) pump() bool {
	more := false
	for _, l := range c.outLinks {
		if l.pump(pumpBudget) {
			more = true
		}
	}
	return more
}

// fail ends the connection because of a frame that is not allowed.
func (c *conn) fail(description string) {
	if c.closing {
		return
	}
	c.send(0, &wire.Close{Error: &wire.Error{Condition: condFramingError, Description: description}})
	c.closing = true
}

// handle does what a frame requests.
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

// forgetLinks removes the links of an ended connection from the hub.
func (c *conn) forgetLinks() {
	for _, l := range c.outLinks {
		l.forget()
	}
	c.outLinks = nil
}
