package reconcile

import (
	"fmt"
	"strings"
)

var (
	phaseNames    = [...]string{"unknown", "STARTED", "PREPARING", "SWAPPING", "ENDED"}
	recoveryNames = [...]string{RecoveryDone: "recovery=done", RecoveryReplay: "recovery=replay"}
)

// String returns the progress as phase and counts.
func (p Progress) String() string {
	return fmt.Sprintf("%s terminal=%d claimed=%d acks=%d+%d",
		phaseNames[p.Phase], p.TerminalUnits, p.ClaimedUnits, p.PreparationAcks, p.PostAcks)
}

// String returns the memory in one line; unset parts are left out.
func (m Memory) String() string {
	var parts []string
	if m.Version != 0 {
		parts = append(parts, fmt.Sprintf("v%d (%s)", m.Version, m.Seen))
	}
	if m.Recovery != RecoveryUnknown {
		parts = append(parts, recoveryNames[m.Recovery])
	}
	if len(m.Prepared) > 0 {
		parts = append(parts, "prepared "+describeResults(m.Prepared))
	}
	if len(m.Completed) > 0 {
		parts = append(parts, "completed "+describeResults(m.Completed))
	}
	for _, kind := range []Kind{AckPreparation, AckPost, CompleteTask, Finalize, CleanRecord} {
		if m.Did(kind) {
			parts = append(parts, "did "+kind.String())
		}
	}
	if m.EffectPass != 0 {
		parts = append(parts, fmt.Sprintf("effect in pass %d", m.EffectPass))
	}
	for _, t := range m.Tried {
		group := ""
		if t.Group != "" {
			group = fmt.Sprintf(" group=%q", t.Group)
		}
		parts = append(parts, fmt.Sprintf("tried %s v%d%s until pass %d", t.Kind, t.Version, group, t.Until))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

func describeResults(results []GroupResult) string {
	var b strings.Builder
	for i, r := range results {
		if i > 0 {
			b.WriteByte(' ')
		}
		if r.Failed {
			fmt.Fprintf(&b, "%q=failed(%s)", r.Group, r.Err)
		} else {
			fmt.Fprintf(&b, "%q=ok", r.Group)
		}
	}
	return "[" + b.String() + "]"
}
