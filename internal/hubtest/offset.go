package hubtest

import (
	"fmt"
	"strconv"
	"strings"

	"aks-audit-log-go/internal/hubtest/wire"
)

// replicationEpoch counts the promotions of a geo-replicated namespace's regions. Here there is none.
const replicationEpoch = 1

// offsetText is an offset as clients see it: a number, or in a geo-replicated namespace three, such as
// "1:1:16". Of those the first is the replication epoch and the last the number that would stand there
// alone. What the second is, is not told anywhere; as -1 stands there in an empty partition
// ("2:-1:-1", azeventhubs v2.0.2, geodr_test.go), it is the sequence number here.
func offsetText(geoReplicated bool, sequence, offset int64) string {
	if geoReplicated {
		return fmt.Sprintf("%d:%d:%d", replicationEpoch, sequence, offset)
	}
	return strconv.FormatInt(offset, 10)
}

// parseOffset reads what offsetText wrote, and -1, the start of every partition. A geo-replicated
// namespace takes no other number: the checkpoints of before it was one are of no use.
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

// invalidOffset begins as the service's refusal does (azeventhubs v2.0.2, processor_unit_test.go).
func invalidOffset(text string) *wire.Error {
	return &wire.Error{Condition: condInvalidOffset, Description: fmt.Sprintf(
		"The supplied offset '%s' is invalid for geo replication enabled namespace (current epoch:'%d')", text, replicationEpoch)}
}
