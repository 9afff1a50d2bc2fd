package disk

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"dtsim/sim/trace/event"
)

// inode is a file without its name.
type inode struct {
	data    []byte // never changed in place
	durable []byte // what a crash leaves of it; nil before the first sync
}

// files is a directory: names as they are, and as a crash leaves them.
type files struct {
	live, durable map[string]*inode
}

func newFiles() files { return files{live: map[string]*inode{}, durable: map[string]*inode{}} }

func (f files) clone() files {
	copies := map[*inode]*inode{}
	dir := func(names map[string]*inode) map[string]*inode {
		c := make(map[string]*inode, len(names))
		for name, n := range names {
			if copies[n] == nil {
				copied := *n
				copies[n] = &copied
			}
			c[name] = copies[n]
		}
		return c
	}
	return files{live: dir(f.live), durable: dir(f.durable)}
}

// crash leaves what was synced: of the names, and of the contents.
func (f *files) crash() {
	for _, n := range f.durable {
		n.data = n.durable
	}
	f.live = maps.Clone(f.durable)
}

// Files is a flat directory of small files, with the promises that a POSIX file
// system makes: a crash leaves of a file's contents what was last synced, and of its
// name what stood in the directory when that was last synced. A rename is atomic.
// It is a mount as the provider sees it, safe for concurrent use.
type Files Mount

// Read returns a copy of the contents of a file; the error is fs.ErrNotExist when
// there is none.
func (f *Files) Read(name string) (data []byte, err error) {
	(*Mount)(f).read(func(st *state) {
		if n := st.files.live[name]; n != nil {
			data = append([]byte{}, n.data...)
		} else {
			err = missing(name)
		}
	})
	return data, err
}

// List returns the names that begin with prefix, sorted.
func (f *Files) List(prefix string) []string {
	var names []string
	(*Mount)(f).read(func(st *state) {
		for name := range st.files.live {
			if strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
	})
	slices.Sort(names)
	return names
}

func sortedNames(dir map[string]*inode) []string { return slices.Sorted(maps.Keys(dir)) }

// Write replaces the contents of a file, or makes it. The contents are durable after
// Sync, a new name after SyncDir.
func (f *Files) Write(name string, data []byte) error {
	m := (*Mount)(f)
	if err := m.fails(File, name); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.state.files.live[name]
	if n == nil {
		n = &inode{}
		m.state.files.live[name] = n
	}
	n.data = bytes.Clone(data)
	m.record(&event.FileWritten{File: name, Size: int64(len(data))})
	return nil
}

// Sync makes the contents of a file durable, as they are when the sync begins.
func (f *Files) Sync(name string) error {
	m := (*Mount)(f)
	m.mu.Lock()
	n := m.state.files.live[name]
	var data []byte
	if n != nil {
		data = n.data
	}
	m.mu.Unlock()
	if n == nil {
		return missing(name)
	}
	return m.commit(File, name, func(*state) { n.durable = append([]byte{}, data...) })
}

// Rename gives a file another name, replacing what had it. Durable after SyncDir.
func (f *Files) Rename(from, to string) error {
	m := (*Mount)(f)
	if err := m.fails(FileRemove, from); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.state.files.live[from]
	if n == nil {
		return missing(from)
	}
	if from != to {
		delete(m.state.files.live, from)
		m.state.files.live[to] = n
		m.record(&event.FileRenamed{File: from, To: to})
	}
	return nil
}

// Remove removes a file, if there is one. Durable after SyncDir.
func (f *Files) Remove(name string) error {
	m := (*Mount)(f)
	if err := m.fails(FileRemove, name); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state.files.live[name] != nil {
		delete(m.state.files.live, name)
		m.record(&event.FileRemoved{File: name})
	}
	return nil
}

// SyncDir makes all names durable, as they are when the sync ends.
func (f *Files) SyncDir() error {
	return (*Mount)(f).commit(FileRemove, "", func(st *state) { st.files.durable = maps.Clone(st.files.live) })
}

// Put makes a file with these contents, durably: after a crash it is either there
// whole or as it was before. It stands for writing a temporary file, syncing it,
// renaming it and syncing the directory, and takes the time of one sync.
func (f *Files) Put(name string, data []byte) error {
	m := (*Mount)(f)
	data = append([]byte{}, data...)
	return m.commit(File, name, func(st *state) {
		n := &inode{data: data, durable: data}
		st.files.live[name], st.files.durable[name] = n, n
		m.record(&event.FileWritten{File: name, Size: int64(len(data))})
	})
}

// Delete removes a file durably, if there is one. It takes the time of one sync.
func (f *Files) Delete(name string) error {
	m := (*Mount)(f)
	return m.commit(FileRemove, name, func(st *state) {
		if st.files.live[name] == nil && st.files.durable[name] == nil {
			return
		}
		delete(st.files.live, name)
		delete(st.files.durable, name)
		m.record(&event.FileRemoved{File: name})
	})
}

func missing(name string) error { return fmt.Errorf("disk: %q: %w", name, fs.ErrNotExist) }
