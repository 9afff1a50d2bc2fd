package sched

// Remembered returns of how many tasks the scheduler remembers something.
func (s *Scheduler) Remembered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.runners)
}
