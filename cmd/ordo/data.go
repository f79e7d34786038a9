package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ordo/runner/config"
	"ordo/runner/data"
	"ordo/runner/data/survey"
	"ordo/runner/report"
)

func newDataCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Look over an image set, or write it as JPEG files",
		Args:  cobra.ArbitraryArgs,
		RunE:  runGroup,
	}
	cmd.AddCommand(newDataInfoCommand(g), newDataVerifyCommand(g), newDataExportCommand(g))
	return cmd
}

const dataArguments = `The image set is that of an experiment file, whose keys can be changed as for ordo run; without a file, it is the one
that data.KEY=VALUE name.`

// loadData reads the data section that the arguments name: FILE [KEY=VALUE ...] or KEY=VALUE ….
func loadData(g *global, args []string) (data.Options, error) {
	var e config.Experiment
	var err error
	if _, missing := os.Stat(args[0]); missing != nil && strings.Contains(args[0], "=") {
		e, err = config.Parse("data.yaml", []byte("{}\n"), args, g.environ())
	} else {
		e, err = config.Load(args[0], args[1:], g.environ())
	}
	return e.Data, err
}

func dataArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageErrorf(cmd, "an experiment file, or data.KEY=VALUE, is missing")
	}
	return nil
}

// dataInfo is what `ordo data info --json` prints.
type dataInfo struct {
	Source string `json:"source"`
	Root   string `json:"root,omitempty"`
	survey.Survey
}

func newDataInfoCommand(g *global) *cobra.Command {
	var asJSON bool
	var out, split string
	cmd := &cobra.Command{
		Use:   "info FILE [KEY=VALUE ...] | data.KEY=VALUE ...",
		Short: "Show what an image set holds",
		Long: `Show what an image set holds: its splits and classes, sizes and formats of its images, and images that are there twice.
Headers are read, images are not decoded: ` + "`ordo data verify`" + ` does that. With --sheet, some images of every class are drawn.

` + dataArguments,
		Example: `  ordo data info experiments/demo.yaml
  ordo data info data.source=folder data.root=photos --sheet photos.png
  ordo data info data.source=cub200 data.root=CUB_200_2011 data.boxes=true --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if split != "train" && split != "test" {
				return usageErrorf(cmd, "--split must be one of train, test, got %q", split)
			}
			return dataArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := loadData(g, args)
			if err != nil {
				return err
			}
			sets, err := data.List(cmd.Context(), o)
			if err != nil {
				return err
			}
			if out != "" {
				set, name := sets.Train, o.Source+", "+split
				if split == "test" {
					set = sets.Test
				}
				s, err := survey.Sheet(cmd.Context(), set, name)
				if err != nil {
					return err
				}
				if err := s.WriteFile(out); err != nil {
					return err
				}
			}
			info := dataInfo{Source: o.Source, Root: o.Root}
			if info.Survey, err = survey.Take(cmd.Context(), sets.Train, sets.Test, newReading(g).image); err != nil {
				return err
			}
			if asJSON {
				return g.printJSON(info)
			}
			printDataInfo(g.stdout, info)
			if out != "" {
				fmt.Fprintf(g.stdout, "\nsheet: %s\n", out)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	cmd.Flags().StringVar(&out, "sheet", "", "draw some images of every class (`FILE.png`)")
	cmd.Flags().StringVar(&split, "split", "train", "`SPLIT` that the sheet shows: train or test")
	return cmd
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

// dataVerified is what `ordo data verify --json` prints.
type dataVerified struct {
	Images     int              `json:"images"`
	Unreadable []survey.Failure `json:"unreadable"`
}

// unreadableError is the end of a verification that found something.
type unreadableError struct{ unreadable, images int }

func (e unreadableError) Error() string {
	return fmt.Sprintf("%d of %d images can't be read: remove or replace them, or set data.on_error to skip", e.unreadable, e.images)
}

func (unreadableError) Is(target error) bool { return target == data.ErrData }

func newDataVerifyCommand(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify FILE [KEY=VALUE ...] | data.KEY=VALUE ...",
		Short: "Decode every image and list those that can't be read",
		Long: `Decode every image of both splits, and list those that can't be read and why. The exit status is 4 if there are any.

` + dataArguments,
		Example: `  ordo data verify data.source=folder data.root=photos
  ordo data verify experiments/fruit.yaml --json`,
		Args: dataArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := loadData(g, args)
			if err != nil {
				return err
			}
			sets, err := data.List(cmd.Context(), o)
			if err != nil {
				return err
			}
			found := dataVerified{Images: sets.Train.Len() + sets.Test.Len()}
			if found.Unreadable, err = survey.Verify(cmd.Context(), sets.Train, sets.Test, newReading(g).image); err != nil {
				return err
			}
			if asJSON {
				err = g.printJSON(found)
			} else {
				printFailures(g.stdout, found.Unreadable, len(found.Unreadable))
				fmt.Fprintf(g.stdout, "%d images, %d unreadable\n", found.Images, len(found.Unreadable))
			}
			if n := len(found.Unreadable); n > 0 && err == nil {
				return unreadableError{n, found.Images}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}

// shorten cuts a text to so many letters.
func shorten(text string, most int) string {
	letters := []rune(text)
	if len(letters) <= most {
		return text
	}
	return string(letters[:most-1]) + "…"
}
