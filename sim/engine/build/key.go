package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"slices"
)

// listed is what go list prints of a package that is built.
type listed struct {
	ImportPath string
	Dir        string
	Standard   bool
	Module     *listedModule

	GoFiles, CgoFiles, CFiles, HFiles, SFiles, EmbedFiles []string
}

// listedModule is the module that a package belongs to.
type listedModule struct {
	Path, Version, Dir string
	Main               bool
}

// key identifies what a build is made from: the version of Go, the target, the
// flags, what is changed, and every source file outside of the standard library. It
// depends on no path of this machine.
func (tc *toolchain) key(packages []*listed, target Target, flags []string, changes string) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "guest 2\n%s\n%s %s %q\n%q\nchanges %s\n", tc.GOVERSION, target.GOOS, target.GOARCH, tc.GOEXPERIMENT, flags, changes)
	for _, p := range packages {
		if p.Standard {
			continue
		}
		if err := p.hash(h); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:32], nil
}

// hash adds the package's files to h.
func (p *listed) hash(h hash.Hash) error {
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.CFiles, p.HFiles, p.SFiles, p.EmbedFiles) {
		text, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s %s %d\n", p.ImportPath, filepath.ToSlash(name), len(text))
		h.Write(text)
	}
	return nil
}
