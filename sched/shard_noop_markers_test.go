package sched

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dtsim/fsm"
)

func TestMarkerFileNamesOfOrdinaryIDsAreThoseOfTheReference(t *testing.T) {
	m := &noopMarkers{node: "node-1"}
	shard := noopPlace{collection: "MyClass", shard: "shard-S1"}
	for name, c := range map[string]struct {
		marker noopMarker
		want   string
	}{
		"processed":                   {m.processed("task-1", "t1__nodeA", noopPlace{}), ".dtm/dtm-process/task-1/t1__nodeA"},
		"finalized":                   {m.finalized("task-1", "", "u:1", noopPlace{}), ".dtm/dtm-finalize/task-1/u:1"},
		"finalized in a group":        {m.finalized("task-1", "tenant.1", "u-1", noopPlace{}), ".dtm/dtm-finalize/task-1/tenant.1/u-1"},
		"completed":                   {m.completed("task-1", fsm.TaskStatusFailed, ""), ".dtm/dtm-complete/task-1/done-node-1"},
		"processed in a shard":        {m.processed("task-1", "u-1", shard), "myclass/shard-S1/.dtm-process--task-1--u-1"},
		"finalized in a shard":        {m.finalized("task-1", "", "u-1", shard), "myclass/shard-S1/.dtm-finalize--task-1--u-1"},
		"finalized in shard by group": {m.finalized("task-1", "g", "u-1", shard), "myclass/shard-S1/.dtm-finalize--task-1--g--u-1"},
		"completed in a collection":   {m.completed("task-1", fsm.TaskStatusFailed, "MyClass"), "myclass/.dtm-complete--task-1--node-1"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, c.marker.path) })
	}
}

func TestMarkerFileNamesOfHostileIDs(t *testing.T) {
	for id, want := range map[string]string{
		"":         "%",
		".":        "%2E",
		"..":       "%2E.",
		"../../x":  "%2E.%2F..%2Fx",
		`a\b`:      "a%5Cb",
		"a\x00b\n": "a%00b%0A",
		"100%":     "100%25",
		"é":        "%C3%A9",
	} {
		assert.Equal(t, want, fileName(id), "%q", id)
	}
	assert.Equal(t, "p--a%2D%2Db--c", flatName("p", "a--b", "c"))
	assert.Equal(t, "p--a--b%2D%2Dc", flatName("p", "a", "b--c"))
	assert.Equal(t, "p--a%2D--b", flatName("p", "a-", "b"))
	assert.Equal(t, "p--a--%2Db", flatName("p", "a", "-b"))
}

// hostileID draws IDs made of what confuses file names.
var hostileID = rapid.OneOf(
	rapid.StringOfN(rapid.SampledFrom([]rune(`./\-%2Da é`+"\x00\n")), 0, 6, -1),
	rapid.SampledFrom([]string{"a", "a-", "-a", "-", "--", "a--a", "a--a--a", ".", "..", "../..", "%", "%2D", "%tmp"}),
)

func TestMarkersOfDifferentIDsAreDifferentFilesInsideTheRoot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type ids struct{ task, group, unit, collection, shard string }
		draw := func(name string) ids {
			return ids{
				hostileID.Draw(t, name+" task"), hostileID.Draw(t, name+" group"), hostileID.Draw(t, name+" unit"),
				strings.ToLower(hostileID.Draw(t, name+" collection")), hostileID.Draw(t, name+" shard"),
			}
		}
		a, b := draw("a"), draw("b")
		if rapid.Bool().Draw(t, "same collection") {
			b.collection, b.shard = a.collection, a.shard
		}
		m := &noopMarkers{node: hostileID.Draw(t, "node")}
		paths := func(i ids) []string {
			at := noopPlace{i.collection, i.shard}
			if at.collection == "" {
				i.group = "" // a group's directory may have the name of a unit: see ShardNoopProvider
			}
			return []string{
				m.processed(i.task, i.unit, at).path,
				m.finalized(i.task, i.group, i.unit, at).path,
				m.completed(i.task, "", at.collection).path,
			}
		}
		for _, p := range append(paths(a), paths(b)...) {
			if !filepath.IsLocal(p) || filepath.Clean(p) != p || strings.ContainsAny(p, "\x00\n\\") {
				t.Fatalf("%q may leave the root", p)
			}
		}
		if a.collection == "" {
			a.group, a.shard = "", ""
		}
		if b.collection == "" {
			b.group, b.shard = "", ""
		}
		pa, pb := paths(a), paths(b)
		same := []bool{
			a.task == b.task && a.unit == b.unit && a.collection == b.collection && a.shard == b.shard,
			a == b,
			a.task == b.task && a.collection == b.collection,
		}
		for i := range same {
			if (pa[i] == pb[i]) != same[i] {
				t.Fatalf("%+v and %+v: %q and %q", a, b, pa[i], pb[i])
			}
		}
	})
}

func TestMarkersNeverLeaveTheRootThroughALink(t *testing.T) {
	outside, root := t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(root, "books")))
	m := &noopMarkers{root: root, node: "n1"}
	require.Error(t, m.write(m.processed("t", "u", noopPlace{"Books", "s"})))
	assert.Empty(t, filesBelow(t, outside))
}

func TestMarkersReplaceEachOtherWhole(t *testing.T) {
	root := t.TempDir()
	m := &noopMarkers{root: root, node: "n1"}
	require.NoError(t, m.write(noopMarker{"d/f", "a long content"}))
	before, err := os.Open(filepath.Join(root, "d", "f"))
	require.NoError(t, err)
	defer before.Close()
	require.NoError(t, m.write(noopMarker{"d/f", "short"}))
	old := make([]byte, 100)
	n, err := before.Read(old)
	require.NoError(t, err)
	assert.Equal(t, "a long content", string(old[:n]), "who had it open still sees all of the old one")
	assert.Equal(t, map[string]string{"d/f": "short"}, filesBelow(t, root), "and no temporary file stays")
}

func TestMarkersWithoutARootAreNotWritten(t *testing.T) {
	t.Chdir(t.TempDir())
	m := &noopMarkers{node: "n1"}
	require.NoError(t, m.write(m.processed("t", "u", noopPlace{})))
	assert.Empty(t, filesBelow(t, "."))
}
