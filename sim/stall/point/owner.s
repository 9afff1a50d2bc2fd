//go:build dtsim_points

// An assembly file lets the package declare a function whose body is elsewhere.
