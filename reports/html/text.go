package html

import (
	"fmt"
	"html/template"
	"reflect"
	"strconv"
	"strings"
	"time"

	"dtsim/reports/timeline"
)

var funcs = template.FuncMap{"count": count, "dur": formatDuration, "show": timeline.Visible}

// count is [timeline.Count] of whole numbers of any type.
func count(n any) (string, error) {
	v := reflect.ValueOf(n)
	switch {
	case v.CanInt():
		return timeline.Count(v.Int()), nil
	case v.CanUint():
		return timeline.Count(int64(v.Uint())), nil
	}
	return "", fmt.Errorf("count: %T is no whole number", n)
}

// plural returns a number of things.
func plural[N int | int64 | uint64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return timeline.Count(int64(n)) + " " + what + "s"
}

// formatDuration returns a duration with at most four significant digits.
func formatDuration(d time.Duration) string {
	if d < 0 {
		return "−" + formatDuration(-d)
	}
	switch {
	case d == 0:
		return "0 s"
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < time.Millisecond:
		return trimZeros(float64(d)/1e3, 1) + " µs"
	case d < time.Second:
		return trimZeros(float64(d)/1e6, 1) + " ms"
	case d < 2*time.Minute:
		return trimZeros(d.Seconds(), 2) + " s"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// formatSeconds is formatDuration of a number of seconds.
func formatSeconds(s float64) string { return formatDuration(time.Duration(s * float64(time.Second))) }

// formatBytes returns a size in decimal units.
func formatBytes(n uint64) string {
	switch f := float64(n); {
	case f >= 1e9:
		return fmt.Sprintf("%.1f GB", f/1e9)
	case f >= 1e6:
		return fmt.Sprintf("%.1f MB", f/1e6)
	default:
		return fmt.Sprintf("%.1f kB", f/1e3)
	}
}

// trimZeros returns a number without trailing zeros.
func trimZeros(f float64, decimals int) string {
	s := strconv.FormatFloat(f, 'f', decimals, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// shortHash returns the first digits of a hash.
func shortHash(hash string) string { return hash[:min(12, len(hash))] }

// toInt returns 1 for true.
func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
