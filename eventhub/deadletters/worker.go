package deadletters

import (
	"context"
	"slices"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/retry"
)

// wake starts workers if there is something to store.
func (p *Partition) wake() {
	p.shared.mu.Lock()
	defer p.shared.mu.Unlock()
	p.employ()
}

// employ starts as many workers as there is work for. shared.mu is held.
func (p *Partition) employ() {
	for p.working < maxStoring {
		work := p.next()
		if work == nil {
			return
		}
		p.working++
		p.workers.Go(func() { p.work(work) })
	}
}

// object is what a worker stores at a time.
type object struct {
	letters  []*letter
	gathered bool
}

// work stores dead letters until none is due.
func (p *Partition) work(next *object) {
	for next != nil {
		next = p.finish(next, p.store(next))
	}
}

// next returns what to store next, or nil if nothing is due. shared.mu is held.
func (p *Partition) next() *object {
	switch {
	case p.ctx.Err() != nil:
		return nil
	case len(p.single) > 0:
		return &object{letters: takeFirst(&p.single, 1)}
	case len(p.gathered) == 0 || p.packing || !p.isDue():
		return nil
	}
	count, bytes := 0, 0
	for count < len(p.gathered) && (count == 0 || bytes+p.gathered[count].bytes <= fullObject) {
		bytes += p.gathered[count].bytes
		count++
	}
	work := &object{letters: takeFirst(&p.gathered, count), gathered: true}
	p.gatheredBytes, p.packing = p.gatheredBytes-bytes, true
	if len(p.gathered) == 0 {
		p.timer.Stop()
	}
	return work
}

// takeFirst removes the first count of the dead letters, and leaves no reference to them.
func takeFirst(from *[]*letter, count int) []*letter {
	first := slices.Clone((*from)[:count])
	clear((*from)[:count])
	*from = (*from)[count:]
	return first
}

// isDue reports whether the gathered dead letters are stored now. Each partition stores one such object at a time, so
// the next one grows while the storage is slow. shared.mu is held.
func (p *Partition) isDue() bool {
	return p.due || p.gatheredBytes >= fullObject || p.shared.waiting >= p.shared.limit/2 || p.drain.Err() != nil
}

// finish releases the holds of the dead letters if they are stored, and forgets them in any case. It returns what the
// worker stores next, nil if it ends.
func (p *Partition) finish(done *object, stored bool) *object {
	if stored {
		for _, one := range done.letters {
			one.stored(len(done.letters) > 1)
		}
	}
	p.shared.mu.Lock()
	defer p.shared.mu.Unlock()
	bytes := 0
	for _, one := range done.letters {
		bytes += one.bytes
		delete(p.pending, one.Name())
		if !stored {
			continue // the hub event is read again
		}
		for _, hold := range one.holds {
			hold.unstored.Add(-1)
		}
	}
	p.bytes -= bytes
	p.shared.free(bytes)
	if done.gathered {
		p.packing = false
	}
	if len(p.pending) == 0 && p.idle != nil {
		close(p.idle)
		p.idle = nil
	}
	next := p.next()
	if next == nil {
		p.working--
	}
	return next
}

// store stores dead letters as one object, and retries until that works. When drain ends it makes one more attempt,
// and returns false if that fails. ctx cuts off an attempt.
func (p *Partition) store(next *object) bool {
	dead := make([]eventhub.DeadLetter, len(next.letters))
	for i, one := range next.letters {
		dead[i] = one.DeadLetter
	}
	stored := false
	try := func() error {
		select {
		case p.shared.slots <- struct{}{}:
		case <-p.ctx.Done():
			return context.Cause(p.ctx)
		}
		defer func() { <-p.shared.slots }()
		err := p.shared.store.StoreDeadLetters(p.ctx, dead)
		if stored = err == nil; stored {
			p.shared.health.DeadLettersStored(p.id)
		} else {
			p.shared.health.DeadLettersFailing(p.id)
		}
		return err
	}
	if try() == nil {
		return true
	}
	// If the storage is down, each partition sends one request at a time, and the log gets one warning.
	select {
	case p.retrying <- struct{}{}:
		log := p.log.WithFields(logrus.Fields{"sequence": dead[0].Sequence, "record": dead[0].Record, "reason": dead[0].Reason})
		_ = retry.Do(p.drain, log, "store a dead letter", try)
		<-p.retrying
	case <-p.drain.Done():
	}
	if !stored && p.ctx.Err() == nil {
		_ = try()
	}
	return stored
}
