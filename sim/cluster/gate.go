package cluster

import "sync"

// gate is what the goroutines of a node wait at while the node is paused.
type gate struct {
	mu   sync.Mutex
	shut chan struct{} // nil while the gate is open
}

// close shuts the gate.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut == nil {
		g.shut = make(chan struct{})
	}
}

// open opens the gate. It returns what lets those go on that have waited.
func (g *gate) open() (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	shut := g.shut
	g.shut = nil
	return func() {
		if shut != nil {
			close(shut)
		}
	}
}

// pass waits until the gate is open.
func (g *gate) pass() {
	for {
		g.mu.Lock()
		shut := g.shut
		g.mu.Unlock()
		if shut == nil {
			return
		}
		<-shut
	}
}
