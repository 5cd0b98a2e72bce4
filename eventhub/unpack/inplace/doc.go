// Package inplace reads the usual body of a hub event in one pass, without a copy. What it accepts, the general parser
// accepts with the same result; what it does not accept it leaves unchanged.
package inplace
