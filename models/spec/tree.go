package spec

import (
	"cmp"
	"iter"
)

// digester is a value that has a digest: equal values have equal digests, and two
// that differ have different ones but for an accident of one in 2^64.
type digester interface{ Digest() uint64 }

// Map is an immutable sorted map from strings. The zero Map is empty. Put and Delete
// return another map that shares all but a path of nodes with this one.
//
// It is a treap whose priorities are hashes of the keys, so that equal maps have
// equal trees whatever the order in which they were filled.
type Map[V digester] struct{ root *node[V] }

type node[V digester] struct {
	key         string
	priority    uint64
	value       V
	size        int
	sum         uint64 // of the digests below and including this node
	left, right *node[V]
}

// Len is the number of keys.
func (m Map[V]) Len() int { return m.root.len() }

// Digest is the sum of the digests of the entries, kept up to date by every change.
func (m Map[V]) Digest() uint64 { return m.root.digest() }

// Get returns the value of a key; false if there is none.
func (m Map[V]) Get(key string) (V, bool) {
	for n := m.root; n != nil; {
		switch c := cmp.Compare(key, n.key); {
		case c == 0:
			return n.value, true
		case c < 0:
			n = n.left
		default:
			n = n.right
		}
	}
	var none V
	return none, false
}

// Put returns the map with a key set to a value.
func (m Map[V]) Put(key string, value V) Map[V] {
	left, _, right := m.root.split(key)
	one := &node[V]{key: key, priority: mix(hash(key)), value: value}
	return Map[V]{merge(merge(left, one.fixed()), right)}
}

// Delete returns the map without a key.
func (m Map[V]) Delete(key string) Map[V] {
	left, found, right := m.root.split(key)
	if !found {
		return m
	}
	return Map[V]{merge(left, right)}
}

// All yields the entries by ascending key.
func (m Map[V]) All() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) { m.root.walk(yield) }
}

// EntryDigest is what an entry adds to the digest of its map.
func EntryDigest(key string, value uint64) uint64 { return mix(mix(hash(key)) + value) }

func (n *node[V]) len() int {
	if n == nil {
		return 0
	}
	return n.size
}

func (n *node[V]) digest() uint64 {
	if n == nil {
		return 0
	}
	return n.sum
}

func (n *node[V]) walk(yield func(string, V) bool) bool {
	return n == nil || n.left.walk(yield) && yield(n.key, n.value) && n.right.walk(yield)
}

// fixed computes the size and sum of n from the nodes below it. n is not shared yet.
func (n *node[V]) fixed() *node[V] {
	n.size = n.left.len() + 1 + n.right.len()
	n.sum = n.left.digest() + EntryDigest(n.key, n.value.Digest()) + n.right.digest()
	return n
}

// under returns n with other nodes below it.
func (n *node[V]) under(left, right *node[V]) *node[V] {
	c := *n
	c.left, c.right = left, right
	return c.fixed()
}

// split returns the nodes before key and those after it, and whether key was there.
func (n *node[V]) split(key string) (before *node[V], found bool, after *node[V]) {
	if n == nil {
		return nil, false, nil
	}
	switch c := cmp.Compare(key, n.key); {
	case c == 0:
		return n.left, true, n.right
	case c < 0:
		before, found, after = n.left.split(key)
		return before, found, n.under(after, n.right)
	default:
		before, found, after = n.right.split(key)
		return n.under(n.left, before), found, after
	}
}

// merge joins two trees; all keys of a come before all of b.
func merge[V digester](a, b *node[V]) *node[V] {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.priority > b.priority || a.priority == b.priority && a.key < b.key:
		return a.under(a.left, merge(a.right, b))
	default:
		return b.under(merge(a, b.left), b.right)
	}
}
