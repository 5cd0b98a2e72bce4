package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/Azure/azure-storage-blob-go/azblob"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/hubclient"
	"aks-audit-log-go/eventhub/storage/blob"
	"aks-audit-log-go/forwarder"
)

// ErrMisused says that a command was called in a way that can never work.
var ErrMisused = errors.New("not as this command is used")

// errNotExported says that a partition's checkpoint was not written.
var errNotExported = errors.New("not all checkpoints were exported")

// ExportCheckpoints writes the furthest checkpoint of each partition as a blob in another spelling
// of the path, for readers that look for it there and nowhere else, and prints what it did. Parts
// of to that are empty are taken as they were typed in the configuration, which is where Azure's Go
// SDK looks. A checkpoint that stands there is never moved back.
func ExportCheckpoints(ctx context.Context, cfg forwarder.Config, to eventhub.Scope, out io.Writer) error {
	if cfg.CheckpointDir != "" {
		return fmt.Errorf("%w: it writes blobs, for other readers, and CHECKPOINTDIR keeps checkpoints in files, which no other reader knows", ErrMisused)
	}
	to, err := spelled(cfg, to)
	if err != nil {
		return err
	}
	store, err := blob.Open(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	hub, err := hubclient.New(cfg)
	if err != nil {
		return err
	}
	defer hubclient.CloseQuietly(ctx, hub)
	seen, err := lookAround(ctx, store, hub)
	if err != nil {
		return err
	}
	return exportAll(ctx, seen, store.Container, to, out)
}

// spelled fills what is missing in to, and sees to it that it is the same scope in other letters.
func spelled(cfg forwarder.Config, to eventhub.Scope) (eventhub.Scope, error) {
	typed := eventhub.Scope{
		Namespace: (&url.URL{Host: cfg.HubConnection.Host}).Hostname(),
		Hub:       cfg.HubName, ConsumerGroup: cfg.ConsumerGroup,
	}
	for _, part := range []struct {
		flag, typed string
		given       *string
	}{
		{"-namespace", typed.Namespace, &to.Namespace},
		{"-hub", typed.Hub, &to.Hub},
		{"-group", typed.ConsumerGroup, &to.ConsumerGroup},
	} {
		if *part.given == "" {
			*part.given = part.typed
		}
		if !strings.EqualFold(*part.given, part.typed) {
			return eventhub.Scope{}, fmt.Errorf("%w: %s has to be %q in other letters, not %q", ErrMisused, part.flag, part.typed, *part.given)
		}
	}
	return to, nil
}

// exported is what became of one partition's checkpoint.
type exported struct {
	checkpoint eventhub.FoundCheckpoint
	place      string
	// result says it in words; failed is set where it should have been written and was not.
	result string
	failed bool
}

func exportAll(ctx context.Context, seen *overview, container blob.Container, to eventhub.Scope, out io.Writer) error {
	folder := to.Namespace + "/" + to.Hub + "/" + to.ConsumerGroup + "/" + eventhub.CheckpointFolder
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "PARTITION\tSEQUENCE\tOFFSET\tRESULT\tPLACE")
	var err error
	for _, id := range seen.partitions {
		done := exportOne(ctx, seen, container, id, folder+id)
		if done.failed {
			err = errNotExported
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", id, numberOrDash(sequenceOrNil(done.checkpoint.Sequence)),
			orDash(done.checkpoint.Offset), done.result, done.place)
	}
	err = errors.Join(table.Flush(), err)
	for _, id := range seen.partitions {
		if owner := seen.owner(id); owner != "" {
			_, _ = fmt.Fprintf(out, "note: partition %s is being read by %s; what it reads from now on is not in this export\n", id, owner)
		}
	}
	return err
}

// exportOne writes the furthest checkpoint of a partition to place, unless it stands there already.
func exportOne(ctx context.Context, seen *overview, container blob.Container, partition, place string) exported {
	furthest := seen.checkpoint(partition)
	if furthest == nil || !furthest.Readable() {
		return exported{
			checkpoint: eventhub.FoundCheckpoint{Checkpoint: eventhub.Checkpoint{Sequence: eventhub.NoSequence}}, place: place,
			result: "nothing to export: there is no checkpoint that can be read",
		}
	}
	done := exported{checkpoint: *furthest, place: place}
	standing := seen.standing(partition, place)
	if done.checkpoint.Offset == "" {
		// Azure's SDK for Go fails on a checkpoint without one.
		done.checkpoint.Offset = seen.offset(partition, done.checkpoint.Sequence)
	}
	switch {
	case standing.Sequence == done.checkpoint.Sequence && standing.Offset == done.checkpoint.Offset:
		done.result = "stands there already"
	case done.checkpoint.Offset == "":
		done.failed = true
		done.result = "not written: the offset is not known; it is once the daemon has read one more event of this partition"
	default:
		metadata := azblob.Metadata{blob.MetaSequence: strconv.FormatInt(done.checkpoint.Sequence, 10), blob.MetaOffset: done.checkpoint.Offset}
		_, err := container.WriteMetadata(ctx, place, metadata, azblob.ETag(standing.Version))
		done.failed, done.result = err != nil, "written"
		if err != nil {
			done.result = "not written: " + err.Error()
		}
	}
	return done
}

// standing is the checkpoint of a partition that stands at place, which is never further than the
// one that counts.
func (s *overview) standing(partition, place string) eventhub.Checkpoint {
	for _, found := range s.found[partition] {
		if found.Place == place {
			return found.Checkpoint
		}
	}
	return eventhub.Checkpoint{Sequence: eventhub.NoSequence}
}

// offset is that of an event, if the hub has said it: it says that of the newest.
func (s *overview) offset(partition string, sequence int64) string {
	if info, known := s.hub[partition]; known && info.Last == sequence {
		return info.LastOffset
	}
	return ""
}
