package scenarios

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dtsim/scenarios/property"
	"dtsim/scenarios/tasks/taskplan"
)

func TestEverySystemHasAProfile(t *testing.T) {
	systems, profiles := Systems(), property.Profiles()
	require.Len(t, systems, len(profiles))
	for i, a := range systems {
		assert.Equal(t, profiles[i].Name, a.Profile)
		found, err := SystemNamed(a.Profile)
		require.NoError(t, err)
		assert.Equal(t, a.Guest, found.Guest)
	}
	_, err := SystemNamed("etcd")
	require.EqualError(t, err, `there is no system "etcd"; there are weaviate, weaviate-reindex`)
}

// Plans for the published task manager have nothing that its contract does not allow, and are those
// of this repository otherwise.
func TestPlansForThePublishedTaskManager(t *testing.T) {
	flawed, inherited := 0, 0
	for _, s := range All() {
		if !s.Published() {
			continue
		}
		for seed := range uint64(40) {
			own, p := s.Plan(seed, Options{}), s.Plan(seed, Options{Published: true})
			require.NoError(t, p.Validate(), "%s, seed %d", s.Name, seed)
			require.Nil(t, p.Inherited, "%s, seed %d", s.Name, seed)
			same := own.Inherited == nil
			if !same {
				inherited++
			}
			for i, op := range p.Workload {
				if op.Task != nil {
					require.False(t, op.Task.Flaw.OfCommand(), "%s, seed %d, workload[%d]", s.Name, seed, i)
				}
			}
			for _, op := range own.Workload {
				if op.Do == taskplan.AddTask && op.Task.Flaw.OfCommand() {
					flawed, same = flawed+1, false
				}
			}
			if same {
				require.Equal(t, own, p, "%s, seed %d", s.Name, seed)
			}
		}
	}
	assert.Positive(t, flawed)
	assert.Positive(t, inherited)
}
