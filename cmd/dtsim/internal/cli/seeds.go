package cli

import (
	"fmt"
	"strconv"
	"strings"
)

// seeds is a range of seeds, both ends included.
type seeds struct{ first, last uint64 }

// mostSeeds bounds one campaign.
const mostSeeds = 100_000

func (s seeds) String() string { return fmt.Sprintf("%d..%d", s.first, s.last) }

// parseSeeds reads "N" as 1..N, and "A..B".
func parseSeeds(text string) (seeds, error) {
	bad := func(why string) (seeds, error) {
		return seeds{}, badUsage("--seeds %s: %s", text, why)
	}
	const form = "write a count (50) or a range (1..50)"
	from, to, isRange := strings.Cut(text, "..")
	if !isRange {
		from, to = "1", text
	}
	first, err := strconv.ParseUint(from, 10, 64)
	if err != nil {
		return bad(form)
	}
	last, err := strconv.ParseUint(to, 10, 64)
	switch {
	case err != nil:
		return bad(form)
	case !isRange && last == 0:
		return bad("asks for no run at all")
	case last < first:
		return bad("ends before it begins")
	case last-first >= mostSeeds:
		return bad(fmt.Sprintf("asks for more than %d seeds", mostSeeds))
	}
	return seeds{first, last}, nil
}
