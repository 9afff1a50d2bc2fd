package build

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// ErrNoToolchain is the error if there is no go command.
var ErrNoToolchain = errors.New("there is no Go toolchain: install Go (https://go.dev/dl) and put the go command on PATH")

// ErrOutsideModule is the error if the directory belongs to no Go module.
var ErrOutsideModule = errors.New("not inside a Go module: run this inside a checkout of dtsim")

// toolchain is a go command that builds for one target, whatever the environment
// of the user asks for.
type toolchain struct {
	command string
	dir     string
	env     []string

	// The values of go env.
	GOROOT, GOVERSION, GOMOD, GOEXPERIMENT string
}

// ignored are the variables of the environment that could change what is built.
// The settings of where modules and caches are stay.
var ignored = []string{
	"GOFLAGS", "GOOS", "GOARCH", "GOEXPERIMENT", "GOWORK", "GO111MODULE", "GODEBUG",
	"GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GOTRACEBACK", "GOCOVERDIR", "GORACE", "GOWASM", "GOFIPS140",
	"GOAMD64", "GOARM64", "GOARM", "GO386", "GORISCV64", "GOPPC64", "GOMIPS", "GOMIPS64",
	"CGO_ENABLED", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_LDFLAGS", "PWD",
}

// findToolchain asks the go command about itself and the module of dir.
func findToolchain(ctx context.Context, dir string, target Target) (*toolchain, error) {
	command, err := exec.LookPath("go")
	if err != nil {
		return nil, ErrNoToolchain
	}
	tc := &toolchain{command: command, dir: dir}
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if !slices.Contains(ignored, name) {
			tc.env = append(tc.env, entry)
		}
	}
	tc.env = append(tc.env,
		// Not empty, or else the user's go env -w would count.
		"GOFLAGS=-buildvcs=false", "GOWORK=off", "GO111MODULE=on",
		"GOOS="+target.GOOS, "GOARCH="+target.GOARCH)
	switch {
	case target.Race: // the race detector's runtime is reached through cgo
		tc.env = append(tc.env, "CGO_ENABLED=1")
	case !target.ordinary():
		tc.env = append(tc.env, "CGO_ENABLED=0")
	}

	out, err := tc.run(ctx, "env", "-json", "GOROOT", "GOVERSION", "GOMOD", "GOEXPERIMENT")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(out, tc); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	if tc.GOMOD == "" || tc.GOMOD == os.DevNull {
		where := dir
		if where == "" {
			where, _ = os.Getwd()
		}
		return nil, fmt.Errorf("%s is %w", where, ErrOutsideModule)
	}
	return tc, nil
}

// run runs a go command and returns its standard output.
func (tc *toolchain) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, tc.command, args...)
	cmd.Dir, cmd.Env = tc.dir, tc.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, excerpt(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}

// excerpt is the end of what a command said.
func excerpt(b []byte) string {
	const enough = 4 << 10
	if len(b) > enough {
		b = append([]byte("..."), b[len(b)-enough:]...)
	}
	return strings.TrimSpace(string(b))
}
