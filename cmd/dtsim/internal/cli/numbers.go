package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// grouped writes a number with commas.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// short writes a number with three digits or so.
func short(x float64) string {
	for _, unit := range []struct {
		n    float64
		name string
	}{{1e9, " G"}, {1e6, " M"}, {1e3, " k"}} {
		if x >= unit.n {
			return fmt.Sprintf("%.1f%s", x/unit.n, unit.name)
		}
	}
	return fmt.Sprintf("%.0f", x)
}

func memoryWords(n uint64) string {
	return short(float64(n)) + map[bool]string{true: "B", false: " B"}[n >= 1000]
}

// size is a flag: a number of bytes.
type size uint64

func (s *size) String() string {
	if *s == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(*s), 10)
}

func (s *size) Type() string { return "size" }

// Set reads 1000, 500k, 4G, 4GB or 4GiB; k, M, G and T are powers of 1000, or with an i of
// 1024.
func (s *size) Set(text string) error {
	digits := strings.TrimRightFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	unit := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text[len(digits):])), "b")
	base := uint64(1000)
	if strings.HasSuffix(unit, "i") {
		base, unit = 1024, strings.TrimSuffix(unit, "i")
	}
	power := strings.Index("kmgt", unit)
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || len(unit) > 1 || power < 0 || unit == "" && base == 1024 {
		return fmt.Errorf("%q is no size; write 500M, 4G or 4GiB", text)
	}
	if unit != "" {
		for range power + 1 {
			if n > math.MaxUint64/base {
				return fmt.Errorf("%q is too much", text)
			}
			n *= base
		}
	}
	*s = size(n)
	return nil
}
