package consumer

import (
	"math/rand/v2"
	"slices"
	"time"

	"aks-audit-log-go/eventhub"
)

// balance returns the partitions that the reader me should claim in this round: its own, and free ones up to its fair
// share. If none is free and its share is not reached, it takes one partition of the reader that owns the most. It
// takes only one a round, so that readers that start together do not take everything from the others.
//
// It is a pure function. now is the time by the store's clock. rng only picks among equals.
func balance(partitions []string, listed []eventhub.Ownership, me string, now time.Time, rng *rand.Rand) []eventhub.Ownership {
	view := survey(partitions, listed, me, now)
	claims := slices.Clone(view.mine)
	missing := view.share() - len(view.mine)
	if missing <= 0 {
		return claims
	}
	if len(view.free) == 0 {
		return append(claims, view.steal(me, rng)...)
	}
	shuffle(rng, view.free)
	for _, free := range view.free[:min(missing, len(view.free))] {
		free.Owner = me
		claims = append(claims, free)
	}
	return claims
}

// unowned counts the partitions without a living owner.
func unowned(partitions []string, listed []eventhub.Ownership, now time.Time) int {
	return len(survey(partitions, listed, "", now).free)
}

// owners returns the living owner of each partition, "" if there is none.
func owners(partitions []string, listed []eventhub.Ownership, now time.Time) map[string]string {
	owners := make(map[string]string, len(partitions))
	for _, partition := range partitions {
		owners[partition] = ""
	}
	for reader, owned := range survey(partitions, listed, "", now).others {
		for _, ownership := range owned {
			owners[ownership.Partition] = reader
		}
	}
	return owners
}

// untilExpiry returns the time until the next foreign ownership can expire, or one minute if there is none. A round at
// that time takes over a dead reader's partitions one round earlier. It is at least a second, the precision of the
// times of blobs.
func untilExpiry(listed []eventhub.Ownership, me string, now time.Time) time.Duration {
	soonest := eventhub.OwnershipExpiry
	for _, ownership := range listed {
		if ownership.Owner == me || ownership.Owner == "" {
			continue
		}
		if left := eventhub.OwnershipExpiry - now.Sub(ownership.Renewed); left > 0 {
			soonest = min(soonest, left)
		}
	}
	return max(soonest, time.Second)
}

// ownershipView sorts the partitions by owner.
type ownershipView struct {
	mine   []eventhub.Ownership
	free   []eventhub.Ownership
	others map[string][]eventhub.Ownership
	total  int
}

func survey(partitions []string, listed []eventhub.Ownership, me string, now time.Time) ownershipView {
	byPartition := make(map[string]eventhub.Ownership, len(listed))
	for _, ownership := range listed {
		byPartition[ownership.Partition] = ownership
	}
	view := ownershipView{others: map[string][]eventhub.Ownership{}, total: len(partitions)}
	for _, partition := range partitions {
		ownership, known := byPartition[partition]
		switch {
		case !known:
			view.free = append(view.free, eventhub.Ownership{Partition: partition})
		case ownership.Owner == "" || now.Sub(ownership.Renewed) >= eventhub.OwnershipExpiry && ownership.Owner != me:
			view.free = append(view.free, ownership)
		case ownership.Owner == me:
			view.mine = append(view.mine, ownership)
		default:
			view.others[ownership.Owner] = append(view.others[ownership.Owner], ownership)
		}
	}
	return view
}

// share returns how many partitions the reader should own: the total divided by the readers, and one more if the
// remainder is not yet used up by other readers.
func (v ownershipView) share() int {
	readers := len(v.others) + 1
	least, over := v.total/readers, v.total%readers
	for _, owned := range v.others {
		if len(owned) > least {
			over--
		}
	}
	if over > 0 {
		return least + 1
	}
	return least
}

// steal picks one partition of the reader that owns the most, if that reader then still owns at least as many as me.
func (v ownershipView) steal(me string, rng *rand.Rand) []eventhub.Ownership {
	var richest []eventhub.Ownership
	for _, owned := range v.others {
		if len(owned) > len(richest) || len(owned) == len(richest) && owned[0].Owner < richest[0].Owner {
			richest = owned
		}
	}
	if len(richest) < len(v.mine)+2 {
		return nil
	}
	taken := richest[rng.IntN(len(richest))]
	taken.Owner = me
	return []eventhub.Ownership{taken}
}

func shuffle(rng *rand.Rand, ownerships []eventhub.Ownership) {
	rng.Shuffle(len(ownerships), func(i, j int) {
		ownerships[i], ownerships[j] = ownerships[j], ownerships[i]
	})
}
