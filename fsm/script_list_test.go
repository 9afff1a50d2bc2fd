package fsm

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// list: the tasks in the order in which a list has them.
func (s *script) handleList() string {
	var out strings.Builder
	list := s.rig.list()
	for _, namespace := range slices.Sorted(maps.Keys(list)) {
		for _, task := range list[namespace] {
			fmt.Fprintf(&out, "%s/%s@%d: %s\n", namespace, task.ID, task.Version, task.Status)
		}
	}
	if out.Len() == 0 {
		return "no tasks\n"
	}
	return out.String()
}
