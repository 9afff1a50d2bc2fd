package cli

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"dtsim/sim/campaign"
)

func TestBarShowsHowFarAndWhatWasFound(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, true, time.Now)
	p.Note("building the guest")
	p.Start(3)
	p.Done(campaign.Outcome{State: campaign.Violated})
	p.Note("in between")
	p.Done(campaign.Outcome{State: campaign.HarnessError})
	p.Done(campaign.Outcome{State: campaign.Passed})
	p.Stop()

	assert.Contains(t, out.String(), "building the guest\n")
	assert.Contains(t, out.String(), "in between\n")
	assert.Contains(t, out.String(), "running (1 violated)")
	assert.Contains(t, out.String(), "(0/3)")
}

func TestLinesComeAtAPaceAndForEveryRunThatDidNotHold(t *testing.T) {
	now := time.Unix(0, 0)
	var out bytes.Buffer
	p := newProgress(&out, false, func() time.Time { return now })
	p.Start(4)
	passed := campaign.Outcome{State: campaign.Passed}
	p.Done(passed)
	now = now.Add(pace)
	p.Done(passed)
	p.Done(campaign.Outcome{State: campaign.Violated, Run: campaign.Run{Family: &campaign.Family{Name: "journey-1"}, Seed: 7}})
	p.Done(passed)
	p.Stop()

	assert.Equal(t, "4 to run\n2 of 4 done\njourney-1, seed 7: violated\n4 of 4 done\n", out.String())
}
