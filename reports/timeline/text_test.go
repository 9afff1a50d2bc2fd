package timeline_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"dtsim/reports/timeline"
)

func TestTexts(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -4321: "−4,321"} {
		assert.Equal(t, want, timeline.Count(n))
	}
	assert.Equal(t, `a\n\t\u0000\u200bz`, timeline.Visible("a\n\t\x00\u200bz"))
	assert.Equal(t, "日本 “é”", timeline.Visible("日本 “é”"))
	assert.Equal(t, "a\n\\u0007b\n", timeline.VisibleLines("a\r\n\x07b\n"))
	assert.Equal(t, "éab…", timeline.Shorten("éabcd", 4))
}
