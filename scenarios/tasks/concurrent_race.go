//go:build race

package tasks

// readConcurrently reads what a command is about to change, as the other endpoints of a
// server do. Nothing orders the two but the locks of the system, which the locks of the
// harness otherwise stand in for: a race is seen where they are missing.
func (p *process) readConcurrently() {
	go func() {
		p.replica.Tasks()
		p.replica.Collections()
	}()
}
