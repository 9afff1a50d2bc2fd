package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"

	"github.com/klauspost/compress/zstd"

	"dtsim/scenarios/tasks/taskplan"
	"dtsim/sim/plan"
	"dtsim/sim/trace"
)

// readInput reads a file of the command line.
func readInput(name string) ([]byte, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, badUsage("%s: %w", name, pathCause(err))
	}
	return content, nil
}

// readPlan reads and checks a plan file.
func readPlan(name string) (*plan.Plan, error) {
	content, err := readInput(name)
	if err != nil {
		return nil, err
	}
	return decodePlan(name, content)
}

func decodePlan(name string, content []byte) (*plan.Plan, error) {
	if looksLikeTrace(content) {
		return nil, badUsage("%s is a trace, not a plan; dtsim replay takes it", name)
	}
	p, err := taskplan.Decode(content)
	if err != nil {
		return nil, badUsage("%s: %w", name, err)
	}
	return p.Encode(), nil
}

// decodeTrace reads and checks a whole trace, compressed or not, and returns its
// bytes without compression, too.
func decodeTrace(name string, content []byte) (*trace.Trace, []byte, error) {
	t, err := trace.Read(bytes.NewReader(content))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, nil, badUsage("%s: the file was cut off (%w)", name, err)
	}
	if err != nil {
		return nil, nil, badUsage("%s: %w", name, err)
	}
	if bytes.HasPrefix(content, zstdMagic) {
		decoder, err := zstd.NewReader(nil)
		if err != nil {
			return nil, nil, err
		}
		defer decoder.Close()
		if content, err = decoder.DecodeAll(content, nil); err != nil {
			return nil, nil, badUsage("%s: %w", name, err)
		}
	}
	return t, content, nil
}

// zstdMagic is how a compressed file begins.
var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// header is how a trace begins; no plan begins so.
var header = regexp.MustCompile(`^\{"format":\d+,"engine":`)

// looksLikeTrace reports whether the content is a trace rather than a plan.
func looksLikeTrace(content []byte) bool {
	return bytes.HasPrefix(content, zstdMagic) || header.Match(content)
}
