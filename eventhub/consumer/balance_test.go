package consumer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

// owned returns the ownerships of an owner that renewed that long ago.
func owned(owner string, age time.Duration, partitions ...string) []eventhub.Ownership {
	var ownerships []eventhub.Ownership
	for _, partition := range partitions {
		ownerships = append(ownerships, eventhub.Ownership{Partition: partition, Owner: owner, Renewed: eventhubtest.Noon.Add(-age)})
	}
	return ownerships
}

func claimed(claims []eventhub.Ownership) []string {
	var partitions []string
	for _, claim := range claims {
		partitions = append(partitions, claim.Partition)
	}
	sort.Strings(partitions)
	return partitions
}

func TestAReaderClaimsItsShare(t *testing.T) {
	const second = time.Second
	for name, test := range map[string]struct {
		partitions int
		listed     []eventhub.Ownership
		want       []string // the claims
		count      int      // the number of the claims, if want is nil
	}{
		"all of them when it is alone":             {4, nil, []string{"0", "1", "2", "3"}, 0},
		"its own again":                            {2, slices.Concat(owned("me", second, "0"), owned("b", second, "1")), []string{"0"}, 0},
		"its own again after it was away too long": {1, owned("me", 5*time.Minute, "0"), []string{"0"}, 0},
		"what was relinquished, at once":           {2, slices.Concat(owned("me", second, "0"), owned("", second, "1")), []string{"0", "1"}, 0},
		"nothing of one that renewed 59 s ago":     {1, owned("b", 59*second, "0"), nil, 0},
		"what was not renewed for 60 s":            {1, owned("b", 60*second, "0"), []string{"0"}, 0},
		"all of a dead one": {4, slices.Concat(
			owned("me", second, "0", "1"), owned("b", 61*second, "2", "3"),
		), []string{"0", "1", "2", "3"}, 0},
		"free ones up to half beside another":  {4, owned("b", second, "0"), nil, 2},
		"one of the richest when none is free": {4, owned("b", second, "0", "1", "2", "3"), nil, 1},
		"the richest one's, not another's": {6, slices.Concat(
			owned("b", second, "0", "1", "2", "3"), owned("c", second, "4", "5"),
		), nil, 1},
		"nothing of one with only one more":           {3, slices.Concat(owned("me", second, "0"), owned("b", second, "1", "2")), []string{"0"}, 0},
		"one more while the division leaves one over": {3, slices.Concat(owned("me", second, "0"), owned("b", second, "1")), []string{"0", "2"}, 0},
		"not two more where only one is over": {7, slices.Concat(
			owned("me", second, "0", "1"), owned("b", second, "2", "3"), owned("c", second, "4", "5", "6"),
		), []string{"0", "1"}, 0},
		"nothing where there are more readers than it takes": {1, owned("b", second, "0"), nil, 0},
		"more than its share if it has it: others take it": {4, slices.Concat(
			owned("me", second, "0", "1", "2"), owned("b", second, "3"),
		), []string{"0", "1", "2"}, 0},
		"nothing for partitions that the hub does not have": {1, slices.Concat(owned("b", second, "0"), owned("b", 90*second, "7")), nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			claims := balance(eventhubtest.PartitionIDs(test.partitions), test.listed, "me", eventhubtest.Noon, rng)
			got := claimed(claims)
			if test.want == nil {
				assert.Len(t, got, test.count)
			} else {
				assert.Equal(t, test.want, got)
			}
			for _, claim := range claims {
				assert.Equal(t, "me", claim.Owner)
			}
		})
	}
}

func TestAClaimCarriesTheVersionThatWasListed(t *testing.T) {
	free := eventhub.Ownership{Partition: "0", Renewed: eventhubtest.Noon.Add(-time.Hour), Owner: "b", Version: "v7"}
	rng := rand.New(rand.NewPCG(1, 2))
	claims := balance(eventhubtest.PartitionIDs(1), []eventhub.Ownership{free}, "me", eventhubtest.Noon, rng)
	assert.Equal(t, []eventhub.Ownership{{Partition: "0", Renewed: free.Renewed, Owner: "me", Version: "v7"}}, claims)
}

// Several readers that act in turn reach even shares, and then claim nothing more.
func TestReadersReachEvenShares(t *testing.T) {
	for _, test := range []struct{ partitions, readers int }{{1, 1}, {4, 2}, {4, 3}, {5, 2}, {32, 3}, {32, 7}, {3, 5}} {
		t.Run(fmt.Sprintf("%d partitions, %d readers", test.partitions, test.readers), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			record := map[string]eventhub.Ownership{}
			for range test.partitions {
				playRound(record, test.partitions, test.readers, rng)
			}
			even := fmt.Sprint(record)
			shares := map[string]int{}
			for _, ownership := range record {
				shares[ownership.Owner]++
			}
			assert.Len(t, record, test.partitions)
			for _, share := range shares {
				assert.GreaterOrEqual(t, share, test.partitions/test.readers)
				assert.LessOrEqual(t, share, (test.partitions+test.readers-1)/test.readers)
			}
			playRound(record, test.partitions, test.readers, rng)
			assert.Equal(t, even, fmt.Sprint(record), "even shares stay")
		})
	}
}

// playRound lets each reader in turn list the ownerships, decide, and win all that it claims.
func playRound(record map[string]eventhub.Ownership, partitions, readers int, rng *rand.Rand) {
	for reader := range readers {
		var listed []eventhub.Ownership
		ids := eventhubtest.PartitionIDs(partitions)
		for _, partition := range ids {
			if ownership, known := record[partition]; known {
				listed = append(listed, ownership)
			}
		}
		for _, claim := range balance(ids, listed, fmt.Sprint("reader ", reader), eventhubtest.Noon, rng) {
			claim.Renewed = eventhubtest.Noon
			record[claim.Partition] = claim
		}
	}
}

func TestUnownedCountsWhatNobodyOwnsNow(t *testing.T) {
	listed := slices.Concat(owned("a", time.Second, "0"), owned("", time.Second, "1"), owned("b", time.Hour, "2"))
	assert.Equal(t, 3, unowned(eventhubtest.PartitionIDs(4), listed, eventhubtest.Noon))
}

func TestOwnersNamesWhoOwnsWhatNow(t *testing.T) {
	listed := slices.Concat(owned("a", time.Second, "0"), owned("", time.Second, "1"), owned("b", time.Hour, "2"))
	want := map[string]string{"0": "a", "1": "", "2": "", "3": ""}
	assert.Equal(t, want, owners(eventhubtest.PartitionIDs(4), listed, eventhubtest.Noon))
}
