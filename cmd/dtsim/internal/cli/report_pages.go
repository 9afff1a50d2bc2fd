package cli

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"dtsim/reports/html"
	"dtsim/reports/schema"
	"dtsim/reports/timeline"
	"dtsim/sim/campaign"
)

// html writes the page of a subject. Pages that belong to it, of the failures of a
// campaign, are written beside it unless the page goes to standard output.
func (r *reporter) html(w io.Writer, s *subject, target string) error {
	switch {
	case s.campaign != nil:
		return html.WriteCampaign(w, r.campaign(s, target))
	case s.check != nil:
		return html.WriteCheck(w, r.check(s, target))
	case s.mutants != nil:
		return html.WriteMutants(w, s.mutants)
	}
	tl, err := s.run.timeline(s.path)
	if err != nil {
		return err
	}
	return s.run.page(w, tl)
}

// timeline returns the projected run; path is where it was found.
func (r *runSubject) timeline(path string) (*timeline.Timeline, error) {
	if r.trace == nil {
		return nil, badUsage("%s has no trace to show; %s has the message: %s", path, campaign.ErrorFile, firstLine(r.words))
	}
	tl, err := timeline.New(r.trace)
	if err != nil {
		return nil, badUsage("%s: %w", path, err)
	}
	return tl, nil
}

// page writes the page of a run.
func (r *runSubject) page(w io.Writer, tl *timeline.Timeline) error {
	v := html.RunView{Timeline: tl, Replay: r.replay, Plan: r.plan}
	if verdict := r.verdict; verdict != nil && verdict.Shrunk != nil {
		v.Shrunk = fmt.Sprintf("Shrunk from %s to %s; %s.", verdict.Shrunk.Before, verdict.Shrunk.After, verdict.Shrunk.Statement)
	}
	return html.WriteRun(w, v)
}

// campaign returns the input of the page of a campaign, and writes the pages of its
// failures.
func (r *reporter) campaign(s *subject, target string) html.CampaignView {
	v := html.CampaignView{Document: s.campaign, Ended: s.ended}
	if r.baseline != nil {
		v.Baseline, v.BaselineName = r.baseline.campaign, r.baseline.path
	}
	found := s.campaign.Found()
	for _, f := range found[:min(len(found), html.MaxFailures)] {
		one, err := r.failure(s.folderOf(f), target)
		if err != nil {
			fmt.Fprintf(r.env.Stderr, "no page of %s, seed %d: %v\n", f.Scenario, f.Seed, err)
		}
		v.Failures = append(v.Failures, one)
	}
	return v
}

// folderOf returns the folder of a failure of a campaign: that inside of the folder of the
// campaign, which may have been moved, or the one in the document.
func (s *subject) folderOf(f schema.Failure) string {
	if beside := filepath.Join(s.folder, filepath.Base(f.Folder)); s.folder != "" && f.Folder != "" {
		if _, err := os.Stat(beside); err == nil {
			return beside
		}
	}
	return f.Folder
}

// failure returns the link to a failure and writes its page into its folder.
func (r *reporter) failure(folder, target string) (html.RunLink, error) {
	if folder == "" {
		return html.RunLink{}, nil
	}
	if _, err := os.Stat(filepath.Join(folder, campaign.TraceFile)); err != nil {
		return html.RunLink{}, nil // a data race has none
	}
	s, err := openRun(folder)
	if err != nil {
		return html.RunLink{}, err
	}
	return r.beside(s, filepath.Join(folder, "page.html"), target)
}

// beside returns the link to a run, and writes its page into a file unless the page with the
// link goes to standard output.
func (r *reporter) beside(s *subject, name, target string) (v html.RunLink, err error) {
	tl, err := s.run.timeline(s.path)
	if err != nil {
		return v, err
	}
	v.Picture = html.Thumbnail(tl)
	if target == stdout {
		return v, nil
	}
	var b bytes.Buffer
	if err := s.run.page(&b, tl); err != nil {
		return v, err
	}
	if err := r.keep(name, b.Bytes()); err != nil {
		return v, err
	}
	v.Page = link(target, name)
	return v, nil
}

// link returns a link from one file to another.
func link(from, to string) string {
	if relative, err := filepath.Rel(filepath.Dir(from), to); err == nil {
		to = relative
	}
	return (&url.URL{Path: filepath.ToSlash(to)}).String()
}

// check returns the input of the page of a search, and writes the pages of its
// counterexamples.
func (r *reporter) check(s *subject, target string) html.CheckView {
	v := html.CheckView{Document: s.check}
	for _, b := range s.check.Violations {
		var one html.RunLink
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
		v.Violations = append(v.Violations, one)
	}
	return v
}
