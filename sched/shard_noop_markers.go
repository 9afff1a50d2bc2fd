package sched

import (
	"fmt"
	"os"
	"path"
	"strings"
	"sync"

	"dtsim/fsm"
)

// noopMarkers writes the marker files of one node below a root.
type noopMarkers struct {
	root string // empty: no file is written
	node string

	mu sync.Mutex // one marker at a time, so that temporary names need not differ
}

// noopMarker is a file to be: a slash-separated path below the root, and what is
// in it.
type noopMarker struct{ path, content string }

// noopPlace is where a unit's markers stand: in the directory of a shard, or, with
// an empty collection, in directories of their own.
type noopPlace struct{ collection, shard string }

func (m *noopMarkers) processed(task, unit string, at noopPlace) noopMarker {
	content := "processed by " + m.node
	if at.collection == "" {
		return noopMarker{path.Join(".dtm/dtm-process", fileName(task), fileName(unit)), content}
	}
	return noopMarker{path.Join(at.dir(), flatName(".dtm-process", task, unit)), content}
}

func (m *noopMarkers) finalized(task, group, unit string, at noopPlace) noopMarker {
	content := "finalized by " + m.node
	parts := []string{task, group, unit}
	if group == "" {
		parts = []string{task, unit}
	}
	if at.collection == "" {
		name := ".dtm/dtm-finalize"
		for _, part := range parts {
			name = path.Join(name, fileName(part))
		}
		return noopMarker{name, content}
	}
	return noopMarker{path.Join(at.dir(), flatName(".dtm-finalize", parts...)), content}
}

func (m *noopMarkers) completed(task string, status fsm.TaskStatus, collection string) noopMarker {
	content := fmt.Sprintf("completed by %s, status=%s", m.node, status)
	if collection == "" {
		return noopMarker{path.Join(".dtm/dtm-complete", fileName(task), "done-"+fileName(m.node)), content}
	}
	return noopMarker{path.Join(collectionDir(collection), flatName(".dtm-complete", task, m.node)), content}
}

// write puts the marker in place, replacing an older one; a reader sees the old
// content or the new, never a part. The path cannot leave the root, not even
// through a symbolic link.
func (m *noopMarkers) write(marker noopMarker) error {
	if m.root == "" {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := os.MkdirAll(m.root, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(m.root)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(path.Dir(marker.path), 0o755); err != nil {
		return err
	}
	temporary := marker.path + "%tmp" // no escaped name ends like this
	if err := root.WriteFile(temporary, []byte(marker.content), 0o644); err != nil {
		return err
	}
	return root.Rename(temporary, marker.path)
}

func (p noopPlace) dir() string {
	return path.Join(collectionDir(p.collection), fileName(p.shard))
}

func collectionDir(collection string) string { return fileName(strings.ToLower(collection)) }

// fileName turns an ID into one file name: different IDs into different names,
// ordinary IDs into themselves. What could mean something to a file system becomes
// % and two hex digits.
func fileName(id string) string {
	if id == "" {
		return "%"
	}
	var b strings.Builder
	for i := range len(id) {
		c := id[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`/\%`, c) >= 0 || c == '.' && i == 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// flatName joins IDs into one file name, with "--" between them. Hyphens that
// could be taken for a part of a separator are escaped.
func flatName(prefix string, ids ...string) string {
	name := prefix
	for _, id := range ids {
		name += "--" + escapeHyphens(fileName(id))
	}
	return name
}

func escapeHyphens(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if s[i] == '-' && (i == 0 || i == len(s)-1 || s[i-1] == '-' || s[i+1] == '-') {
			b.WriteString("%2D")
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
