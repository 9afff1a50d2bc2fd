package plan

// InTable says whether a kind of fault has a row.
func InTable(k FaultKind) bool { _, ok := faultUses[k]; return ok }

// KindsInTable is how many rows there are.
func KindsInTable() int { return len(faultUses) }
