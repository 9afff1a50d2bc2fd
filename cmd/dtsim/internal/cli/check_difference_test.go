package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestOnlyTheDifferenceOfAPartIsTold(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{"waits", "looks at list 1", "waits -> looks at list 1"},
		{"v1000 STARTED u1=PENDING u2=PENDING", "v1000 STARTED u1=IN_PROGRESS/n1 u2=PENDING", "u1=PENDING -> u1=IN_PROGRESS/n1"},
		{"runs [], ended [], u1: v0, u2: v0", "runs [1000], ended [], u1: v0, with v1000 waiting, u2: v0", "runs [] -> [1000]; v0 + with v1000 waiting"},
		{"swap of t1 v1000; ack of t1 v1000 by n1", "ack of t1 v1000 by n1; flip of t1 v1000", "- swap of t1 v1000; n1 + flip of t1 v1000"},
		{"waits for nothing that anybody would have to do", "looks at list 1 of that state", "waits for nothing that anybody would have to do -> looks at list 1 of that state"},
	} {
		require.Equal(t, c.want, difference(c.before, c.after), "%s -> %s", c.before, c.after)
	}
}

func TestADifferenceTellsEveryWordThatChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"these-stay", "are-longer", "than=the", "width=of", "one-line"}), 4, 12)
		old, now := words.Draw(t, "old"), words.Draw(t, "now")
		d := difference(strings.Join(old, " "), strings.Join(now, " "))
		require.Equal(t, slices.Equal(old, now), d == "", "nothing is told of what is the same, and only of that")
		for _, word := range slices.Concat(old, now) {
			if slices.Contains(old, word) != slices.Contains(now, word) {
				require.Contains(t, d, word)
			}
		}
	})
}
