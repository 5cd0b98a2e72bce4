package hubtest

import (
	"strings"

	"aks-audit-log-go/internal/hubtest/wire"
)

// manage answers a request to $management about the hub or a partition.
func (c *conn) manage(m *wire.Message) reply {
	p := m.ApplicationProperties
	if !strings.EqualFold(p.GetString("operation"), "READ") {
		return reply{code: 400, description: "unknown operation"}
	}
	hub := p.GetString("name")
	if !c.mayManage(hub, p.GetString("security_token")) {
		return reply{code: 401, description: "Unauthorized access. 'Listen' claim(s) are required to perform this operation."}
	}
	if !strings.EqualFold(hub, c.srv.cfg.Hub) {
		return reply{code: 404, description: "The messaging entity could not be found."}
	}
	switch p.GetString("type") {
	case "com.microsoft:eventhub":
		return c.srv.describeHub()
	case "com.microsoft:partition":
		return c.srv.describePartition(p.GetString("partition"))
	}
	return reply{code: 400, description: "unknown type"}
}

// mayManage reports whether a request is authorized, by a token in the request, as the Go clients send it, or by a
// claim.
func (c *conn) mayManage(hub, token string) bool {
	if c.trusted || c.claims.cover(strings.ToLower(hub)+"/$management") {
		return true
	}
	kind := typeJWT
	if strings.HasPrefix(token, sasPrefix) {
		kind = typeSAS
	}
	_, may, err := c.srv.verify(token, kind, hub)
	return err == nil && may
}

func (s *Server) describeHub() reply {
	ids := s.PartitionIDs()
	factor := int32(1)
	if s.cfg.GeoReplicated {
		factor = 2
	}
	return reply{code: 200, description: "OK", value: wire.Map{
		{Key: "name", Value: s.cfg.Hub},
		{Key: "type", Value: "com.microsoft:eventhub"},
		{Key: "created_at", Value: wire.TimestampOf(s.madeAt())},
		{Key: "partition_count", Value: int32(len(ids))}, //nolint:gosec // a handful
		{Key: "partition_ids", Value: ids},
		{Key: "georeplication_factor", Value: factor},
	}}
}

func (s *Server) describePartition(id string) reply {
	p := s.partition(id)
	if p == nil {
		return reply{code: 404, description: "The specified partition is invalid."}
	}
	info := p.info()
	return reply{code: 200, description: "OK", value: wire.Map{
		{Key: "name", Value: s.cfg.Hub},
		{Key: "type", Value: "com.microsoft:partition"},
		{Key: "partition", Value: p.id},
		{Key: "begin_sequence_number", Value: info.Begin},
		{Key: "last_enqueued_sequence_number", Value: info.LastSequence},
		{Key: "last_enqueued_offset", Value: info.LastOffset},
		{Key: "last_enqueued_time_utc", Value: wire.TimestampOf(info.LastEnqueued)},
		{Key: "is_partition_empty", Value: info.Empty},
	}}
}
