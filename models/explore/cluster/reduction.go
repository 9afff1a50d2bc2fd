package cluster

import "dtsim/models/explore"

func (m *Model) Ample(s *State, enabled, ample []explore.Action) []explore.Action {
	return append(ample, enabled...)
}
func (m *Model) Independent(s *State, a, b explore.Action) bool { return false }
func (m *Model) Relevant(s *State) uint64                       { return 0 }
func (m *Model) Settled(s *State) bool                          { return false }
func (m *Model) Class(s *State, a explore.Action) int           { return -1 }
func (m *Model) Classes() int                                   { return 1 }
func (m *Model) Process(s *State, a explore.Action) int         { return 0 }
func (m *Model) Processes() int                                 { return 1 }
