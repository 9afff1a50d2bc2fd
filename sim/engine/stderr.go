package engine

import (
	"fmt"
	"sync"
)

const (
	// stderrHead and stderrTail bound what is kept of a guest's standard error: a panic
	// stands at the beginning, and crash triage needs the goroutines behind it.
	stderrHead = 256 << 10
	stderrTail = 256 << 10
)

// stderr keeps the beginning and the end of what a guest writes to standard error.
// It is safe for concurrent use.
type stderr struct {
	mu   sync.Mutex
	head []byte
	tail []byte
	cut  int
}

// Write never fails.
func (s *stderr) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(p), stderrHead-len(s.head))
	s.head = append(s.head, p[:n]...)
	s.tail = append(s.tail, p[n:]...)
	if over := len(s.tail) - stderrTail; over > 0 {
		s.cut += over
		s.tail = append(s.tail[:0], s.tail[over:]...)
	}
	return len(p), nil
}

// Reset forgets everything.
func (s *stderr) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head, s.tail, s.cut = nil, nil, 0
}

func (s *stderr) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut > 0 {
		return fmt.Sprintf("%s\n... %d bytes left out ...\n%s", s.head, s.cut, s.tail)
	}
	return string(s.head) + string(s.tail)
}
