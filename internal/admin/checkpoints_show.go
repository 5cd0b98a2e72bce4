package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/hubclient"
	"aks-audit-log-go/eventhub/storage"
	"aks-audit-log-go/forwarder"
)

// ShowCheckpoints prints for each partition of the consumer group how far it has been read, its lag, its owner, and
// all its checkpoints. It prints a table, or JSON. It changes nothing and disturbs no daemon. If the hub does not
// answer, it prints the rest and returns an error.
func ShowCheckpoints(ctx context.Context, cfg forwarder.Config, asJSON bool, out io.Writer) error {
	records, err := storage.OpenRecords(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = records.Close() }()
	hub, err := hubclient.New(cfg, eventhub.NewReaderID())
	if err != nil {
		return err
	}
	defer hubclient.CloseQuietly(ctx, hub)
	o, err := newOverview(ctx, records, hub)
	if err != nil {
		return err
	}
	write := writePartitions
	if asJSON {
		write = writePartitionsJSON
	}
	if err := write(out, o.report(cfg.StartPosition), o.now); err != nil {
		return fmt.Errorf("write the checkpoints: %w", err)
	}
	if o.hubError != nil {
		return fmt.Errorf("the lag is not known: %w", o.hubError)
	}
	return nil
}

// shownPartition is a partition for printing. Unknown values are null.
type shownPartition struct {
	Partition string `json:"partition"`
	// Sequence and Offset are those of the checkpoint that counts.
	Sequence *int64 `json:"sequence_number"`
	Offset   string `json:"offset"`
	// Newest is the sequence number of the newest hub event.
	Newest *int64 `json:"newest_sequence_number"`
	// Lag is how many hub events wait.
	Lag *int64 `json:"lag_events"`
	// Owner is the last reader of the partition.
	Owner string `json:"owner"`
	// Owned says that the ownership of Owner has not expired.
	Owned   bool       `json:"owned"`
	Renewed *time.Time `json:"ownership_renewed"`
	// Found are all checkpoints of the partition, the one that counts first.
	Found []shownCheckpoint `json:"found"`
}

// shownCheckpoint is a checkpoint for printing.
type shownCheckpoint struct {
	Place string `json:"place"`
	// Sequence is null if the checkpoint cannot be read or names no hub event.
	Sequence *int64 `json:"sequence_number"`
	Offset   string `json:"offset"`
	// Lease is set for a lease blob of the retired SDK.
	Lease bool `json:"lease,omitempty"`
}

// report returns all partitions for printing. start is EVENTHUBSTARTPOSITION.
func (o *overview) report(start forwarder.StartPosition) []shownPartition {
	report := make([]shownPartition, 0, len(o.partitions))
	for _, id := range o.partitions {
		shown := shownPartition{Partition: id, Found: []shownCheckpoint{}}
		for _, found := range o.found[id] {
			shown.Found = append(shown.Found, shownCheckpoint{
				Place: found.Place, Sequence: sequenceOrNil(found.Sequence), Offset: found.Offset, Lease: found.FromLease,
			})
		}
		if len(shown.Found) > 0 {
			shown.Sequence, shown.Offset = shown.Found[0].Sequence, shown.Found[0].Offset
		}
		if info, known := o.hub[id]; known {
			shown.Newest = sequenceOrNil(info.Last)
		}
		if lag, known := o.lag(id, start); known {
			shown.Lag = &lag
		}
		if ownership, known := o.ownerships[id]; known {
			shown.Owner, shown.Renewed = ownership.Owner, &ownership.Renewed
			shown.Owned = o.owner(id) != ""
		}
		report = append(report, shown)
	}
	return report
}

// sequenceOrNil returns nil for eventhub.NoSequence.
func sequenceOrNil(sequence int64) *int64 {
	if sequence <= eventhub.NoSequence {
		return nil
	}
	return &sequence
}

// writePartitionsJSON writes the report as one JSON object.
func writePartitionsJSON(out io.Writer, report []shownPartition, _ time.Time) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(map[string]any{"partitions": report})
}

// writePartitions writes a table with a line for each partition, and a line for each further checkpoint of a
// partition.
func writePartitions(out io.Writer, report []shownPartition, now time.Time) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "PARTITION\tSEQUENCE\tOFFSET\tNEWEST\tLAG\tOWNER\tRENEWED\tFOUND AT")
	for _, shown := range report {
		line := []string{shown.Partition, "none", "", numberOrDash(shown.Newest), numberOrDash(shown.Lag), shown.owner(), shown.renewed(now), ""}
		for i, found := range shown.Found {
			if i > 0 {
				line = make([]string, len(line))
			}
			line[1], line[2], line[7] = found.sequence(), orDash(found.Offset), found.place()
			writeLine(table, line)
		}
		if len(shown.Found) == 0 {
			writeLine(table, line)
		}
	}
	return table.Flush()
}

// writeLine writes the cells of a line, with tabs between them.
func writeLine(table io.Writer, cells []string) {
	for i, cell := range cells {
		if i > 0 {
			_, _ = io.WriteString(table, "\t")
		}
		_, _ = io.WriteString(table, cell)
	}
	_, _ = io.WriteString(table, "\n") // the table's Flush returns the error
}

func (c shownCheckpoint) sequence() string {
	if c.Sequence == nil {
		return "unreadable"
	}
	return numberOrDash(c.Sequence)
}

func (c shownCheckpoint) place() string {
	if c.Lease {
		return c.Place + " (lease of the retired SDK)"
	}
	return c.Place
}

func (p shownPartition) owner() string {
	if p.Owner != "" && !p.Owned {
		return p.Owner + " (expired)"
	}
	return orDash(p.Owner)
}

func (p shownPartition) renewed(now time.Time) string {
	if p.Renewed == nil {
		return "-"
	}
	return max(0, now.Sub(*p.Renewed)).Round(time.Second).String() + " ago"
}

func numberOrDash(n *int64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatInt(*n, 10)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
