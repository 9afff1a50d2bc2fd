package bubble

import (
	"crypto/rand"
	"encoding/binary"
	mrand "math/rand/v2"
	"runtime"
	"sync"
)

// collectEvery is how many bytes a bubble allocates between two collections of
// garbage, which happen only when all of its goroutines are blocked.
const collectEvery = 64 << 20

func init() {
	// Samples of the heap would draw from the runtime's random state.
	runtime.MemProfileRate = 0
}

// cleanSlate makes the process as good as new for the next bubble, and gives it
// its entropy.
func cleanSlate(entropy uint64) {
	if recycled {
		// Twice, because a sync.Pool survives one collection: nothing that was made in an
		// earlier bubble may come back.
		runtime.GC()
		runtime.GC()
	}
	observers = 0
	rand.Reader = newSecrets(entropy)
	seed(entropy, collectEvery)
}

// secrets stands in for the system's source of random bytes. It is safe for
// concurrent use, as crypto/rand.Reader must be.
type secrets struct {
	mu     sync.Mutex
	stream *mrand.ChaCha8
}

func newSecrets(entropy uint64) *secrets {
	var key [32]byte
	copy(key[:], "dtsim crypto/rand")
	binary.BigEndian.PutUint64(key[24:], entropy)
	return &secrets{stream: mrand.NewChaCha8(key)}
}

// Read fills p. It never fails.
func (s *secrets) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream.Read(p)
}
