package hubtest

import (
	"fmt"
	"strconv"
	"strings"

	"aks-audit-log-go/internal/hubtest/wire"
)

// replicationEpoch is the replication epoch of the hub. In a geo-replicated namespace, it counts the promotions of
// regions. Here there are none.
const replicationEpoch = 1

// offsetText returns an offset as clients see it. It is a number, or three numbers in a geo-replicated namespace, such
// as "1:1:16". The first of these is the replication epoch, and the last is the number as in other namespaces. The
// meaning of the second is not documented. It is -1 in an empty partition ("2:-1:-1", azeventhubs v2.0.2,
// geodr_test.go), so the sequence number is used here.
func offsetText(geoReplicated bool, sequence, offset int64) string {
	if geoReplicated {
		return fmt.Sprintf("%d:%d:%d", replicationEpoch, sequence, offset)
	}
	return strconv.FormatInt(offset, 10)
}

// parseOffset parses an offset as offsetText writes it, or -1, which is the start of every partition. A geo-replicated
// namespace accepts no other plain number, so checkpoints from before the replication cannot be used.
func parseOffset(geoReplicated bool, text string) (int64, *wire.Error) {
	if !geoReplicated || text == "-1" {
		offset, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, argumentError("%q is no offset", text)
		}
		return offset, nil
	}
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return 0, invalidOffset(text)
	}
	var numbers [3]int64
	for i, part := range parts {
		var err error
		if numbers[i], err = strconv.ParseInt(part, 10, 64); err != nil {
			return 0, invalidOffset(text)
		}
	}
	if numbers[0] != replicationEpoch {
		return 0, invalidOffset(text)
	}
	return numbers[2], nil
}

// invalidOffset returns an error that begins like the service's (azeventhubs v2.0.2, processor_unit_test.go).
func invalidOffset(text string) *wire.Error {
	return &wire.Error{Condition: condInvalidOffset, Description: fmt.Sprintf(
		"The supplied offset '%s' is invalid for geo replication enabled namespace (current epoch:'%d')", text, replicationEpoch)}
}
