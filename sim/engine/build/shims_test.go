package build

import (
	"go/parser"
	"go/token"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnOlderVersionGetsWhatItLacks(t *testing.T) {
	for version, want := range map[string][]string{
		"v1.8.0": nil, "v1.7.0": nil, "v1.6.1": {"prevote.go"}, "v1.6.0": {"prevote.go"},
		"v1.7.0-rc.1": {"prevote.go"}, "v1.5.0": {"prevote.go", "commitindex.go"},
		"v1.3.11": {"prevote.go", "commitindex.go", "monotonic.go"}, "main": nil, "": nil,
	} {
		require.Equal(t, want, shimsOf(Replacement{Module: raftModule, Version: version}), version)
	}
	require.Empty(t, shimsOf(Replacement{Module: "example.com/dep", Version: "v1.0.0"}))
	require.Empty(t, shimsOf(Replacement{Module: raftModule, Path: "/some/where"}), "a folder is taken as it is")
}

func TestShimsAreGo(t *testing.T) {
	for _, s := range shims {
		text, err := shimSources.ReadFile("shims/" + s.file + ".txt")
		require.NoError(t, err)
		f, err := parser.ParseFile(token.NewFileSet(), s.file, text, parser.AllErrors)
		require.NoError(t, err)
		require.Equal(t, "raft", f.Name.Name)
	}
}
