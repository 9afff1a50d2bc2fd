//go:build !dtsim_points

package point

// available reports whether goroutines have owners.
const available = false

func owner() uint32   { return 0 }
func setOwner(uint32) {}
