package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/runner/data/survey"
	"ordo/runner/report"
)

const dataInfoHelp = `Show what an image set holds: its splits and classes, sizes and formats of its images, and
images that are there twice. Only headers are read; ordo data verify decodes the images.
With --sheet, some images of every class are drawn.

` + dataArguments

const dataInfoExamples = `  ordo data info experiments/demo.yaml
  ordo data info data.source=folder data.root=photos --sheet photos.png
  ordo data info data.source=cub200 data.root=CUB_200_2011 data.boxes=true --json`

type dataInfoOptions struct {
	sheet, split string
	asJSON       bool
}

func newDataInfoCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "info FILE [KEY=VALUE ...] | data.KEY=VALUE ...",
		Short:   "Show what an image set holds",
		Long:    dataInfoHelp,
		Example: dataInfoExamples,
	}, &dataInfoOptions{})
}

func (o *dataInfoOptions) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON object")
	flags.StringVar(&o.sheet, "sheet", "", "draw some images of every class (`FILE.png`)")
	flags.StringVar(&o.split, "split", "train", "`SPLIT` that the sheet shows: train or test")
}

func (o *dataInfoOptions) check(args []string) error {
	return cmp.Or(oneOf("split", o.split, "train", "test"), dataArgs(args))
}

func (o *dataInfoOptions) run(ctx context.Context, g *global, args []string) error {
	options, sets, err := listData(ctx, g, args)
	if err != nil {
		return err
	}
	if o.sheet != "" {
		set := sets.Train
		if o.split == "test" {
			set = sets.Test
		}
		s, err := survey.Sheet(ctx, set, options.Source+", "+o.split)
		if err != nil {
			return err
		}
		if err := s.WriteFile(o.sheet); err != nil {
			return err
		}
	}
	info := dataInfo{Source: options.Source, Root: options.Root}
	if info.Survey, err = survey.Take(ctx, sets.Train, sets.Test, newReading(g).image); err != nil {
		return err
	}
	if o.asJSON {
		return g.printJSON(info)
	}
	printDataInfo(g.stdout, info)
	if o.sheet != "" {
		fmt.Fprintf(g.stdout, "\nsheet: %s\n", o.sheet)
	}
	return nil
}

// dataInfo is what `ordo data info --json` prints.
type dataInfo struct {
	Source string `json:"source"`
	Root   string `json:"root,omitempty"`
	survey.Survey
}

const (
	maxInfoClasses    = 200
	maxInfoUnreadable = 10
)

func printDataInfo(w io.Writer, d dataInfo) {
	at := d.Source
	if d.Root != "" {
		at += " in " + d.Root
	}
	fmt.Fprintf(w, "%-16s%s\n\n", "source", at)
	fmt.Fprintf(w, "%-16s%24s%24s\n", "", "train", "test")
	line := func(name string, value func(s survey.Split) string) {
		fmt.Fprintf(w, "%-16s%24s%24s\n", name, value(d.Train), value(d.Test))
	}
	spread := func(r survey.Range) string { return fmt.Sprintf("%d – %d – %d", r.Min, r.Median, r.Max) }
	counts := func(all []survey.Count) string {
		var parts []string
		for _, c := range all {
			if len(all) == 1 {
				return c.Name
			}
			parts = append(parts, fmt.Sprintf("%s %d", c.Name, c.Images))
		}
		return strings.Join(parts, ", ")
	}
	line("images", func(s survey.Split) string { return fmt.Sprint(s.Images) })
	line("without label", func(s survey.Split) string { return fmt.Sprint(s.Unlabelled) })
	line("width", func(s survey.Split) string { return spread(s.Width) })
	line("height", func(s survey.Split) string { return spread(s.Height) })
	line("format", func(s survey.Split) string { return counts(s.Formats) })
	line("channels", func(s survey.Split) string { return counts(s.Channels) })
	line("on disk", func(s survey.Split) string {
		if s.Bytes == 0 {
			return "nothing"
		}
		return report.Bytes(s.Bytes)
	})
	line("unreadable", func(s survey.Split) string { return fmt.Sprint(len(s.Unreadable)) })
	line("key", func(s survey.Split) string { return s.Key[:16] })
	fmt.Fprintf(w, "(width and height: smallest – median – largest)\n")
	if n := d.Duplicates.Groups; n > 0 {
		fmt.Fprintf(w, "\nduplicates: %d images are equal to others, in %d groups, %d of them across the splits\n",
			d.Duplicates.Images, n, d.Duplicates.Across)
		for _, ids := range d.Duplicates.Examples {
			fmt.Fprintf(w, "  %s\n", strings.Join(ids, " = "))
		}
	}
	if bad := slices.Concat(d.Train.Unreadable, d.Test.Unreadable); len(bad) > 0 {
		fmt.Fprintf(w, "\nunreadable:\n")
		printFailures(w, bad, maxInfoUnreadable)
	}
	if len(d.Classes) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%-44s%10s%10s\n", fmt.Sprintf("class (%d)", len(d.Classes)), "train", "test")
	for i, c := range d.Classes {
		if i == maxInfoClasses {
			fmt.Fprintf(w, "and %d more\n", len(d.Classes)-i)
			break
		}
		fmt.Fprintf(w, "%-44s%10d%10d\n", shorten(c.Name, 43), c.Train, c.Test)
	}
}

func printFailures(w io.Writer, failures []survey.Failure, limit int) {
	for i, f := range failures {
		if i == limit {
			fmt.Fprintf(w, "  and %d more\n", len(failures)-i)
			break
		}
		fmt.Fprintf(w, "  %s: %s\n", f.ID, f.Cause)
	}
}

// shorten cuts a text to so many letters.
func shorten(text string, most int) string {
	letters := []rune(text)
	if len(letters) <= most {
		return text
	}
	return string(letters[:most-1]) + "…"
}
