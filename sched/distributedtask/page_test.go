package distributedtask_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/exp/apidiff"
	"golang.org/x/tools/go/packages"
	"google.golang.org/grpc/status"

	"dtsim/sched/distributedtask"
)

// pagePath is the transcript of the reference's package page.
const pagePath = "testdata/page"

// load returns the types of the page and of the face.
func load(t *testing.T) (page, face *types.Package) {
	t.Helper()
	config := &packages.Config{Mode: packages.LoadSyntax, Context: t.Context()}
	loaded, err := packages.Load(config, "./"+pagePath, ".")
	require.NoError(t, err)
	require.Len(t, loaded, 2)
	for _, p := range loaded {
		require.Empty(t, p.Errors, "loading %s", p.PkgPath)
		if strings.HasSuffix(p.PkgPath, pagePath) {
			page = p.Types
		} else {
			face = p.Types
		}
	}
	return page, face
}

// edited returns the types of page with another source.
func edited(t *testing.T, page *types.Package, source string) *types.Package {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "page.go", source, parser.SkipObjectResolution)
	require.NoError(t, err)
	config := types.Config{Importer: importsOf{page}}
	checked, err := config.Check(page.Path(), files, []*ast.File{file}, nil)
	require.NoError(t, err)
	return checked
}

// importsOf imports what a package imports.
type importsOf struct{ *types.Package }

func (p importsOf) Import(path string) (*types.Package, error) {
	for _, imported := range p.Imports() {
		if imported.Path() == path {
			return imported, nil
		}
	}
	return nil, fmt.Errorf("%s does not import %s", p.Path(), path)
}

// incompatible lists what a user of page could no longer do with face.
func incompatible(page, face *types.Package) []string {
	var changes []string
	for _, change := range apidiff.Changes(page, flatten(face)).Changes {
		if !change.Compatible {
			changes = append(changes, change.Message)
		}
	}
	return append(changes, changedTags(page, flatten(face))...)
}

// changedTags lists the fields of page's structs whose tags face changes: they are
// the wire format, which apidiff does not look at.
func changedTags(page, face *types.Package) []string {
	var changes []string
	for _, name := range page.Scope().Names() {
		was, ok := underlyingStruct(page, name)
		if !ok {
			continue
		}
		is, ok := underlyingStruct(face, name)
		if !ok {
			continue // apidiff has reported it
		}
		tags := map[string]string{}
		for i := range is.NumFields() {
			tags[is.Field(i).Name()] = is.Tag(i)
		}
		for i := range was.NumFields() {
			field := was.Field(i)
			if tag, ok := tags[field.Name()]; ok && field.Exported() && tag != was.Tag(i) {
				changes = append(changes, fmt.Sprintf("%s.%s: tag changed from %s to %s", name, field.Name(), was.Tag(i), tag))
			}
		}
	}
	return changes
}

func underlyingStruct(p *types.Package, name string) (*types.Struct, bool) {
	o, ok := p.Scope().Lookup(name).(*types.TypeName)
	if !ok {
		return nil, false
	}
	s, ok := o.Type().Underlying().(*types.Struct)
	return s, ok
}

func TestTheFaceOffersEverythingOnThePage(t *testing.T) {
	page, face := load(t)
	assert.Len(t, exported(page), 66, "names on the page")
	assert.Empty(t, incompatible(page, face))
	assert.Empty(t, difference(exported(face), exported(page)), "names that are not on the page")
}

// What the comparison is for: each of these differences is found.
func TestAFaceThatDiffersFromThePageIsFound(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(pagePath, "page.go"))
	require.NoError(t, err)
	page, face := load(t)
	require.Empty(t, incompatible(edited(t, page, string(source)), face), "nothing is changed")

	for name, c := range map[string]struct{ from, to, want string }{
		"a function that is not there": {
			"func ToRPCError(err error) error", "func ToRPCError(err error) error\n\nfunc FromRPCError(err error) error",
			"FromRPCError: removed",
		},
		"a function with other parameters": {
			"func NewConcurrencyLimiter(maxConcurrency int)", "func NewConcurrencyLimiter(maxConcurrency int64)",
			"NewConcurrencyLimiter: changed from func(int64) *ConcurrencyLimiter to func(int) *ConcurrencyLimiter",
		},
		"a type that is not there": {
			"type UnitSpec struct", "type Extra struct{}\n\ntype UnitSpec struct",
			"Extra: removed",
		},
		"a method that is not there": {
			"func (s *Scheduler) Wake()", "func (s *Scheduler) Wake()\n\nfunc (s *Scheduler) Sleep()",
			"(*Scheduler).Sleep: removed",
		},
		"a method that needs a pointer": {
			"func (s *Scheduler) Wake()", "func (s Scheduler) Wake()",
			"Scheduler.Wake: removed",
		},
		"a method with another result": {
			"func (t *Task) Groups() []string", "func (t *Task) Groups() map[string]bool",
			"(*Task).Groups: changed from func() map[string]bool to func() []string",
		},
		"an interface that asks for more": {
			"type TaskHandle interface {\n\tTerminate()\n", "type TaskHandle interface {\n",
			".Terminate: added",
		},
		"a field that is not there": {
			"LocalNode        string", "LocalNode        string\n\tRack string",
			"SchedulerParams.Rack: removed",
		},
		"a field of another type": {
			"Progress   float32 ", "Progress   float64 ",
			"Unit.Progress: changed from float64 to float32",
		},
		"a field with another tag": {
			"`json:\"groupId,omitempty\"`", "`json:\"group,omitempty\"`",
			"Unit.GroupID: tag changed from json:\"group,omitempty\" to json:\"groupId,omitempty\"",
		},
		"a type that can no longer be compared": {
			"type Manager struct {\n\t_ [0]func()\n}", "type Manager struct {}",
			"Manager: old is comparable, new is not",
		},
		"a constant of another value": {
			"= 3 * time.Second", "= 5 * time.Second",
			"DefaultThrottleInterval: value changed from 5000000000 to 3000000000",
		},
		"a variable that is not there": {
			"	ErrTaskNotRunning ", "	ErrTaskGone = errors.New(\"gone\")\n\tErrTaskNotRunning ",
			"ErrTaskGone: removed",
		},
		"a mock's call with other arguments": {
			"Run(run func(ctx context.Context, namespace string, taskID string, taskVersion uint64))", "Run(run func(ctx context.Context))",
			"(*MockTaskCleaner_CleanUpDistributedTask_Call).Run: changed from",
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(string(source), c.from), "places where the page says %q", c.from)
			changes := incompatible(edited(t, page, strings.Replace(string(source), c.from, c.to, 1)), face)
			assert.Condition(t, func() bool {
				return slices.ContainsFunc(changes, func(change string) bool { return strings.Contains(change, c.want) })
			}, "%q in %q", c.want, changes)
		})
	}
}

func TestTheSentinelsReadAsOnThePage(t *testing.T) {
	for want, err := range map[string]error{
		"permanent FSM rejection":          distributedtask.ErrPermanentRejection,
		"task is no longer running":        distributedtask.ErrTaskNotRunning,
		"task does not exist":              distributedtask.ErrTaskDoesNotExist,
		"unit is already terminal":         distributedtask.ErrUnitAlreadyTerminal,
		"unit belongs to a different node": distributedtask.ErrUnitWrongNode,
		"task is not in finalizing state":  distributedtask.ErrTaskNotInFinalizingState,
	} {
		assert.EqualError(t, err, want)
	}
	sent := distributedtask.ToRPCError(errors.Join(distributedtask.ErrTaskNotRunning, distributedtask.ErrPermanentRejection))
	assert.Equal(t, distributedtask.PermanentRejectionRPCCode, status.Code(sent))
	assert.ErrorIs(t, distributedtask.RehydratePermanentRejection(sent), distributedtask.ErrPermanentRejection)
}

func exported(p *types.Package) []string {
	return slices.DeleteFunc(p.Scope().Names(), func(name string) bool { return !p.Scope().Lookup(name).Exported() })
}

func difference(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(name string) bool { return slices.Contains(b, name) })
}
