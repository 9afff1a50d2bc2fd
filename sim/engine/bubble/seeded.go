//go:build dtsim_seeded

package bubble

import _ "unsafe" // for go:linkname

// seeded says that this program was built with the overlay.
const seeded = true

// recycled says that one process runs many jobs.
const recycled = true

// seed gives the next bubble its entropy. It is part of the overlay.
//
//go:linkname seed runtime.dtsimSeed
func seed(entropy, collectEvery uint64)
