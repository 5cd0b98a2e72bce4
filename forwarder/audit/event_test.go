package audit

import (
	"fmt"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
)

func TestAnAuditEventIsLoggedWithoutItsContent(t *testing.T) {
	event := Event{Partition: "3", Sequence: 42, Record: 7, AuditID: "b1b0", JSON: []byte(`{"s3cr3t":1}`)}
	assert.Equal(t, logrus.Fields{"partition": "3", "sequence": int64(42), "record": 7, "audit_id": "b1b0"}, event.LogFields())
	assert.NotContains(t, fmt.Sprint(event.LogFields()), "s3cr3t")
}

func TestEachVerdictIsListedOnce(t *testing.T) {
	assert.ElementsMatch(t, []Verdict{Delivered, Skipped, DeadLettered, Dropped}, Verdicts())
}
