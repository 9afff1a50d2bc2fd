package export

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/sim/trace"
)

// TestEveryKindCanBeAskedFor holds the kinds against the constants of sim/trace.
func TestEveryKindCanBeAskedFor(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../sim/trace/kind.go", nil, 0)
	require.NoError(t, err)
	want := make(map[trace.Kind]bool)
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			for _, value := range spec.Values {
				name, err := strconv.Unquote(value.(*ast.BasicLit).Value)
				require.NoError(t, err)
				want[trace.Kind(name)] = true
			}
		}
		return true
	})
	require.Greater(t, len(want), 40)
	require.Equal(t, want, knownKinds())
}
