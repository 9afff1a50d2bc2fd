//go:build !race

package tasks

// readConcurrently does nothing: it is for the race detector.
func (p *process) readConcurrently() {}
