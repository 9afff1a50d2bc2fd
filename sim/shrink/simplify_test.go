package shrink

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRoundNumbersComeBeforeOthers(t *testing.T) {
	for _, c := range []struct {
		n, least, finest int64
		want             string
	}{
		{12_345, 1, 1, "[6000 10000 20000 12000 13000 12300 12400 12340 12350]"},
		{10, 1, 1, "[5]"},
		{1, 1, 1, "[]"},
		{-25, 1, 1, "[-10 -12 -20 -30]"},
		{1_500, 1_000, 1, "[1000 2000]"},
	} {
		got := rounder(c.n, c.least, c.finest)
		assert.Equal(t, c.want, fmt.Sprint(got), c.n)
	}
}
