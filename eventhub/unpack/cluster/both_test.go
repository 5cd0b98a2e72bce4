package cluster

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOnlySoManyClustersAreRemembered(t *testing.T) {
	b := NewBoth(func(string) bool { return true })
	for n := range 2 * maxClusters {
		b.Note([]byte(fmt.Sprint("/", n)), categoryAudit)
	}
	assert.Len(t, b.first, maxClusters)
}

func TestWithOneCategoryConfiguredNobodyLooks(t *testing.T) {
	assert.False(t, NewBoth(func(category string) bool { return category == categoryAudit }).looking)
}
