package hubtest

import (
	"hash/fnv"

	"aks-audit-log-go/internal/hubtest/wire"
)

// batchFormat is the message format of a batch. Each data section of a batch is a whole encoded message.
const batchFormat = 0x80013700

// store adds what a producer sent to a partition. If p is nil, the hub chooses one.
func (s *Server) store(p *partition, format uint32, content []byte) *wire.Error {
	m, err := wire.DecodeMessage(content)
	if err != nil {
		return &wire.Error{Condition: condDecodeError, Description: err.Error()}
	}
	messages := []*wire.Message{m}
	if format == batchFormat {
		// Either all messages of a batch are stored or none, so all are decoded first.
		messages = messages[:0]
		for _, content := range m.Data {
			one, err := wire.DecodeMessage(content)
			if err != nil {
				return &wire.Error{Condition: condDecodeError, Description: err.Error()}
			}
			messages = append(messages, one)
		}
	}
	if p == nil {
		p = s.choose(m.Annotations.GetString(annotationPartitionKey))
	}
	for _, one := range messages {
		if _, err := p.append(event{message: *one}); err != nil {
			return &wire.Error{Condition: condDecodeError, Description: err.Error()}
		}
	}
	return nil
}

// choose returns the partition for a key. It returns the same partition for equal keys. Without a key, the partitions
// take turns.
func (s *Server) choose(key string) *partition {
	all := s.allPartitions()
	if key == "" {
		return all[int(s.roundRobin.Add(1)-1)%len(all)]
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // writing to a hash never fails
	return all[int(h.Sum32())%len(all)]
}
