package page

import (
	"context"
	"fmt"
	"path/filepath"

	"ordo/runner/catalogue"
)

// Live is a page that asks where it came from for itself every few seconds. It has no images.
type Live struct {
	Up    string // the page that lists its run; "": none
	Whole string // the page that the run ended with; "": none
}

// ListOptions say what a list is of.
type ListOptions struct {
	Root string                  // the folder
	Link func(run string) string // where the page of a run is
}

// overlaid is how many runs of a list lie over each other in its charts: those that changed last.
const overlaid = 8

// List makes a live page of the runs at or below a folder: how far each is, and the curves of those that changed last.
func List(ctx context.Context, o ListOptions) (Made, error) {
	all, err := catalogue.List(ctx, o.Root)
	if err != nil {
		return Made{}, err
	}
	var made Made
	var runs, shown []*folder
	for _, r := range all {
		f := &folder{Run: r}
		if later(all, r) < overlaid {
			if f, err = read(r.Folder, nil); err != nil {
				continue // it was removed meanwhile
			}
			shown = append(shown, f)
			made.Damage = append(made.Damage, f.damage...)
		}
		runs = append(runs, f)
	}
	label(runs)
	title := o.Root
	if at, err := filepath.Abs(o.Root); err == nil {
		title = filepath.Base(at) // "." says nothing
	}
	p := &content{Title: title, Live: true, Lead: tally(all)}
	if len(runs) > 0 {
		b := overview(runs)
		for i, f := range runs {
			b.Table.Rows[i].Link = o.Link(f.Folder)
		}
		p.section("runs", "Runs", "", b)
	}
	var labels []string
	var training []curve
	for i, f := range shown {
		labels = append(labels, f.label)
		for _, c := range f.training(i) {
			if c.block != blockDiagnostics {
				training = append(training, c)
			}
		}
	}
	p.section("training", "Training", "", blocks(training, labels)...)
	made.HTML, err = p.html()
	return made, err
}

// later is how many runs come before this one: those that are at work, then those whose folders changed later.
func later(all []catalogue.Run, r catalogue.Run) int {
	n := 0
	for _, other := range all {
		running, also := other.Status == catalogue.Running, r.Status == catalogue.Running
		if running && !also || running == also && other.Changed.After(r.Changed) {
			n++
		}
	}
	return n
}

// tally counts runs by status.
func tally(all []catalogue.Run) string {
	text := ""
	for _, status := range []string{catalogue.Running, catalogue.Finished, catalogue.Stopped} {
		n := 0
		for _, r := range all {
			if r.Status == status {
				n++
			}
		}
		if n > 0 {
			if text != "" {
				text += ", "
			}
			text += fmt.Sprintf("%d %s", n, status)
		}
	}
	if text == "" {
		return "There are no runs yet."
	}
	return text + "."
}
