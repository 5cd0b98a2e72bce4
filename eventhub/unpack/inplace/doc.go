// Package inplace reads the usual body of a hub event in one pass, without a copy. Body reads the envelope, and
// Body.ReadLog the audit event in the string "log" of a record.
//
// The package knows strict JSON only. What it accepts, the general parser (valyala/fastjson) accepts with the same
// result; the fuzz tests hold the two together. It rejects everything unusual, and leaves it to the general parser.
// ReadLog writes into the body, also if it rejects the event. A caller that needs the body then has to keep a copy.
package inplace
