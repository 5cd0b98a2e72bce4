package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/hubclient"
	"aks-audit-log-go/eventhub/storage/blob"
	"aks-audit-log-go/forwarder"
)

// ErrMisused says that a command was called in a way that can never work.
var ErrMisused = errors.New("wrong use of this command")

// errNotExported says that at least one checkpoint was not written.
var errNotExported = errors.New("not all checkpoints were exported")

// ExportCheckpoints writes the checkpoint of each partition as a blob under another spelling of its path, for readers
// that look only there. It prints what it did. If a field of to is empty, it uses the spelling of the configuration,
// which is where Azure's Go SDK looks. It never moves an existing checkpoint back.
func ExportCheckpoints(ctx context.Context, cfg forwarder.Config, to eventhub.Scope, out io.Writer) error {
	if cfg.CheckpointDir != "" {
		return fmt.Errorf("%w: it writes blobs, for other readers, and CHECKPOINTDIR keeps checkpoints in files, which no other reader knows", ErrMisused)
	}
	to, err := complete(cfg, to)
	if err != nil {
		return err
	}
	store, err := blob.Open(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	hub, err := hubclient.New(cfg, eventhub.NewReaderID())
	if err != nil {
		return err
	}
	defer hubclient.CloseQuietly(ctx, hub)
	o, err := newOverview(ctx, store, hub)
	if err != nil {
		return err
	}
	return exportAll(ctx, o, store, to, out)
}

// complete fills the empty fields of to, and returns an error if to differs from the configuration in more than upper
// and lower case.
func complete(cfg forwarder.Config, to eventhub.Scope) (eventhub.Scope, error) {
	typed := eventhub.Scope{
		Namespace: (&url.URL{Host: cfg.HubConnection.Host}).Hostname(),
		Hub:       cfg.HubName, ConsumerGroup: cfg.ConsumerGroup,
	}
	for _, field := range []struct {
		flag, typed string
		given       *string
	}{
		{"-namespace", typed.Namespace, &to.Namespace},
		{"-hub", typed.Hub, &to.Hub},
		{"-group", typed.ConsumerGroup, &to.ConsumerGroup},
	} {
		if *field.given == "" {
			*field.given = field.typed
		}
		if !strings.EqualFold(*field.given, field.typed) {
			return eventhub.Scope{}, fmt.Errorf("%w: %s has to be %q in other letters, not %q", ErrMisused, field.flag, field.typed, *field.given)
		}
	}
	return to, nil
}

// exported is the result for one partition.
type exported struct {
	// checkpoint is the checkpoint to write.
	checkpoint eventhub.Checkpoint
	// place is the name of the blob.
	place string
	// result is the result in words.
	result string
	// failed says that the checkpoint was not written, but should have been.
	failed bool
}

// exportAll exports the checkpoints of all partitions and prints a table of the results.
func exportAll(ctx context.Context, o *overview, store *blob.Store, to eventhub.Scope, out io.Writer) error {
	folder := to.Namespace + "/" + to.Hub + "/" + to.ConsumerGroup + "/" + eventhub.CheckpointFolder
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "PARTITION\tSEQUENCE\tOFFSET\tRESULT\tPLACE")
	var err error
	for _, id := range o.partitions {
		e := exportOne(ctx, o, store, id, folder+id)
		if e.failed {
			err = errNotExported
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", id, numberOrDash(sequenceOrNil(e.checkpoint.Sequence)),
			orDash(e.checkpoint.Offset), e.result, e.place)
	}
	err = errors.Join(table.Flush(), err)
	for _, id := range o.partitions {
		if owner := o.owner(id); owner != "" {
			_, _ = fmt.Fprintf(out, "note: partition %s is being read by %s; what it reads from now on is not in this export\n", id, owner)
		}
	}
	return err
}

// exportOne writes the checkpoint of a partition to place, unless that place has it or a later one.
func exportOne(ctx context.Context, o *overview, store *blob.Store, partition, place string) exported {
	latest := o.checkpoint(partition)
	if latest == nil || !latest.Readable() {
		return exported{
			checkpoint: eventhub.Checkpoint{Sequence: eventhub.NoSequence}, place: place,
			result: "nothing to export: there is no checkpoint that can be read",
		}
	}
	e := exported{checkpoint: latest.Checkpoint, place: place}
	if e.checkpoint.Offset == "" {
		// Azure's SDK for Go fails on a checkpoint without an offset.
		e.checkpoint.Offset = o.offset(partition, e.checkpoint.Sequence)
	}
	existing := o.checkpointAt(partition, place)
	switch {
	case existing.Sequence == e.checkpoint.Sequence && existing.Offset == e.checkpoint.Offset:
		e.result = "is stored there already"
	case existing.Sequence > e.checkpoint.Sequence:
		e.result = fmt.Sprintf("not moved back: %d is stored there already; delete that blob if it is of a hub that was created again", existing.Sequence)
	case e.checkpoint.Offset == "":
		e.failed = true
		e.result = "not written: the offset is not known; it is once the daemon has read one more event of this partition"
	default:
		e.checkpoint.Version = existing.Version
		e.result = "written"
		if err := store.WriteCheckpointAt(ctx, place, e.checkpoint); err != nil {
			e.failed = true
			e.result = "not written: " + err.Error()
		}
	}
	return e
}
