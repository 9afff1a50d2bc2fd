package weaviate

import (
	"slices"

	"dtsim/fsm"
	"dtsim/scenarios/tasks"
	"dtsim/scenarios/tasks/provider"
	"dtsim/sched"

	published "github.com/weaviate/weaviate/cluster/distributedtask"
)

// ofNode is a provider of this side as the published Scheduler calls it.
type ofNode struct{ fsm.Provider }

func (p ofNode) SetCompletionRecorder(r published.TaskCompletionRecorder) {
	p.Provider.SetCompletionRecorder(r)
}

func (p ofNode) GetLocalTasks() []published.TaskDescriptor {
	return convertAll(p.Provider.GetLocalTasks(), func(d fsm.TaskDescriptor) published.TaskDescriptor { return published.TaskDescriptor(d) })
}

func (p ofNode) CleanupTask(d published.TaskDescriptor) error {
	return p.Provider.CleanupTask(fsm.TaskDescriptor(d))
}

func (p ofNode) StartTask(t *published.Task) (published.TaskHandle, error) {
	h, err := p.Provider.StartTask(ownTask(t))
	if err != nil {
		return nil, err // h may be a nil of its type
	}
	return h, nil
}

// callbacks are those of a provider of this side.
type callbacks interface {
	sched.FallibleUnitAwareProvider
	LocalCallbacksDone(task *fsm.Task, localNode string) bool
}

// withCallbacks is a provider with callbacks, but for OnTaskCompleted, which has another type in
// each version.
type withCallbacks struct {
	ofNode
	callbacks callbacks
}

func (p withCallbacks) OnGroupCompleted(t *published.Task, group string, units []string) error {
	return p.callbacks.OnGroupCompleted(ownTask(t), group, slices.Clone(units))
}

func (p withCallbacks) OnSwapRequested(t *published.Task, group string, units []string) error {
	return p.callbacks.OnSwapRequested(ownTask(t), group, slices.Clone(units))
}

func (p withCallbacks) LocalCallbacksDone(t *published.Task, node string) bool {
	return p.callbacks.LocalCallbacksDone(ownTask(t), node)
}

// mute has the OnTaskCompleted of v1.38, to which an error means nothing.
type mute struct{ withCallbacks }

func (p mute) OnTaskCompleted(t *published.Task) { _ = p.callbacks.OnTaskCompleted(ownTask(t)) }

// fallible has that since v1.39.0.
type fallible struct{ withCallbacks }

func (p fallible) OnTaskCompleted(t *published.Task) error {
	return p.callbacks.OnTaskCompleted(ownTask(t))
}

// publishedProvider returns a provider of this side as one of the published package. Which form of
// OnTaskCompleted that has is known when it is compiled.
func publishedProvider(p fsm.Provider) published.Provider {
	aware, ok := p.(callbacks)
	if !ok {
		return ofNode{p}
	}
	all := withCallbacks{ofNode{p}, aware}
	if unitAware, ok := any(fallible{all}).(published.UnitAwareProvider); ok {
		return unitAware
	}
	return any(mute{all}).(published.UnitAwareProvider)
}

var _ published.RecoveryAwareProvider = withCallbacks{}

// forgetful are the providers of a node, which behave as the one for which the published package
// was made: none lists a local task, and none has anything to clean up when it is told to. What
// runs have left that are gone is removed when another one starts.
type forgetful struct {
	*provider.Set
	onRecord func(provider.Run) bool
}

var _ tasks.Providers = forgetful{}

// Providers implements tasks.Providers.
func (f forgetful) Providers() map[string]fsm.Provider {
	all := f.Set.Providers()
	for namespace, p := range all {
		one := forgetfulProvider{p, namespace, f.onRecord}
		all[namespace] = one
		if aware, ok := p.(callbacks); ok {
			all[namespace] = forgetfulAware{one, aware}
		}
	}
	return all
}

type forgetfulProvider struct {
	fsm.Provider
	namespace string
	onRecord  func(provider.Run) bool
}

func (forgetfulProvider) GetLocalTasks() []fsm.TaskDescriptor  { return nil }
func (forgetfulProvider) CleanupTask(fsm.TaskDescriptor) error { return nil }

// StartTask implements fsm.Provider.
func (p forgetfulProvider) StartTask(t *fsm.Task) (fsm.TaskHandle, error) {
	for _, left := range p.Provider.GetLocalTasks() {
		if p.onRecord(provider.Run{Namespace: p.namespace, Task: left.ID, Version: left.Version}) {
			continue
		}
		if err := p.Provider.CleanupTask(left); err != nil {
			return nil, err
		}
	}
	return p.Provider.StartTask(t)
}

// forgetfulAware is a forgetful provider with callbacks.
type forgetfulAware struct {
	forgetfulProvider
	aware callbacks
}

func (p forgetfulAware) OnGroupCompleted(t *fsm.Task, group string, units []string) error {
	return p.aware.OnGroupCompleted(t, group, units)
}

func (p forgetfulAware) OnSwapRequested(t *fsm.Task, group string, units []string) error {
	return p.aware.OnSwapRequested(t, group, units)
}

func (p forgetfulAware) OnTaskCompleted(t *fsm.Task) error { return p.aware.OnTaskCompleted(t) }

func (p forgetfulAware) LocalCallbacksDone(t *fsm.Task, node string) bool {
	return p.aware.LocalCallbacksDone(t, node)
}
