//go:build !dtsim_seeded

package bubble

// seeded reports whether this program was built with the seeded runtime.
const seeded = false

// recycled reports whether one process runs many jobs. Without it the sealed
// engine gives the process its entropy from outside, and one job.
const recycled = false

func seed(_, _ uint64) {}
