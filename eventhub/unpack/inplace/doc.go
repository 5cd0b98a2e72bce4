// Package inplace reads the usual body of a hub event in one pass, without a copy. Body reads the envelope.
// Body.ReadLog reads the audit event in the string "log" of a record.
//
// The package accepts strict JSON only, and rejects everything unusual; the general parser (valyala/fastjson) reads
// that. For all that this package accepts, the general parser has the same result; fuzz tests check this. ReadLog
// writes into the body, even if it rejects the event. A caller that needs the body afterwards has to keep a copy.
package inplace
