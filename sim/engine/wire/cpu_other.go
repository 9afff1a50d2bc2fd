//go:build !unix

package wire

import "time"

// CPUTime cannot tell and returns 0.
func CPUTime() time.Duration { return 0 }
