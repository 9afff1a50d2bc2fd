package taskplan

import "slices"

// Flaw is what is wrong with a submission (P18). It is sent as the flaw demands, whatever
// else is in the task.
type Flaw string

// The flaws. Those of the command must be refused for ever, whatever the state; what
// becomes of a payload is decided by those that read it: the guards of a namespace, if it
// has any, or else its provider.
const (
	// NoNamespace and NoID leave out a name of the task.
	NoNamespace Flaw = "no-namespace"
	NoID        Flaw = "no-id"
	// NoUnits leaves out the units, UnitTwice names the first one twice, UnitWithoutID
	// adds one without a name, NullUnit adds null to the list.
	NoUnits       Flaw = "no-units"
	UnitTwice     Flaw = "unit-twice"
	UnitWithoutID Flaw = "unit-without-id"
	NullUnit      Flaw = "null-unit"

	// PayloadGarbage sends bytes that are no text, PayloadCutOff the first half of the
	// payload, PayloadEmpty none of it, PayloadNull null, PayloadTypes other types than
	// the provider expects.
	PayloadGarbage Flaw = "payload-garbage"
	PayloadCutOff  Flaw = "payload-cut-off"
	PayloadEmpty   Flaw = "payload-empty"
	PayloadNull    Flaw = "payload-null"
	PayloadTypes   Flaw = "payload-types"

	// UnknownCollection and UnknownProperty name what the schema does not have.
	UnknownCollection Flaw = "unknown-collection"
	UnknownProperty   Flaw = "unknown-property"

	// PayloadHuge adds [HugePayload] bytes that are not read: no flaw at all.
	PayloadHuge Flaw = "payload-huge"
)

// Unknown is the name of what the schema does not have; HugePayload how many bytes are
// too many for comfort.
const (
	Unknown     = "no-such-name"
	HugePayload = 32 << 10
)

var (
	commandFlaws = []Flaw{NoNamespace, NoID, NoUnits, UnitTwice, UnitWithoutID, NullUnit}
	payloadFlaws = []Flaw{PayloadGarbage, PayloadCutOff, PayloadEmpty, PayloadNull, PayloadTypes}
)

// Flaws returns the flaws that a submission of a kind can have.
func Flaws(k Kind) []Flaw {
	all := slices.Concat(commandFlaws, payloadFlaws, []Flaw{PayloadHuge})
	if k != Cleanup {
		all = append(all, UnknownCollection)
	}
	if k == Reindex {
		all = append(all, UnknownProperty)
	}
	if k == ShardNoop { // no payload at all is none of its flaws
		all = slices.DeleteFunc(all, func(f Flaw) bool { return f == PayloadEmpty || f == PayloadNull })
	}
	return all
}

// OfCommand reports whether the command is bad in itself.
func (f Flaw) OfCommand() bool { return slices.Contains(commandFlaws, f) }

// Unreadable reports whether no provider can make anything of the payload.
func (f Flaw) Unreadable() bool { return slices.Contains(payloadFlaws, f) }
