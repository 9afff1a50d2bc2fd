package engine

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dtsim/sim/engine/build"
)

func TestAnEngineThatCannotBeUsedIsExplained(t *testing.T) {
	for name, m := range engines {
		t.Run(name, func(t *testing.T) {
			refused := func(change func(*Options)) *UnavailableError {
				t.Helper()
				o := Options{Guest: testGuest}
				change(&o)
				e, err := m(t.Context(), o)
				require.Nil(t, e)
				var unavailable *UnavailableError
				require.ErrorAs(t, err, &unavailable)
				require.Equal(t, name, unavailable.Engine)
				require.ErrorContains(t, err, "the "+name+" engine is not available: ")
				return unavailable
			}
			outside := refused(func(o *Options) { o.Dir = t.TempDir() })
			require.ErrorIs(t, outside, build.ErrOutsideModule)
			missing := refused(func(o *Options) { o.Guest = "./testdata/nosuchguest" })
			require.ErrorContains(t, missing, "nosuchguest")
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := m(ctx, Options{Guest: testGuest})
			require.ErrorIs(t, err, context.Canceled)

			t.Setenv("PATH", t.TempDir())
			require.ErrorIs(t, refused(func(*Options) {}), build.ErrNoToolchain)
		})
	}
}

func TestAProgramThatIsNoGuestIsFoundOut(t *testing.T) {
	_, err := Native(t.Context(), Options{Guest: "./testdata/mute"})
	require.ErrorContains(t, err, "the native engine is not available: a worker does not start: the native guest broke the protocol")

	e := maker(Sealed).open(t, func(o *Options) { o.Guest = "./testdata/mute" })
	_, err = e.Run(t.Context(), job("chatter", time.Second, 1))
	var failure *GuestError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, Garbled, failure.How)
}

func TestAGuestWithoutTheSeededRuntimeIsRefused(t *testing.T) {
	plain, err := build.Make(t.Context(), build.Request{
		Name: "plain guest", Package: testGuest, Log: func(message string) { t.Log(message) },
		Target: build.Target{GOOS: runtime.GOOS, GOARCH: runtime.GOARCH},
	})
	require.NoError(t, err)
	_, err = command{engine: NativeName, program: plain.Path, env: nativeEnv}.start(t.Context())
	require.ErrorContains(t, err, "without the seeded runtime")
}

func TestTheSealedEngineHasNoRaceDetector(t *testing.T) {
	_, err := Sealed(t.Context(), Options{Guest: testGuest, Race: true})
	require.EqualError(t, err, "the sealed engine is not available: there is no race detector for WebAssembly")
}

func TestTheSealedEngineCountsNothing(t *testing.T) {
	_, err := Sealed(t.Context(), Options{Guest: testGuest, Cover: []string{"dtsim/sim/plan"}})
	require.EqualError(t, err, "the sealed engine is not available: the sealed guest counts nothing that it enters")
}

func TestAGuestThatCountsLeavesItsCountersWhenItIsClosed(t *testing.T) {
	dir := t.TempDir()
	counting := func(o *Options) { o.Cover, o.CoverDir = []string{"dtsim/sim/plan"}, dir }
	e := maker(Native).open(t, counting)
	events := func(trace []byte) string { // without the lines that hold the build, and its hash
		lines := bytes.Split(bytes.TrimSpace(trace), []byte("\n"))
		return string(bytes.Join(lines[1:len(lines)-1], []byte("\n")))
	}
	want := events(mustRun(t, maker(Native).open(t), job("raft", time.Second, 1)))
	require.Equal(t, want, events(mustRun(t, e, job("raft", time.Second, 1))), "it runs as one that does not count")
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1, "what it has counted is only written at its end")
	require.NoError(t, e.Close())
	files, err = os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 2)
}

func TestAChoiceIsPartOfTheBuild(t *testing.T) {
	builds := map[string]bool{}
	for _, choice := range []string{"", "CHOICE=1", "CHOICE=2"} {
		e, err := Native(t.Context(), Options{Guest: testGuest, Choice: choice})
		require.NoError(t, err)
		id := e.(*workers).build
		require.Len(t, id, 32)
		require.Equal(t, choice != "", slices.Contains(e.(*workers).command.env, choice))
		builds[id] = true
		require.NoError(t, e.Close())
	}
	require.Len(t, builds, 3)
	_, err := Sealed(t.Context(), Options{Guest: testGuest, Choice: "CHOICE=1"})
	require.EqualError(t, err, "the sealed engine is not available: the sealed guest has no environment to find CHOICE=1 in")
}

func TestACacheThatCannotBeWrittenIsExplained(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	_, err := Native(t.Context(), Options{Guest: testGuest, CacheDir: file})
	require.ErrorContains(t, err, "DTSIM_CACHE")
}
