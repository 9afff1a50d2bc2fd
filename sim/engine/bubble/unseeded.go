//go:build !dtsim_seeded

package bubble

// seeded says that this program was built with the overlay.
const seeded = false

// recycled says that one process runs many jobs. Without the overlay the sealed
// engine gives the process its entropy from outside, and one job.
const recycled = false

func seed(_, _ uint64) {}
