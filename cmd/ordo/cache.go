package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models/fault"
	"ordo/models/table"
	"ordo/runner/data/pack"
	"ordo/runner/machine"
)

func newCacheCommand(g *global) *cobra.Command {
	return newGroup(&cobra.Command{
		Use:   "cache",
		Short: "List and remove packed images",
	}, newCacheListCommand(g), newCachePruneCommand(g))
}

// cacheFolder is the folder of packed images: dir, or the default.
func cacheFolder(dir string) (string, error) { return pack.Options{Dir: dir}.Folder() }

const dirHelp = "folder (`DIR`) of packed images, as in data.cache.dir (default: packed in ORDO_CACHE)"

const cacheListHelp = `List the files of packed images: the source and the split that each is of, how large it is,
when it was last used, and whether a process has it open.`

type cacheListOptions struct {
	dir    string
	asJSON bool
}

func newCacheListCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "list",
		Short:   "List packed images",
		Long:    cacheListHelp,
		Example: "  ordo cache list",
	}, &cacheListOptions{})
}

func (o *cacheListOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.dir, "dir", "", dirHelp)
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON list")
}

func (o *cacheListOptions) check(args []string) error { return noArgs(args) }

func (o *cacheListOptions) run(_ context.Context, g *global, _ []string) error {
	dir, err := cacheFolder(o.dir)
	if err != nil {
		return err
	}
	all, err := pack.List(dir)
	if err != nil {
		return err
	}
	if o.asJSON {
		return g.printJSON(append([]pack.Kept{}, all...))
	}
	if len(all) == 0 {
		fmt.Fprintf(g.stdout, "no packed images in %s\n", dir)
		return nil
	}
	fmt.Fprint(g.stdout, keptTable(all))
	total := int64(0)
	for _, k := range all {
		total += k.Bytes
	}
	fmt.Fprintf(g.stdout, "%s in %s\n", machine.Bytes(total), dir)
	return nil
}

// keptTable is a table of packed files.
func keptTable(all []pack.Kept) string {
	rows := [][]string{{"file", "images", "size", "last used"}}
	for _, k := range all {
		images, used := strconv.Itoa(k.Images), k.Used.Format("2006-01-02 15:04")
		if k.Images == 0 {
			images = "damaged"
		}
		if k.InUse {
			used = "in use"
		}
		rows = append(rows, []string{filepath.Base(k.File), images, machine.Bytes(k.Bytes), used})
	}
	return table.Columns(rows, 0)
}

const cachePruneHelp = `Remove files of packed images: those that are named, by their file or by what they are of
(folder-train), those that were not used for a time, and then those that were used longest
ago until the rest is small enough. A file that a process has open stays. A run whose file
is gone packs its images again.`

const cachePruneExamples = `  ordo cache prune --older-than 30d --dry-run
  ordo cache prune --max-size 10GB
  ordo cache prune folder-train`

type cachePruneOptions struct {
	dir, olderThan, maxSize string
	dry, asJSON             bool
}

func newCachePruneCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "prune [NAME ...]",
		Short:   "Remove packed images that are old, too many, or named",
		Long:    cachePruneHelp,
		Example: cachePruneExamples,
	}, &cachePruneOptions{})
}

func (o *cachePruneOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.dir, "dir", "", dirHelp)
	flags.StringVar(&o.olderThan, "older-than", "", "remove what wasn't used for a `TIME`, such as 30d or 12h")
	flags.StringVar(&o.maxSize, "max-size", "", "keep no more than a `SIZE`, such as 10GB or 500MiB")
	flags.BoolVar(&o.dry, "dry-run", false, "only say what would be removed")
	flags.BoolVar(&o.asJSON, "json", false, "print what is removed as a JSON list")
}

func (o *cachePruneOptions) check(args []string) error {
	if len(args) == 0 && o.olderThan == "" && o.maxSize == "" {
		return usagef("say what goes: a name, --older-than or --max-size")
	}
	_, err := o.prune(args)
	return err
}

// prune reads the flags.
func (o *cachePruneOptions) prune(args []string) (p pack.Prune, err error) {
	p = pack.Prune{Names: args, MaxSize: -1, Now: time.Now()}
	if o.olderThan != "" {
		if p.OlderThan, err = parseAge(o.olderThan); err != nil {
			return p, err
		}
	}
	if o.maxSize != "" {
		p.MaxSize, err = parseSize(o.maxSize)
	}
	return p, err
}

func (o *cachePruneOptions) run(_ context.Context, g *global, args []string) error {
	p, err := o.prune(args)
	if err != nil {
		return err
	}
	dir, err := cacheFolder(o.dir)
	if err != nil {
		return err
	}
	all, err := pack.List(dir)
	if err != nil {
		return err
	}
	if missing := pack.Called(all, args); len(missing) > 0 {
		return fault.New(fault.Other, "there are no packed images called %s in %s", strings.Join(missing, ", "), dir)
	}
	chosen := p.Choose(all)
	gone, failed := chosen, error(nil)
	if !o.dry {
		gone, failed = removeKept(chosen)
	}
	if o.asJSON {
		return errors.Join(g.printJSON(append([]pack.Kept{}, gone...)), failed)
	}
	total := int64(0)
	for _, k := range gone {
		total += k.Bytes
	}
	verb := "removed"
	if o.dry {
		verb = "would remove"
	}
	if len(gone) == 0 {
		fmt.Fprintf(g.stdout, "%s nothing in %s\n", verb, dir)
		return failed
	}
	fmt.Fprint(g.stdout, keptTable(gone))
	fmt.Fprintf(g.stdout, "%s %s in %s\n", verb, machine.Bytes(total), dir)
	return failed
}

// removeKept removes files, and gives those that it did.
func removeKept(chosen []pack.Kept) (gone []pack.Kept, err error) {
	for _, k := range chosen {
		removed, failed := k.Remove()
		if removed {
			gone = append(gone, k)
		}
		err = errors.Join(err, failed)
	}
	return gone, err
}

// parseAge reads a time as time.ParseDuration does, or days: 30d.
func parseAge(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n > 0 && n < 1e5 {
			return time.Duration(n * 24 * float64(time.Hour)), nil
		}
	} else if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return d, nil
	}
	return 0, usagef("--older-than must be a time such as 30d or 12h, got %q", text)
}

// sizes are the units of sizes; those with an i are powers of 1024.
var sizes = []struct {
	unit  string
	bytes float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6},
	{"GB", 1e9}, {"TB", 1e12}, {"B", 1}}

// parseSize reads a number of bytes with its unit.
func parseSize(text string) (int64, error) {
	for _, s := range sizes {
		if number, ok := strings.CutSuffix(text, s.unit); ok {
			if x, err := strconv.ParseFloat(strings.TrimSpace(number), 64); err == nil && x >= 0 && x*s.bytes < 1e18 {
				return int64(x * s.bytes), nil
			}
			break
		}
	}
	return 0, usagef("--max-size must be a size such as 10GB or 500MiB, got %q", text)
}
