package health

// Remarks are what an operator has to know although the daemon does all that it can: neither a restart nor another
// replica would solve it. So /readyz says them, and still answers 200. An empty text means that there is nothing to
// say.
type Remarks struct {
	// Proxy says that an HTTP proxy is on the way to the sink.
	Proxy string
	// Intermediary says who answers in place of the sink.
	Intermediary string
	// Unwatched says that hub events come, and none of a category that is forwarded.
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

// Remarks returns what an operator has to know.
func (h *Health) Remarks() Remarks {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.remarks
}

// ThroughProxy records that an HTTP proxy is on the way to the sink, and what to do.
func (h *Health) ThroughProxy(text string) { h.remark(&h.remarks.Proxy, text) }

// AnsweredBy records that somebody answers in place of the sink, and what to do.
func (h *Health) AnsweredBy(text string) { h.remark(&h.remarks.Intermediary, text) }

// Unwatched records that hub events come, and none of a category that is forwarded, and what to do. An empty text
// records that one came.
func (h *Health) Unwatched(text string) { h.remark(&h.remarks.Unwatched, text) }

func (h *Health) remark(which *string, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*which = text
}
