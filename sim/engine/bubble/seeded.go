//go:build dtsim_seeded

package bubble

import _ "unsafe" // for go:linkname

// seeded reports whether this program was built with the seeded runtime.
const seeded = true

// recycled reports whether one process runs many jobs.
const recycled = true

// seed gives the next bubble its entropy. It is part of the seeded runtime.
//
//go:linkname seed runtime.dtsimSeed
func seed(entropy, collectEvery uint64)
