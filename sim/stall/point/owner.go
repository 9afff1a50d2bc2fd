//go:build dtsim_points

package point

import _ "unsafe" // for go:linkname

// available reports whether goroutines have owners.
const available = true

// owner returns the owner of the calling goroutine. It is part of the edited runtime.
//
//go:linkname owner runtime.dtsimOwner
func owner() uint32

//go:linkname setOwner runtime.dtsimSetOwner
func setOwner(uint32)
