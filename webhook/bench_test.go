package webhook

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder/audit"
)

// BenchmarkDeliver posts events of the most frequent size of AKS, one by one over one loopback connection. "parallel"
// does so for as many partitions as there are processors.
func BenchmarkDeliver(b *testing.B) {
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	b.Cleanup(sink.Close)
	f := newFixture(b, nil, at(b, sink.URL))
	f.poster.log.log.(*logrus.Logger).SetLevel(logrus.InfoLevel)
	one := []audit.Event{event(0)}
	one[0].JSON = make([]byte, 850)
	b.Run("sequential", func(b *testing.B) {
		b.ReportAllocs()
		session := f.poster.OpenSession()
		defer session.Close()
		for b.Loop() {
			if _, err := session.Deliver(b.Context(), one); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			session := f.poster.OpenSession()
			defer session.Close()
			for pb.Next() {
				if _, err := session.Deliver(b.Context(), one); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}
