package cli

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"dtsim/reports/overview"
	"dtsim/reports/page"
	"dtsim/reports/runpage"
	"dtsim/reports/schema"
	"dtsim/reports/timeline"
	"dtsim/sim/campaign/archive"
)

// html writes the page of a subject. Pages that belong to it, of the failures of a
// campaign, are written beside it, but for a page that goes to standard output.
func (r *reporter) html(w io.Writer, s *subject, target string) error {
	var p *page.Page
	var err error
	switch {
	case s.run != nil:
		told, err := s.run.story(s.path)
		if err != nil {
			return err
		}
		return s.run.page(w, told)
	case s.campaign != nil:
		p, err = r.campaign(s, target)
	case s.check != nil:
		p, err = r.check(s, target)
	case s.mutants != nil:
		p, err = overview.Mutants(s.mutants)
	}
	if err != nil {
		return err
	}
	return p.Write(w)
}

// story tells a run; path is where it was found.
func (r *runSubject) story(path string) (*timeline.Timeline, error) {
	if r.trace == nil {
		return nil, badUsage("%s has no trace to show; %s has its words: %s", path, archive.ErrorFile, firstLine(r.words))
	}
	told, err := timeline.New(r.trace)
	if err != nil {
		return nil, badUsage("%s: %w", path, err)
	}
	return told, nil
}

// page writes the page of a run.
func (r *runSubject) page(w io.Writer, told *timeline.Timeline) error {
	p := runpage.Run{Story: told, Replay: r.replay, Plan: r.plan}
	if v := r.verdict; v != nil && v.Shrunk != nil {
		p.Shrunk = fmt.Sprintf("Shrunk from %s to %s; %s.", v.Shrunk.Before, v.Shrunk.After, v.Shrunk.Statement)
	}
	return runpage.Write(w, p)
}

// campaign makes the page of a campaign.
func (r *reporter) campaign(s *subject, target string) (*page.Page, error) {
	v := overview.CampaignView{Document: s.campaign, Ended: s.ended}
	if r.baseline != nil {
		v.Baseline, v.BaselineName = r.baseline.campaign, r.baseline.path
	}
	found := s.campaign.Found()
	for _, f := range found[:min(len(found), overview.MostFailures)] {
		one, err := r.failure(s.folderOf(f), target)
		if err != nil {
			fmt.Fprintf(r.env.Stderr, "no page of %s, seed %d: %v\n", f.Scenario, f.Seed, err)
		}
		v.Failures = append(v.Failures, one)
	}
	return overview.Campaign(v)
}

// folderOf is where a failure of a campaign is kept: in the folder of the campaign, which
// may have been moved since, or where it was.
func (s *subject) folderOf(f schema.Failure) string {
	if beside := filepath.Join(s.folder, filepath.Base(f.Folder)); s.folder != "" && f.Folder != "" {
		if _, err := os.Stat(beside); err == nil {
			return beside
		}
	}
	return f.Folder
}

// failure draws a failure and writes its page into its folder.
func (r *reporter) failure(folder, target string) (overview.FailureView, error) {
	if folder == "" {
		return overview.FailureView{}, nil
	}
	if _, err := os.Stat(filepath.Join(folder, archive.TraceFile)); err != nil {
		return overview.FailureView{}, nil // a data race has none
	}
	s, err := openRun(folder)
	if err != nil {
		return overview.FailureView{}, err
	}
	return r.beside(s, filepath.Join(folder, "page.html"), target)
}

// beside draws a run, and writes its page into a file unless the page that leads there
// goes to standard output.
func (r *reporter) beside(s *subject, name, target string) (v overview.FailureView, err error) {
	told, err := s.run.story(s.path)
	if err != nil {
		return v, err
	}
	v.Picture = overview.Thumbnail(told)
	if target == stdout {
		return v, nil
	}
	var b bytes.Buffer
	if err := s.run.page(&b, told); err != nil {
		return v, err
	}
	if err := r.keep(name, b.Bytes()); err != nil {
		return v, err
	}
	v.Page = link(target, name)
	return v, nil
}

// link leads from one file to another.
func link(from, to string) string {
	if relative, err := filepath.Rel(filepath.Dir(from), to); err == nil {
		to = relative
	}
	return (&url.URL{Path: filepath.ToSlash(to)}).String()
}

// check makes the page of a search.
func (r *reporter) check(s *subject, target string) (*page.Page, error) {
	v := overview.CheckView{Document: s.check}
	for _, b := range s.check.Violations {
		var one overview.FailureView
		name := b.Trace
		if _, err := os.Stat(name); err != nil { // moved, together
			name = filepath.Join(filepath.Dir(s.path), filepath.Base(b.Trace))
		}
		found, err := openSubject(name)
		if err == nil && found.run != nil {
			one, err = r.beside(found, stem(name)+".html", target)
		}
		if err != nil {
			fmt.Fprintf(r.env.Stderr, "no page of the counterexample to %s: %v\n", b.Property, err)
		}
		v.Pages, v.Pictures = append(v.Pages, one.Page), append(v.Pictures, one.Picture)
	}
	return overview.Check(v)
}
