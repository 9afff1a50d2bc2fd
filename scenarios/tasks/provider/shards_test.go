package provider

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dtsim/fsm"
)

func TestShardsFollowTheSchema(t *testing.T) {
	inBubble(t, func(r *rig) {
		require.NoError(r, r.shards.Follow(r.schema.collections, r.schema.Index()))
		require.Empty(r, r.changes(), "what is there already stays")

		c := &r.schema.collections[0]
		c.Properties["title"] = Property{Tokenization: "field", UserIndex: 12}
		require.NoError(r, r.shards.Follow(r.schema.collections, r.schema.Index()))
		require.Equal(r, []string{"updated s1", "updated s2"}, r.changes(), "a user's update goes in at once")
		require.Equal(r, map[string]string{"s1": "field", "s2": "field"}, r.serves())
		r.crash()
		require.Equal(r, map[string]string{"s1": "field", "s2": "field"}, r.serves())
		require.Empty(r, r.changes(), "and only once")

		delete(c.Replicas, "s2")
		require.NoError(r, r.shards.Follow(r.schema.collections, r.schema.Index()))
		require.Equal(r, []string{"removed s2"}, r.changes())
		require.NoError(r, r.shards.Follow(nil, 20))
		require.Equal(r, []string{"removed s1"}, r.changes())
		r.schema.collections = nil
		r.crash()
		require.Empty(r, r.serves())
	})
}

func TestASchemaThatIsOlderThanAShardIsIgnoredForIt(t *testing.T) {
	inBubble(t, func(r *rig) {
		old := r.schema.collections
		r.schema.collections = []Collection{{Name: "Articles", Born: 30, Properties: old[0].Properties, Replicas: old[0].Replicas}}
		require.NoError(r, r.shards.Follow(r.schema.collections, 31))
		require.Equal(r, []string{"created s1", "created s2"}, r.changes(), "dropped and created again")

		for name, schema := range map[string][]Collection{"from before it was created": nil, "with its predecessor": old} {
			require.NoError(r, r.shards.Follow(schema, 29), name)
			require.Empty(r, r.changes(), name)
		}
		require.NoError(r, r.shards.Follow(nil, 31))
		require.Equal(r, []string{"removed s1", "removed s2"}, r.changes(), "a drop that came later")
	})
}

// The shards must not hide that a swap was missed: what a task changes in the schema
// is not followed.
func TestATasksOwnChangeIsNotFollowed(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.schema.collections[0].Properties["title"] = Property{Tokenization: "trigram", UserIndex: 5}
		require.NoError(r, r.shards.Follow(r.schema.collections, r.schema.Index()))
		require.Equal(r, map[string]string{"s1": "word", "s2": "word"}, r.serves())
	})
}

func TestAUsersUpdateDiscardsWhatATaskHasLeft(t *testing.T) {
	inBubble(t, func(r *rig) {
		built(r, retokenize)
		r.schema.collections[0].Properties["title"] = Property{Tokenization: "field", UserIndex: 30}
		require.NoError(r, r.shards.Follow(r.schema.collections, r.schema.Index()))
		for _, s := range r.shards.All() {
			require.Empty(r, s.Built)
		}
		require.NoError(r, r.set.Reindex.OnTaskCompleted(r.task(retokenize, fsm.TaskStatusFailed, fsm.UnitStatusCompleted)))
		require.Equal(r, map[string]string{"s1": "field", "s2": "field"}, r.serves())
	})
}

func TestAShardFileThatIsNoneIsAnError(t *testing.T) {
	inBubble(t, func(r *rig) {
		require.NoError(r, r.mount.Files().Put("shard/Articles/s1", []byte("{")))
		_, err := OpenShards("n1", r.mount.Files(), r.emit, r.reach)
		require.ErrorContains(r, err, "shard/Articles/s1")
	})
}

func TestTheStatesOfAShardAreCopies(t *testing.T) {
	inBubble(t, func(r *rig) {
		one, err := r.shards.Get("Articles", "s1")
		require.NoError(r, err)
		one.Active["title"] = Segments{Tokenization: "other"}
		r.shards.All()[0].Active["title"] = Segments{Tokenization: "other"}
		require.Equal(r, map[string]string{"s1": "word", "s2": "word"}, r.serves())
		_, err = r.shards.Get("Articles", "s3")
		require.ErrorIs(r, err, errGone)
	})
}
