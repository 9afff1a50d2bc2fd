package property

import "dtsim/scenarios/tasks/taskevent"

// The names commands have in a trace.
const (
	addTask          = taskevent.CommandAddTask
	cancelTask       = taskevent.CommandCancelTask
	cleanUpTask      = taskevent.CommandCleanUpTask
	unitCompletion   = taskevent.CommandUnitCompletion
	unitProgress     = taskevent.CommandUnitProgress
	markFinalized    = taskevent.CommandMarkFinalized
	postAck          = taskevent.CommandPostAck
	preparationAck   = taskevent.CommandPreparationAck
	markFailed       = taskevent.CommandMarkFailed
	createCollection = taskevent.CommandCreateCollection
	dropCollection   = taskevent.CommandDropCollection
	updateProperty   = taskevent.CommandUpdateProperty
	addTenants       = taskevent.CommandAddTenants
	deleteTenants    = taskevent.CommandDeleteTenants
)
