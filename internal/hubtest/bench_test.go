package hubtest

import (
	"context"
	"testing"

	"github.com/Azure/go-amqp"
)

// BenchmarkReceive measures what one reader takes out of a full partition, in events of the size that
// AKS writes, one client and both ends of the connection included.
func BenchmarkReceive(b *testing.B) {
	for name, tls := range map[string]bool{"plain": false, "TLS": true} {
		b.Run(name, func(b *testing.B) { benchmarkReceive(b, tls) })
	}
}

func benchmarkReceive(b *testing.B, tls bool) {
	s, err := Start(Config{Partitions: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	address := "amqp://" + s.plain.Addr().String()
	if tls {
		address = "amqps://" + s.secure.Addr().String()
	}
	ctx := context.Background()
	conn, err := amqp.Dial(ctx, address, &amqp.ConnOptions{SASLType: amqp.SASLTypePlain(s.cfg.KeyName, s.cfg.Key)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	session, err := conn.NewSession(ctx, nil)
	if err != nil {
		b.Fatal(err)
	}
	r, err := session.NewReceiver(ctx, consumerAddress(s, "0"), &amqp.ReceiverOptions{Credit: 300})
	if err != nil {
		b.Fatal(err)
	}
	content := make([]byte, 33<<10)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	b.ResetTimer()
	go func() {
		for range b.N {
			s.Append("0", content)
		}
	}()
	for range b.N {
		if _, err := r.Receive(ctx, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppend measures what it costs to put an event into a partition.
func BenchmarkAppend(b *testing.B) {
	p := newPartition("0", false)
	content := make([]byte, 33<<10)
	b.ReportAllocs()
	for range b.N {
		if _, err := p.append(Message{Body: [][]byte{content}}.event()); err != nil {
			b.Fatal(err)
		}
		if len(p.entries) == 10000 {
			p.truncate(p.next)
		}
	}
}
