package status

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	// maxScrapes is how many answers of /metrics are made at a time. Each costs milliseconds of a processor, and two
	// replicas of Prometheus often scrape at the same moment.
	maxScrapes = 4
	// maxUnread is how many of these answers may wait until their clients read them. Each has up to about 100 KiB.
	maxUnread = 16
)

// scrapes answers /metrics. It makes at most maxScrapes answers at a time, and answers 503 at once to others, as
// promhttp does with MaxRequestsInFlight. Unlike there, an answer does not count while it is sent: four clients that
// do not read would otherwise block Prometheus. If more than maxUnread answers are being sent, the oldest one is cut
// off.
type scrapes struct {
	metrics http.Handler
	making  chan struct{}

	mu sync.Mutex
	// unread holds the answers that are being sent, the oldest first.
	unread []*http.ResponseController
}

func newScrapes(metrics http.Handler) *scrapes {
	return &scrapes{metrics: metrics, making: make(chan struct{}, maxScrapes)}
}

func (s *scrapes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case s.making <- struct{}{}:
	default:
		answer(w, http.StatusServiceUnavailable, strconv.Itoa(maxScrapes)+" scrapes are being answered already: try again")
		return
	}
	made := s.make(w.Header(), r)
	w.Header().Set("Content-Length", strconv.Itoa(made.body.Len()))
	w.WriteHeader(made.status)
	s.send(w, made.body.Bytes())
}

func (s *scrapes) make(header http.Header, r *http.Request) *madeAnswer {
	defer func() { <-s.making }()
	made := &madeAnswer{header: header, status: http.StatusOK}
	s.metrics.ServeHTTP(made, r)
	return made
}

// send sends the body of an answer, which may be cut off.
func (s *scrapes) send(w http.ResponseWriter, body []byte) {
	sending := http.NewResponseController(w)
	s.mu.Lock()
	if len(s.unread) == maxUnread {
		_ = s.unread[0].SetWriteDeadline(time.Unix(1, 0)) // a time in the past
		s.unread = s.unread[1:]
	}
	s.unread = append(s.unread, sending)
	s.mu.Unlock()
	// A write fails only if the client is gone or was too slow, which needs no action.
	_, _ = w.Write(body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unread = slices.DeleteFunc(s.unread, func(other *http.ResponseController) bool { return other == sending })
}

type madeAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *madeAnswer) Header() http.Header { return a.header }

func (a *madeAnswer) WriteHeader(status int) { a.status = status }

func (a *madeAnswer) Write(part []byte) (int, error) { return a.body.Write(part) }
