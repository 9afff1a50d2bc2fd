package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/scenarios/mutation"
)

func TestOnlyChoosesAmongTheMutants(t *testing.T) {
	root, err := moduleRoot()
	require.NoError(t, err)
	choose := func(only string) (names []string, err error) {
		f := mutantsFlags{only: only}
		all, err := f.load()
		if err != nil {
			return nil, err
		}
		subjects, err := f.subjects(t.Context(), all, nil, root)
		for _, s := range subjects {
			names = append(names, s.Name())
		}
		return names, err
	}
	names, err := choose("barrier-on-*,lost-claim")
	require.NoError(t, err)
	require.Equal(t, []string{mutation.Unmutated, "barrier-on-first-ack", "lost-claim"}, names)
	_, err = choose("nosuch*,noneeither")
	require.ErrorContains(t, err, "no mutant matches")
	names, err = choose("")
	require.NoError(t, err)
	require.Greater(t, len(names), 30)
}

// What a glob leaves out is left in the list that it was chosen from: a sample is built as
// one program, whichever of its parts is measured.
func TestAGlobTakesNothingAwayFromItsList(t *testing.T) {
	all := []*mutation.Mutant{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	f := mutantsFlags{only: "b,x*"}
	chosen, err := f.matching(all)
	require.NoError(t, err)
	require.Equal(t, []*mutation.Mutant{{Name: "b"}}, chosen)
	require.Equal(t, []*mutation.Mutant{{Name: "a"}, {Name: "b"}, {Name: "c"}}, all)
}
