// Package httpclient builds HTTP clients that have one watched connection at a time.
//
// A connection is reused, watched, and never waits forever. It speaks TLS 1.2 or newer, with certificates and tokens
// that are renewed while the process runs. Redirects are not followed.
//
// A forwarder has to know whether net/http ever sends a POST twice by itself. It does so only on a reused connection
// that the server has closed meanwhile, and only before any byte of the POST was written (net/http,
// persistConn.shouldRetryRequest). The server cannot have seen that POST, so nothing is doubled. Once a byte has been
// written, a broken POST is an error, and the caller decides. An Idempotency-Key header would change that (net/http,
// Request.isReplayable), so callers must not set one.
package httpclient
