package engine

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/sim/engine/build"
)

func TestTheVersionsOfABuildAreInItsName(t *testing.T) {
	for name, want := range map[string][]string{
		"none":           nil,
		"two":            {"github.com/hashicorp/raft@v1.7.1", "github.com/weaviate/weaviate@v1.39.0"},
		"one and a path": {"github.com/hashicorp/raft@v1.7.1"},
	} {
		t.Run(name, func(t *testing.T) {
			var o Options
			for _, text := range want {
				r, err := build.ParseReplacement(text)
				require.NoError(t, err)
				o.With = append(o.With, r)
			}
			if name == "one and a path" {
				o.With = append(o.With, build.Replacement{Module: "example.com/m", Path: "/somewhere/m"})
			}
			require.Equal(t, want, VersionsOf(o.named("0123abcd")))
		})
	}
	require.Nil(t, VersionsOf(""))
}
