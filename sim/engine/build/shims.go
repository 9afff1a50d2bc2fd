package build

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/mod/semver"
)

// shim is a file that versions of a module get, since they lack what the guest, or the harness,
// is compiled against. It declares what there was not yet, and does nothing.
type shim struct {
	module string
	// before is the first version that needs none of it.
	before string
	// file is below shims, with ".txt" behind its name.
	file string
}

const raftModule = "github.com/hashicorp/raft"

// shims reach back to v1.3.7 of the Raft library; before that, its observations of leaders do not
// say which node that is.
var shims = []shim{
	{raftModule, "v1.7.0", "prevote.go"},
	{raftModule, "v1.6.0", "commitindex.go"},
	{raftModule, "v1.4.0", "monotonic.go"},
}

//go:embed shims
var shimSources embed.FS

// shimsOf returns the shims that a version gets.
func shimsOf(r Replacement) (files []string) {
	for _, s := range shims {
		if r.Module == s.module && semver.IsValid(r.Version) && semver.Compare(r.Version, s.before) < 0 {
			files = append(files, s.file)
		}
	}
	return files
}

// shimmed returns the replacement by a version with its shims, below work; if it needs none, that is
// the one it was given.
func (t *tree) shimmed(ctx context.Context, r Replacement) (Replacement, error) {
	files := shimsOf(r)
	if len(files) == 0 {
		return r, nil
	}
	out, err := t.tc.run(ctx, "mod", "download", "-json", r.String())
	if err != nil {
		return r, err
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(out, &found); err != nil {
		return r, fmt.Errorf("go mod download %s: %w", r, err)
	}
	dir := filepath.Join(t.work, "shimmed", filepath.FromSlash(r.Module))
	if err := copyFolder(found.Dir, dir); err != nil {
		return r, err
	}
	for _, name := range files {
		text, err := fs.ReadFile(shimSources, path.Join("shims", name+".txt"))
		if err != nil {
			return r, err
		}
		// A prefix that no file of a module has, so that none is replaced.
		if err := os.WriteFile(filepath.Join(dir, "dtsim_"+name), text, 0o644); err != nil {
			return r, err
		}
	}
	return Replacement{Module: r.Module, Path: dir}, nil
}
