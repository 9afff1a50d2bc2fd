package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"dtsim/models/explore/counterexample"
	"dtsim/reports/schema"
	"dtsim/sim/campaign"
	"dtsim/sim/trace"
)

// subject is the subject of a report: a run, a campaign, a search of the model checker, or
// mutants.
type subject struct {
	// path is the argument on the command line.
	path string
	// folder is its folder if path is one; files of the report go there.
	folder string

	run      *runSubject
	campaign *schema.Campaign
	// ended is false for a campaign that has a journal only.
	ended   bool
	check   *schema.Check
	mutants *schema.Mutants
}

// runSubject is a run that is kept: simulated, or a counterexample of the model checker.
type runSubject struct {
	// trace is nil for a data race and for some harness errors; words describe those.
	trace *trace.Trace
	words string
	// file is the plan, or the trace of a run without a folder.
	file string
	// plan is the plan's document; replay is the command that reproduces the run.
	plan   []byte
	replay string
	// verdict is that of the folder; nil for a trace alone.
	verdict *campaign.Verdict
}

// openSubject opens the subject at a path, recognised by its content.
func openSubject(path string) (*subject, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, badUsage("%s: %w", path, pathCause(err))
	}
	if info.IsDir() {
		return openFolder(path)
	}
	content, err := readInput(path)
	if err != nil {
		return nil, err
	}
	switch {
	case looksLikeTrace(content):
		t, _, err := decodeTrace(path, content)
		if err != nil {
			return nil, err
		}
		r := &runSubject{trace: t, file: path, replay: "go run ./cmd/dtsim replay " + campaign.Quote(path)}
		if t.Header.Engine == counterexample.Engine {
			r.replay = replayCommand(path)
		}
		return &subject{path: path, run: r}, nil
	case filepath.Base(path) == campaign.JournalFile:
		return openCampaign(path, filepath.Dir(path))
	case strings.HasPrefix(strings.TrimLeft(string(content), " \t\r\n"), "{"):
		s, err := openDocument(path, content)
		if errors.Is(err, schema.ErrUnknown) {
			if p, planErr := decodePlan(path, content); planErr == nil {
				return nil, badUsage("%s is the plan %q, not a run; dtsim run --plan %s --keep makes one", path, p.Name, campaign.Quote(path))
			}
		}
		return s, err
	}
	return nil, badUsage("%s: neither a trace nor a document of dtsim run, check or mutants", path)
}

// openDocument reads a document of a command.
func openDocument(path string, content []byte) (*subject, error) {
	d, err := schema.Read(content)
	if err != nil {
		return nil, badUsage("%s: %w", path, err)
	}
	s := &subject{path: path}
	switch d := d.(type) {
	case *schema.Campaign:
		s.campaign, s.ended = d, true
	case *schema.Check:
		s.check = d
	case *schema.Mutants:
		s.mutants = d
	}
	return s, nil
}

// openFolder opens the run or the campaign in a folder.
func openFolder(path string) (*subject, error) {
	there := func(name string) bool {
		_, err := os.Stat(filepath.Join(path, name))
		return err == nil
	}
	switch {
	case there(campaign.VerdictFile):
		return openRun(path)
	case there(schema.CampaignFile), there(campaign.JournalFile):
		return openCampaign(path, path)
	}
	return nil, badUsage("%s: neither a run (%s) nor a campaign (%s, %s) in this folder",
		path, campaign.VerdictFile, schema.CampaignFile, campaign.JournalFile)
}

// openRun reads the folder of a run.
func openRun(folder string) (*subject, error) {
	v, err := campaign.ReadVerdict(folder)
	if err != nil {
		return nil, &usageError{err}
	}
	r := &runSubject{verdict: v, file: filepath.Join(folder, campaign.PlanFile), replay: campaign.ReplayCommand(folder)}
	if r.plan, err = readInput(r.file); err != nil {
		return nil, err
	}
	name := filepath.Join(folder, campaign.TraceFile)
	content, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		words, err := readInput(filepath.Join(folder, campaign.ErrorFile))
		if err != nil {
			return nil, err
		}
		r.words = strings.TrimSpace(string(words))
	case err != nil:
		return nil, badUsage("%s: %w", name, pathCause(err))
	default:
		if r.trace, _, err = decodeTrace(name, content); err != nil {
			return nil, err
		}
	}
	return &subject{path: folder, folder: folder, run: r}, nil
}

// openCampaign reads the document in the folder of a campaign, or makes it of the journal if
// the campaign has not ended.
func openCampaign(path, folder string) (*subject, error) {
	name := filepath.Join(folder, schema.CampaignFile)
	content, err := os.ReadFile(name)
	if err == nil {
		s, err := openDocument(name, content)
		if err != nil {
			return nil, err
		}
		if s.campaign == nil {
			return nil, badUsage("%s: not a document of a campaign", name)
		}
		s.path, s.folder = path, folder
		return s, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, badUsage("%s: %w", name, pathCause(err))
	}
	past, err := campaign.ReadJournal(folder)
	if err != nil {
		return nil, &usageError{err}
	}
	d := pastDocument(past)
	return &subject{path: path, folder: folder, campaign: &d}, nil
}

// pastDocument returns the document of a campaign from its journal.
func pastDocument(past *campaign.Past) schema.Campaign {
	r := past.Result()
	head := summaryHead{Command: "dtsim run"}
	for _, name := range deciding {
		for _, value := range past.Flags[name] {
			head.Command += " --" + name + " " + campaign.Quote(value)
		}
		if values := past.Flags[name]; name == "seeds" && len(values) == 1 {
			head.Seeds = values[0]
		}
	}
	for _, o := range r.Asked {
		head.Engine = o.Engine
	}
	for _, o := range r.Compared {
		head.Second = o.Engine
	}
	d := newRunDocument(head, r)
	d.Hash, d.Asked = "", 0 // unknown for a part
	return d
}

// openBaseline reads the campaign to compare with.
func openBaseline(path string) (*subject, error) {
	s, err := openSubject(path)
	if err != nil {
		return nil, err
	}
	if s.campaign == nil {
		return nil, badUsage("--baseline %s is %s, not a campaign", path, s.what())
	}
	return s, nil
}

// what returns the kind of a subject.
func (s *subject) what() string {
	switch {
	case s.campaign != nil:
		return "a campaign"
	case s.check != nil:
		return "a search of the model checker"
	case s.mutants != nil:
		return "the results of mutants"
	case s.run.trace == nil:
		return "a run without a trace"
	case s.run.trace.Header.Engine == counterexample.Engine:
		return "a counterexample"
	}
	return "a run"
}
