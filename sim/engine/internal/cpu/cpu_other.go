//go:build !unix

package cpu

import "time"

// Time cannot tell and returns 0.
func Time() time.Duration { return 0 }
