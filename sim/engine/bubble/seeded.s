//go:build dtsim_seeded

// An assembly file lets the package declare a function whose body is elsewhere.
