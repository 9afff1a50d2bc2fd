package bubble

import (
	"io"

	"dtsim/sim/engine/wire"
)

// sent is the writer that sends the pieces of a trace. It is no part of the heap, and
// neither is what it needs: when garbage is collected must not depend on whether a
// trace is sent as it is recorded.
var sent pieces

// pieces sends what is written to it as frames. It is for one goroutine at a time.
type pieces struct {
	to    io.Writer
	frame [64 << 10]byte
}

func (p *pieces) Write(b []byte) (int, error) {
	written := 0
	for written < len(b) {
		n, frame := wire.AppendPiece(p.frame[:0], b[written:])
		if _, err := p.to.Write(frame); err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}
