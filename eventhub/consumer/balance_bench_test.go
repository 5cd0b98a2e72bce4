package consumer

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

// BenchmarkBalance measures one round of a replica among others while all partitions are owned. Each replica does one
// every ten seconds.
func BenchmarkBalance(b *testing.B) {
	for _, size := range []struct{ partitions, replicas int }{{4, 1}, {32, 4}, {1024, 32}} {
		b.Run(fmt.Sprintf("%d partitions, %d replicas", size.partitions, size.replicas), func(b *testing.B) {
			partitions := eventhubtest.PartitionIDs(size.partitions)
			var listed []eventhub.Ownership
			for i, partition := range partitions {
				listed = append(listed, owned(fmt.Sprint("replica ", i%size.replicas), time.Second, partition)...)
			}
			rng := rand.New(rand.NewPCG(1, 2))
			share := size.partitions / size.replicas
			b.ReportAllocs()
			for b.Loop() {
				if claims := balance(partitions, listed, "replica 0", eventhubtest.Noon, rng); len(claims) != share {
					b.Fatal(len(claims), "claims")
				}
			}
		})
	}
}
