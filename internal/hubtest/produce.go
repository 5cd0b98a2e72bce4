package hubtest

import (
	"hash/fnv"

	"aks-audit-log-go/internal/hubtest/wire"
)

// batchFormat is the message format of a batch: every data section is a whole encoded message.
const batchFormat = 0x80013700

// store puts what a producer sent into the given partition; nil has the hub choose one.
func (s *Server) store(p *partition, format uint32, content []byte) *wire.Error {
	m, err := wire.DecodeMessage(content)
	if err != nil {
		return &wire.Error{Condition: condDecodeError, Description: err.Error()}
	}
	messages := []*wire.Message{m}
	if format == batchFormat {
		// A batch is all or nothing, so it is decoded whole first.
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

// choose finds the partition for a key: any one that is the same for equal keys. Without a key they
// take turns.
func (s *Server) choose(key string) *partition {
	all := s.allPartitions()
	if key == "" {
		return all[int(s.roundRobin.Add(1)-1)%len(all)]
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // a hash's Write never fails
	return all[int(h.Sum32())%len(all)]
}
