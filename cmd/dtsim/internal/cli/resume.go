package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dtsim/reports/schema"
	"dtsim/sim/campaign"
)

// deciding are the flags that decide what a campaign is. What a resumed one was begun
// with is taken from its journal; a flag with another value is a mistake.
var deciding = []string{"scenario", "plan", "seeds", "nodes", "engine", "race", "system"}

// given returns the deciding flags that were given.
func given(flags *pflag.FlagSet) map[string][]string {
	all := map[string][]string{}
	for _, name := range deciding {
		if f := flags.Lookup(name); f.Changed {
			all[name] = values(f)
		}
	}
	return all
}

func values(f *pflag.Flag) []string {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	return []string{f.Value.String()}
}

// resume reads the journal of f.resume, if any, and sets the flags as they were.
func (f *runFlags) restore(cmd *cobra.Command) (*campaign.Past, error) {
	flags := cmd.Flags()
	if !flags.Changed("resume") {
		return nil, nil
	}
	if flags.Changed("out") && f.out != f.resume {
		return nil, badUsage("--out %s: a resumed campaign stays where it is, in %s", f.out, f.resume)
	}
	past, err := campaign.ReadJournal(f.resume)
	if err != nil {
		return nil, badUsage("--resume %w", err)
	}
	f.out = f.resume
	for _, name := range deciding {
		flag, then := flags.Lookup(name), past.Flags[name]
		switch {
		case flag.Changed && !slices.Equal(values(flag), then):
			return nil, badUsage("--%s %s: the campaign in %s was begun %s", name, strings.Join(values(flag), ","), f.resume, wasGiven(name, then))
		case flag.Changed:
		default:
			for _, value := range then {
				if err := flags.Set(name, value); err != nil {
					return nil, badUsage("--resume %s: --%s: %w", f.resume, name, err)
				}
			}
		}
	}
	return past, nil
}

func wasGiven(name string, values []string) string {
	if len(values) == 0 {
		return "without --" + name
	}
	return fmt.Sprintf("with --%s %s", name, strings.Join(values, ","))
}

// journal begins the journal of a campaign, or goes on with the one of the past. What the
// folder has of a campaign that ended there is removed. A campaign that has no place for a
// journal goes on without, and note is called.
func (f *runFlags) journal(cmd *cobra.Command, past *campaign.Past, note func(string)) (*campaign.Journal, error) {
	ended := filepath.Join(f.out, schema.CampaignFile)
	if _, err := os.Lstat(ended); err == nil {
		if err := os.Remove(ended); err != nil {
			note(fmt.Sprintf("%s is of another campaign, and stays (%v)", ended, pathCause(err)))
		}
	}
	if past != nil {
		return past.Resume(f.out)
	}
	j, err := campaign.CreateJournal(f.out, given(cmd.Flags()))
	if err != nil {
		note(fmt.Sprintf("no journal in %s (%v): this campaign could not be resumed", f.out, pathCause(err)))
		return nil, nil
	}
	return j, nil
}

// conclude keeps the document of a campaign next to its journal.
func (f *runFlags) conclude(d schema.Campaign, j *campaign.Journal) error {
	if j == nil {
		return nil // there is no place for it, as was said
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err == nil {
		err = campaign.WriteFile(filepath.Join(f.out, schema.CampaignFile), append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("the result of the campaign could not be kept: %w", err)
	}
	return nil
}

// pathCause takes the path off an error that names one.
func pathCause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
