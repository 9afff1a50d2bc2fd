package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Replacement is another version of a module that a guest is built with.
type Replacement struct {
	// Module is the path of the module.
	Module string
	// Version is the version to build with; empty if Path is not.
	Version string
	// Path is a folder that holds the module.
	Path string
}

// ParseReplacement returns what MODULE@VERSION or MODULE=PATH stands for.
func ParseReplacement(text string) (Replacement, error) {
	if module, path, ok := strings.Cut(text, "="); ok && module != "" && path != "" {
		path, err := filepath.Abs(path)
		return Replacement{Module: module, Path: path}, err
	}
	if module, version, ok := strings.Cut(text, "@"); ok && module != "" && version != "" {
		return Replacement{Module: module, Version: version}, nil
	}
	return Replacement{}, fmt.Errorf("%q is neither MODULE@VERSION nor MODULE=PATH", text)
}

// String returns the replacement as [ParseReplacement] reads it.
func (r Replacement) String() string {
	if r.Path != "" {
		return r.Module + "=" + r.Path
	}
	return r.Module + "@" + r.Version
}

// ModuleDir returns the folder of the version of a module that the module of dir requires.
func ModuleDir(ctx context.Context, dir, module string) (string, error) {
	tc, err := findToolchain(ctx, dir, Host())
	if err != nil {
		return "", err
	}
	out, err := tc.run(ctx, "list", "-m", "-f", "{{.Dir}}", "--", module)
	if err != nil {
		return "", err
	}
	found := strings.TrimSpace(string(out))
	if found == "" {
		return "", fmt.Errorf("module %s has not been downloaded", module)
	}
	return found, nil
}

// tree is the main module as one guest is built from it: with other versions of what it
// requires, and with other content of some files. The sources themselves stay as they are.
type tree struct {
	tc    *toolchain
	flags []string
	// work is a folder for what the build needs and nobody else.
	work string
	// replaced are files of the main module and of the standard library with other content,
	// by absolute path.
	replaced map[string]string
}

// newTree returns the tree of a request. Whoever asks for it removes its work.
func newTree(ctx context.Context, tc *toolchain, r Request) (*tree, error) {
	work, err := os.MkdirTemp("", "dtsim-build-")
	if err != nil {
		return nil, err
	}
	t := &tree{tc: tc, work: work, flags: r.flags(), replaced: make(map[string]string)}
	if len(r.With) == 0 {
		return t, nil
	}
	if err := t.replace(ctx, r.With); err != nil {
		return nil, errors.Join(err, t.remove())
	}
	return t, nil
}

func (t *tree) remove() error { return os.RemoveAll(t.work) }

// modfile returns the name of the tree's own go.mod, which is a copy of the module's at first.
func (t *tree) modfile() (string, error) {
	name := filepath.Join(t.work, "go.mod")
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	for _, from := range []string{t.tc.GOMOD, strings.TrimSuffix(t.tc.GOMOD, ".mod") + ".sum"} {
		text, err := os.ReadFile(from)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(t.work, "go"+filepath.Ext(from)), text, 0o644); err != nil {
			return "", err
		}
	}
	// What another version requires is added to it.
	t.flags = append(t.flags, "-mod=mod", "-modfile="+name)
	return name, nil
}

// replace lets the tree require other versions.
func (t *tree) replace(ctx context.Context, with []Replacement) error {
	name, err := t.modfile()
	if err != nil {
		return err
	}
	args := []string{"mod", "edit"}
	for _, r := range with {
		r, err := t.shimmed(ctx, r)
		if err != nil {
			return err
		}
		to := r.Path
		if to == "" {
			to = r.Module + "@" + r.Version
		}
		args = append(args, "-replace="+r.Module+"="+to)
	}
	_, err = t.tc.run(ctx, append(args, name)...)
	return err
}

// packages returns the packages that the programs are made of, dependencies first.
func (t *tree) packages(ctx context.Context, programs ...string) ([]*listed, error) {
	args := slices.Concat([]string{"list", "-deps",
		"-json=ImportPath,Dir,Standard,Module,GoFiles,CgoFiles,CFiles,HFiles,SFiles,EmbedFiles"}, t.flags, []string{"--"}, programs)
	out, err := t.tc.run(ctx, args...)
	if err != nil {
		return nil, err
	}
	var packages []*listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		packages = append(packages, &p)
	}
	return packages, nil
}

// change gives the tree the edits and the points of a request.
func (t *tree) change(ctx context.Context, r Request, packages []*listed) error {
	// By dependency: the files below the folder of its module that change.
	changed := make(map[listedModule]map[string]string)
	put := func(m *listedModule, file, text string) error {
		if m.Main {
			t.replaced[file] = text
			return nil
		}
		below, err := filepath.Rel(m.Dir, file)
		if err != nil {
			return err
		}
		if changed[*m] == nil {
			changed[*m] = make(map[string]string)
		}
		changed[*m][below] = text
		return nil
	}
	edits, err := r.Edits.place(t.tc, packages)
	if err != nil {
		return err
	}
	for _, e := range edits {
		if err := put(e.module, e.file, e.text); err != nil {
			return err
		}
	}
	content := func(file string) ([]byte, error) {
		for _, e := range edits {
			if e.file == file {
				return []byte(e.text), nil
			}
		}
		return os.ReadFile(file)
	}
	var in instrumenter
	for _, p := range packages {
		if !slices.Contains(r.Instrument, p.ImportPath) {
			continue
		}
		files := make(map[string][]byte, len(p.GoFiles))
		for _, name := range p.GoFiles {
			if files[name], err = content(filepath.Join(p.Dir, name)); err != nil {
				return err
			}
		}
		rewritten, err := in.instrument(p.ImportPath, files)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(rewritten)) {
			if err := put(p.Module, filepath.Join(p.Dir, name), string(rewritten[name])); err != nil {
				return err
			}
		}
	}
	return t.copyModules(ctx, changed)
}

// copyModules lets the tree use copies of dependencies, with other content of some files: the
// go command replaces no file of the module cache.
func (t *tree) copyModules(ctx context.Context, changed map[listedModule]map[string]string) error {
	var with []Replacement
	for m, files := range changed {
		dir := filepath.Join(t.work, "modules", filepath.FromSlash(m.Path))
		if err := copyFolder(m.Dir, dir); err != nil {
			return err
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				return err
			}
		}
		with = append(with, Replacement{Module: m.Path, Path: dir})
	}
	if len(with) == 0 {
		return nil
	}
	slices.SortFunc(with, func(a, b Replacement) int { return strings.Compare(a.Module, b.Module) })
	return t.replace(ctx, with)
}

// copyFolder copies the files of a module, which may be read-only, so that they can be written.
func copyFolder(from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, below)
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
}
