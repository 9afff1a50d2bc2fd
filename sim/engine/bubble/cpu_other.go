//go:build !unix

package bubble

import "time"

// cpuTime cannot tell; whoever runs the guest measures.
func cpuTime() time.Duration { return 0 }
