package mutation

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"dtsim/sim/engine/build"
)

// Sources returns a function that reads what mutants may change: a file below the module's root,
// or one of the version of [Library] that the module requires.
func Sources(ctx context.Context, root string) (func(file string) ([]byte, error), error) {
	library, err := build.ModuleDir(ctx, root, Library)
	if err != nil {
		return nil, err
	}
	return func(file string) ([]byte, error) {
		dir := root
		if below, ok := strings.CutPrefix(file, Library+"/"); ok {
			dir, file = library, below
		}
		return os.ReadFile(filepath.Join(dir, filepath.FromSlash(file)))
	}, nil
}
