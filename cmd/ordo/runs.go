package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ordo/models/table"
	"ordo/runner/catalogue"
	"ordo/runner/config"
)

const runsHelp = `List the runs at or below a folder (default: runs): status, epoch, a number of the result,
name, hash, when the folder last changed, and where it is. Sweeps and selections hold runs too.
--where keeps those whose experiment has a value, --sort orders by any key; entries of lists
go by their names: augment.ordered.rotate.max.`

const runsExamples = `  ordo runs
  ordo runs runs/mnist-role-3f2a --metric order_accuracy.rotate.embedding --sort metric
  ordo runs --status stopped
  ordo runs --where model.backbone=resnet18 --where train.lr=1e-3 --sort seed
  ordo runs diff runs/a runs/b
  ordo runs verify runs/*
  ordo runs rm runs/a`

type runsOptions struct {
	metric, status, sort string
	where                []string
	asJSON               bool
}

// The orders of the list.
const (
	byFolder  = "folder"
	byMetric  = "metric"
	byChanged = "changed"
	byEpoch   = "epoch"
	byStatus  = "status"
	byHash    = "hash"
)

var orders = []string{byFolder, byMetric, byChanged, byEpoch, byStatus, byHash}

func newRunsCommand(g *global) *cobra.Command {
	cmd := newCommand(g, &cobra.Command{
		Use:     "runs [DIR]",
		Short:   "List, compare and remove runs",
		Long:    runsHelp,
		Example: runsExamples,
	}, &runsOptions{})
	cmd.AddCommand(newRunsDiffCommand(g), newRunsVerifyCommand(g), newRunsRemoveCommand(g))
	return cmd
}

func (o *runsOptions) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.metric, "metric", "knn_top1", "`NUMBER` of result.json to show, by its path")
	flags.StringVar(&o.status, "status", "", "only runs of this `STATUS`: finished, running or stopped")
	flags.StringArrayVar(&o.where, "where", nil, "only runs whose experiment has this (`KEY=VALUE`); again: and this")
	flags.StringVar(&o.sort, "sort", byFolder, "order of the list (`BY`): folder, metric or epoch (largest first), "+
		"changed (latest first), status, hash, or a key")
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON list, with every number")
}

func (o *runsOptions) check(args []string) error {
	if err := atMost(args, 1); err != nil {
		return err
	}
	if o.status != "" {
		if err := oneOf("status", o.status, catalogue.Finished, catalogue.Running, catalogue.Stopped); err != nil {
			return err
		}
	}
	if err := config.CheckMetric(o.metric); err != nil {
		return usagef("--metric: %q %v", o.metric, err)
	}
	for _, text := range o.where {
		key, _, ok := strings.Cut(text, "=")
		if !ok {
			return usagef("--where must be KEY=VALUE, got %q", text)
		}
		if err := knownKey("where", key); err != nil {
			return err
		}
	}
	if slices.Contains(orders, o.sort) {
		return nil
	}
	return knownKey("sort", o.sort)
}

// knownKey refuses what no experiment has as a key. Names of list entries stand in the place of their index.
func knownKey(flag, key string) error {
	found, near := config.KeysOf(key)
	parts := strings.Split(key, ".")
	for i := 1; len(found) == 0 && i < len(parts)-1; i++ {
		indexed := slices.Clone(parts)
		indexed[i] = "0"
		found, _ = config.KeysOf(strings.Join(indexed, "."))
	}
	if len(found) > 0 {
		return nil
	}
	if near != "" {
		near = fmt.Sprintf(" (did you mean %s?)", near)
	}
	return usagef("--%s: no key is called %q%s", flag, key, near)
}

// wanted says whether a run is one of those that are asked for.
func (o *runsOptions) wanted(r catalogue.Run) bool {
	if o.status != "" && r.Status != o.status {
		return false
	}
	for _, text := range o.where {
		key, want, _ := strings.Cut(text, "=")
		if got, ok := r.Value(key); !ok || !config.SameValue(got, want) {
			return false
		}
	}
	return true
}

func (o *runsOptions) run(ctx context.Context, g *global, args []string) error {
	root := "runs"
	if len(args) > 0 {
		root = args[0]
	}
	all, err := catalogue.List(ctx, root)
	if err != nil && !(len(args) == 0 && errors.Is(err, fs.ErrNotExist)) { // nothing was run here yet
		return err
	}
	all = slices.DeleteFunc(all, func(r catalogue.Run) bool { return !o.wanted(r) })
	slices.SortStableFunc(all, o.compare)
	if o.asJSON {
		return g.printJSON(append([]catalogue.Run{}, all...))
	}
	if len(all) == 0 {
		fmt.Fprintf(g.stdout, "no runs in %s\n", root)
		return nil
	}
	rows := [][]string{{"status", "epoch", o.metric[strings.LastIndexByte(o.metric, '.')+1:], "name", "hash",
		"changed", "folder"}}
	for _, r := range all {
		number := "–"
		if x, ok := r.Numbers[o.metric]; ok {
			number = fmt.Sprintf("%.4f", x)
		}
		epoch := strconv.FormatFloat(r.Epoch, 'f', -1, 64)
		if r.Epoch != float64(int(r.Epoch)) {
			epoch = fmt.Sprintf("%.1f", r.Epoch)
		}
		if r.Epochs > 0 {
			epoch += fmt.Sprintf("/%d", r.Epochs)
		}
		rows = append(rows, []string{r.Status, epoch, number, r.Name, r.Hash, r.Changed.Format("2006-01-02 15:04"),
			r.Folder})
	}
	fmt.Fprint(g.stdout, table.Columns(rows, 0))
	for _, r := range all {
		if r.Trouble != "" {
			g.note(r.Folder + ": " + r.Trouble)
		}
	}
	return nil
}

func (o *runsOptions) compare(a, b catalogue.Run) int {
	byPath := cmp.Compare(a.Folder, b.Folder)
	switch o.sort {
	case byFolder:
		return byPath
	case byChanged:
		return b.Changed.Compare(a.Changed)
	case byEpoch:
		return cmp.Or(cmp.Compare(b.Epoch, a.Epoch), byPath)
	case byStatus:
		return cmp.Or(cmp.Compare(a.Status, b.Status), byPath)
	case byHash:
		return cmp.Or(cmp.Compare(a.Hash, b.Hash), byPath)
	case byMetric:
		x, ok := a.Numbers[o.metric]
		y, also := b.Numbers[o.metric]
		return cmp.Or(firstWith(ok, also), cmp.Compare(y, x), byPath)
	}
	x, ok := a.Value(o.sort)
	y, also := b.Value(o.sort)
	if first := firstWith(ok, also); first != 0 {
		return first
	}
	m, err := strconv.ParseFloat(x, 64)
	n, failed := strconv.ParseFloat(y, 64)
	if err == nil && failed == nil {
		return cmp.Or(cmp.Compare(m, n), byPath)
	}
	return cmp.Or(cmp.Compare(x, y), byPath)
}

// firstWith puts what has something before what hasn't.
func firstWith(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

const runsDiffHelp = `Tell two runs apart: the keys of their experiments that differ, and the numbers that both
have, side by side.`

type runsDiffOptions struct {
	every, asJSON bool
}

func newRunsDiffCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "diff RUN RUN",
		Short:   "Tell two runs apart by their keys and their numbers",
		Long:    runsDiffHelp,
		Example: "  ordo runs diff runs/absent runs/ordered --all",
	}, &runsDiffOptions{})
}

func (o *runsDiffOptions) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.every, "all", false, "all numbers, and not only those of features")
	flags.BoolVar(&o.asJSON, "json", false, "print a JSON object")
}

func (o *runsDiffOptions) check(args []string) error {
	if len(args) < 2 {
		return usagef("name two run folders")
	}
	return atMost(args, 2)
}

// number is one that both runs have.
type number struct {
	Name   string  `json:"name"`
	First  float64 `json:"first"`
	Second float64 `json:"second"`
}

func (o *runsDiffOptions) run(ctx context.Context, g *global, args []string) error {
	keys, err := catalogue.Keys(args[0], args[1])
	if err != nil {
		return err
	}
	var both [2]map[string]float64
	for i, dir := range args {
		runs, err := catalogue.List(ctx, dir)
		if err != nil {
			return err
		}
		if len(runs) == 1 {
			both[i] = runs[0].Numbers
		}
	}
	numbers := []number{}
	for _, name := range slices.Sorted(maps.Keys(both[0])) {
		x, ok := both[1][name]
		measured := strings.HasPrefix(name, "evaluation.") && strings.HasSuffix(name, ".features")
		if ok && (o.every || measured) {
			numbers = append(numbers, number{name, both[0][name], x})
		}
	}
	if o.asJSON {
		return g.printJSON(map[string]any{"keys": append([]catalogue.Difference{}, keys...), "numbers": numbers})
	}
	if len(keys) == 0 {
		fmt.Fprintln(g.stdout, "their experiments are the same")
	} else {
		rows := [][]string{{"key", "first", "second"}}
		for _, d := range keys {
			rows = append(rows, []string{d.Key, cmp.Or(d.First, "–"), cmp.Or(d.Second, "–")})
		}
		fmt.Fprint(g.stdout, table.Columns(rows, 0))
	}
	if len(numbers) == 0 {
		fmt.Fprintln(g.stdout, "\nthere are no numbers to compare: both must be finished")
		return nil
	}
	rows := [][]string{{"number", "first", "second", "difference"}}
	for _, n := range numbers {
		rows = append(rows, []string{strings.TrimPrefix(n.Name, "evaluation."), fmt.Sprintf("%.4f", n.First),
			fmt.Sprintf("%.4f", n.Second), table.Number("%+.4f", n.Second-n.First)})
	}
	fmt.Fprint(g.stdout, "\n"+table.Columns(rows, 0))
	fmt.Fprintln(g.stdout, "\nOne seed each: ordo eval RUN --against RUN has intervals over images.")
	return nil
}

const runsRemoveHelp = `Remove the run folders that are named, each only if it holds a run that no process works
on.`

type runsRemoveOptions struct{}

func newRunsRemoveCommand(g *global) *cobra.Command {
	return newCommand(g, &cobra.Command{
		Use:     "rm RUN ...",
		Short:   "Remove the run folders that are named",
		Long:    runsRemoveHelp,
		Example: "  ordo runs rm runs/demo-26a1d36c4d",
	}, &runsRemoveOptions{})
}

func (*runsRemoveOptions) AddFlags(*pflag.FlagSet) {}

func (*runsRemoveOptions) check(args []string) error { return atLeastOne(args, "a run folder") }

func (*runsRemoveOptions) run(_ context.Context, g *global, args []string) error {
	var failed []error
	for _, dir := range args {
		if err := catalogue.Remove(filepath.Clean(dir)); err != nil {
			failed = append(failed, err)
		} else {
			fmt.Fprintf(g.stdout, "removed %s%c\n", filepath.Clean(dir), os.PathSeparator)
		}
	}
	return errors.Join(failed...)
}
