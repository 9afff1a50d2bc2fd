//go:build !race

package cluster

// beside is for the race detector alone.
func (m *machine) beside() {}
