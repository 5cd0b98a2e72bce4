// Package checkpoint writes one partition's checkpoint, as far as the sink has confirmed what it accepted.
package checkpoint
