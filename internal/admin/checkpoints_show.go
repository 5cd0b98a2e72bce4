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

// ShowCheckpoints prints how far each partition of the consumer group has been read, how much waits,
// who owns it, and every checkpoint that stands for it anywhere: as a table, or as JSON. It changes
// nothing and disturbs no daemon. It prints also without the hub, but then returns an error.
func ShowCheckpoints(ctx context.Context, cfg forwarder.Config, asJSON bool, out io.Writer) error {
	records, err := storage.OpenRecords(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = records.Close() }()
	hub, err := hubclient.New(cfg)
	if err != nil {
		return err
	}
	defer hubclient.CloseQuietly(ctx, hub)
	seen, err := lookAround(ctx, records, hub)
	if err != nil {
		return err
	}
	write := writePartitions
	if asJSON {
		write = writePartitionsJSON
	}
	if err := write(out, seen.report(cfg.StartPosition), seen.now); err != nil {
		return fmt.Errorf("write the checkpoints: %w", err)
	}
	if seen.hubError != nil {
		return fmt.Errorf("the lag is not known: %w", seen.hubError)
	}
	return nil
}

// shownPartition is a partition as it is printed. What is not known is null.
type shownPartition struct {
	Partition string `json:"partition"`
	// Sequence and Offset are those of the checkpoint that counts.
	Sequence *int64 `json:"sequenceNumber"`
	Offset   string `json:"offset"`
	// Newest is the sequence number of the hub's newest event, Lag how many hub events wait.
	Newest *int64 `json:"newestSequenceNumber"`
	Lag    *int64 `json:"lagEvents"`
	// Owner is who read it last. Unless Owned is set, nobody does any more.
	Owner   string     `json:"owner"`
	Owned   bool       `json:"owned"`
	Renewed *time.Time `json:"ownershipRenewed"`
	// Found are all checkpoints, the one that counts first.
	Found []shownCheckpoint `json:"found"`
}

type shownCheckpoint struct {
	Place string `json:"place"`
	// Sequence is null where the checkpoint cannot be read or names no event.
	Sequence *int64 `json:"sequenceNumber"`
	Offset   string `json:"offset"`
	// Lease is set for a lease blob of the retired SDK.
	Lease bool `json:"lease,omitempty"`
}

func (s *overview) report(wanted forwarder.StartPosition) []shownPartition {
	report := make([]shownPartition, 0, len(s.partitions))
	for _, id := range s.partitions {
		shown := shownPartition{Partition: id, Found: []shownCheckpoint{}}
		for _, found := range s.found[id] {
			shown.Found = append(shown.Found, shownCheckpoint{
				Place: found.Place, Sequence: sequenceOrNil(found.Sequence), Offset: found.Offset, Lease: found.FromLease,
			})
		}
		if len(shown.Found) > 0 {
			shown.Sequence, shown.Offset = shown.Found[0].Sequence, shown.Found[0].Offset
		}
		if info, known := s.hub[id]; known {
			shown.Newest = sequenceOrNil(info.Last)
		}
		if lag, known := s.lag(id, wanted); known {
			shown.Lag = &lag
		}
		if ownership, known := s.ownerships[id]; known {
			shown.Owner, shown.Renewed = ownership.Owner, &ownership.Renewed
			shown.Owned = s.owner(id) != ""
		}
		report = append(report, shown)
	}
	return report
}

// sequenceOrNil is nil for noSequence.
func sequenceOrNil(sequence int64) *int64 {
	if sequence <= eventhub.NoSequence {
		return nil
	}
	return &sequence
}

func writePartitionsJSON(out io.Writer, report []shownPartition, _ time.Time) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(map[string]any{"partitions": report})
}

// writePartitions writes a line for each partition, and one more for each further place where a
// checkpoint of it stands.
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

func writeLine(table io.Writer, cells []string) {
	for i, cell := range cells {
		if i > 0 {
			_, _ = io.WriteString(table, "\t")
		}
		_, _ = io.WriteString(table, cell)
	}
	_, _ = io.WriteString(table, "\n") // an error comes again with the table's Flush
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
