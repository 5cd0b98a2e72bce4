package health

// Remarks are what an operator has to know although the daemon does all it can: neither a restart nor another replica
// would help. So /readyz shows them, and still answers 200. Each is empty if there is nothing to say.
type Remarks struct {
	// Proxy says that an HTTP proxy is on the way to the sink.
	Proxy string
	// Intermediary says what answers in place of the sink.
	Intermediary string
	// Unwatched says that hub events come, but none of a forwarded category.
	Unwatched string
}

// list returns the remarks, the worst first.
func (r Remarks) list() (all []string) {
	for _, text := range []string{r.Unwatched, r.Intermediary, r.Proxy} {
		if text != "" {
			all = append(all, text)
		}
	}
	return all
}

// Remarks returns the current remarks.
func (h *Health) Remarks() Remarks {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.remarks
}

// ThroughProxy records the remark that an HTTP proxy is on the way to the sink.
func (h *Health) ThroughProxy(text string) { h.remark(&h.remarks.Proxy, text) }

// AnsweredBy records the remark that something else answers in place of the sink.
func (h *Health) AnsweredBy(text string) { h.remark(&h.remarks.Intermediary, text) }

// Unwatched records the remark that no hub event of a forwarded category comes. An empty text records that one came.
func (h *Health) Unwatched(text string) { h.remark(&h.remarks.Unwatched, text) }

func (h *Health) remark(which *string, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*which = text
}
