package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// listed is what go list prints of a package that is built.
type listed struct {
	ImportPath string
	Dir        string
	Standard   bool

	GoFiles, CgoFiles, CFiles, HFiles, SFiles, EmbedFiles []string
}

// key identifies what a build is made from: the version of Go, the target, the
// flags, the overlay, and every source file outside of the standard library. It
// depends on no path of this machine.
func (tc *toolchain) key(ctx context.Context, pkg string, flags []string, overlay string, target Target) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "guest 1\n%s\n%s %s %q\n%q\noverlay %s\n", tc.GOVERSION, target.GOOS, target.GOARCH, tc.GOEXPERIMENT, flags, overlay)
	args := slices.Concat([]string{"list", "-deps",
		"-json=ImportPath,Dir,Standard,GoFiles,CgoFiles,CFiles,HFiles,SFiles,EmbedFiles"}, flags, []string{"--", pkg})
	out, err := tc.run(ctx, args...)
	if err != nil {
		return "", err
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			return "", fmt.Errorf("go list: %w", err)
		}
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
