package sweep

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"ordo/models/fault"
	"ordo/runner/config"
)

// sweepFile is a sweep file.
type sweepFile struct {
	Name string // of the sweep; default: the file's base name without extension
	// Base are the experiment files, relative to the sweep file's folder; each is run with every combination.
	Base   []string
	Metric Metric
	// Columns are numbers that the table shows beside the metric: paths into a run's result; nil: kNN, orders on the
	// embedding, loss.
	Columns    []string
	Parameters []parameter     // in the order of the file
	Exclude    [][]requirement // a combination that meets all of one is left out
	Random     bool            // values are drawn; else every combination is run
	TPE        bool            // values are chosen by what trials before have found; Random too
	Early      *early          // nil: every trial is trained to its end
	RunCap     int             // of a random search: how many are drawn, in [1, 10000]; 0 in a grid: all
	SearchSeed uint64          // of the draws; default 1
	Baseline   []requirement   // the row that others are compared with, one value a key
	Jobs       int             // trials at once, in [1, 256]; default 1
	Retries    int             // of a trial that fails, in [0, 100]; default 0
	FailFast   bool            // the first trial that fails for good stops the sweep
	Expect     *config.Expect  // nil: nothing is expected
}

// Metric is the number that the sweep looks for.
type Metric struct {
	Name string `json:"name"` // a path into a run's result; default knn_top1
	Goal string `json:"goal"` // maximize (default) or minimize
	// Target ends the sweep once a trial reaches it: no other begins then. Nil: all are run.
	Target *float64 `json:"target,omitempty"`
}

// reached says whether a number is as good as the target.
func (m Metric) reached(x float64) bool {
	if m.Target == nil {
		return false
	}
	if m.Goal == minimize {
		return x <= *m.Target
	}
	return x >= *m.Target
}

// Goals of a metric.
const (
	maximize = "maximize"
	minimize = "minimize"
)

// MaxJobs is the largest number of trials at once.
const MaxJobs = 256

// parseFile reads a sweep file; file names it in errors. An error is of kind fault.Config and has all mistakes, one a
// line.
func parseFile(file string, text []byte) (sweepFile, error) {
	p := parser{file: file}
	f := sweepFile{
		Name:   stem(file),
		Metric: Metric{Name: "knn_top1", Goal: maximize},
		Jobs:   1, SearchSeed: 1,
	}
	root, _, err := config.Document(text)
	switch {
	case err != nil:
		p.mistake(0, "%v", err)
	case isExperiment(root):
		return f, fault.New(fault.Config, "%s: is an experiment file, not a sweep file", file).
			With(fault.OtherCommand{File: file})
	case root == nil:
		p.mistake(0, "is empty; a sweep has the keys base, method and parameters")
	default:
		p.sweep(root, &f)
	}
	return f, p.err()
}

// isExperiment says whether a file has keys of an experiment and none that only a sweep has.
func isExperiment(root *yaml.Node) bool {
	if root == nil || root.Kind != yaml.MappingNode {
		return false
	}
	is := false
	for i := 0; i < len(root.Content); i += 2 {
		key := root.Content[i].Value
		if slices.Contains(fileKeys, key) && !slices.Contains(bothKeys, key) {
			return false
		}
		found, _ := config.KeysOf(key)
		is = is || key == config.ExtendsKey || len(found) > 0 && !slices.Contains(bothKeys, key)
	}
	return is
}

// fileKeys are the keys of a sweep file.
var fileKeys = []string{
	"name", "base", "method", "metric", "columns", "parameters", "seeds", "exclude", "run_cap", "search_seed", "baseline",
	"jobs", "retries", "fail_fast", "early_terminate", "expect",
}

// bothKeys are those of them that an experiment file may have, too.
var bothKeys = []string{"name", "expect"}

// parser collects mistakes.
type parser struct {
	file     string
	mistakes []mistake
}

// mistake is something that the user wrote wrong, a fault of kind Config.
type mistake struct {
	line int    // 0: the whole file
	text string // a sentence; err puts the place before it
}

func (m *mistake) Error() string { return m.text }
func (m *mistake) Unwrap() error { return fault.Config }

func (p *parser) mistake(line int, format string, args ...any) {
	p.mistakes = append(p.mistakes, mistake{line, fmt.Sprintf(format, args...)})
}

// err joins the mistakes in the order of their lines.
func (p *parser) err() error {
	slices.SortStableFunc(p.mistakes, func(a, b mistake) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for _, m := range p.mistakes {
		at := p.file
		if m.line > 0 {
			at += ":" + strconv.Itoa(m.line)
		}
		errs = append(errs, &mistake{m.line, at + ": " + m.text})
	}
	return errors.Join(errs...)
}

// sweep reads the top level.
func (p *parser) sweep(n *yaml.Node, f *sweepFile) {
	required := map[string]bool{"base": true, "method": true, "parameters": true}
	later := map[string]*yaml.Node{} // what is about the parameters, wherever it stands
	p.keys("", n, fileKeys, func(key string, v *yaml.Node) {
		delete(required, key)
		switch key {
		case "name":
			f.Name = p.text(key, v)
		case "base":
			f.Base = p.bases(v)
		case "method":
			p.method(v, f)
		case "metric":
			p.metric(v, &f.Metric)
		case "columns":
			f.Columns = p.texts(key, v)
			for i, c := range f.Columns {
				if err := config.CheckMetric(c); err != nil {
					p.mistake(v.Line, "columns[%d]: %q %v", i, c, err)
				}
			}
		case "parameters":
			p.parameters("", v, f)
		case "expect":
			x := config.ParseExpect(v, true, func(line int, text string) { p.mistake(line, "%s", text) })
			f.Expect = &x
		case "jobs":
			p.whole(key, v, &f.Jobs, 1, MaxJobs)
		case "run_cap":
			p.whole(key, v, &f.RunCap, 1, maxTrials)
		case "retries":
			p.whole(key, v, &f.Retries, 0, 100)
		case "search_seed":
			if err := v.Decode(&f.SearchSeed); err != nil {
				p.mistake(v.Line, "search_seed: must be a whole number from 0")
			}
		case "fail_fast":
			if err := v.Decode(&f.FailFast); err != nil {
				p.mistake(v.Line, "fail_fast: must be true or false")
			}
		case "early_terminate":
			f.Early = p.early(v)
		case "seeds", "exclude", "baseline":
			later[key] = v
		}
	})
	p.after(later, n, f)
	if len(required) > 0 && n.Kind == yaml.MappingNode {
		p.mistake(0, "lacks %s, which a sweep must have", strings.Join(slices.Sorted(maps.Keys(required)), ", "))
	}
	if err := config.CheckName(f.Name); err != nil && f.Name != "" {
		p.mistake(0, "name: %v", err)
	}
}

// method reads how combinations are chosen.
func (p *parser) method(n *yaml.Node, f *sweepFile) {
	m := p.text("method", n)
	f.TPE = m == "tpe"
	f.Random = m == "random" || f.TPE
	switch {
	case m == "bayes":
		p.mistake(n.Line, "method: bayes is tpe here, the tree-structured Parzen estimator; write tpe")
	case m != "" && m != "grid" && !f.Random:
		p.mistake(n.Line, "method: must be grid, random or tpe, got %q", m)
	}
}

// after reads what is about the parameters.
func (p *parser) after(given map[string]*yaml.Node, n *yaml.Node, f *sweepFile) {
	if v := given["seeds"]; v != nil {
		p.seeds(resolve(v), f)
	}
	if v := given["exclude"]; v != nil {
		v = resolve(v)
		if v.Kind != yaml.SequenceNode {
			p.mistake(v.Line, "exclude: must be a list of maps, such as [{seed: 1}]")
		}
		for i, e := range v.Content {
			if all := p.requirements(fmt.Sprintf("exclude[%d]", i), resolve(e), f); len(all) > 0 {
				f.Exclude = append(f.Exclude, all)
			}
		}
	}
	if v := given["baseline"]; v != nil {
		f.Baseline = p.requirements("baseline", resolve(v), f)
		for _, r := range f.Baseline {
			if len(r.values) > 1 || r.key == seedKey {
				p.mistake(v.Line, "baseline: must have one value for each of some parameters, and none for the seed")
			}
		}
	}
	for _, v := range f.Parameters {
		if !f.Random && (v.drawn != nil || v.probabilities != nil) {
			p.mistake(v.Lines[0], "%s: is drawn, and method is grid: list its values, or let method be random", v.Key)
		}
	}
	if f.Random && f.RunCap == 0 {
		p.mistake(n.Line, "run_cap: is missing: how many combinations a random search draws")
	}
	if f.TPE {
		p.searched(n, f)
	}
}

// seeds reads a list of seeds, or how many, from 1: the parameter that changes fastest.
func (p *parser) seeds(n *yaml.Node, f *sweepFile) {
	if slices.ContainsFunc(f.Parameters, func(v parameter) bool { return v.Key == seedKey }) {
		p.mistake(n.Line, "seeds: seed is among the parameters already; keep one")
		return
	}
	v := parameter{Key: seedKey}
	switch n.Kind {
	case yaml.SequenceNode:
		p.values(&v, n.Content)
	case yaml.ScalarNode:
		count := 0
		p.whole("seeds", n, &count, 1, maxTrials)
		for i := range count {
			v.Values, v.Lines = append(v.Values, strconv.Itoa(i+1)), append(v.Lines, n.Line)
		}
	}
	if len(v.Values) == 0 {
		p.mistake(n.Line, "seeds: must be a list of seeds, or how many")
		return
	}
	f.Parameters = append(f.Parameters, v)
}

// whole reads a whole number within bounds.
func (p *parser) whole(key string, n *yaml.Node, into *int, least, most int) {
	if err := n.Decode(into); err != nil || *into < least || *into > most {
		p.mistake(n.Line, "%s: must be a whole number in [%d, %d]", key, least, most)
	}
}

// bases reads one file's name or a list of them, whose copies must find room in one folder.
func (p *parser) bases(n *yaml.Node) []string {
	n = resolve(n)
	if n.Kind != yaml.SequenceNode {
		if name := p.text("base", n); name != "" {
			return []string{name}
		}
		return nil
	}
	names := p.texts("base", n)
	seen := map[string]bool{}
	for _, name := range names {
		if stem := stem(name); seen[stem] {
			p.mistake(n.Line, "base: two files are called %s; the table could not tell them apart", stem)
		} else {
			seen[stem] = true
		}
	}
	return names
}

// stem is a file's name without folder and extension.
func stem(file string) string {
	file = filepath.Base(file)
	return strings.TrimSuffix(file, filepath.Ext(file))
}

// texts reads a list of at least one text.
func (p *parser) texts(key string, n *yaml.Node) []string {
	n = resolve(n)
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		p.mistake(n.Line, "%s: must be a list of at least one text", key)
		return nil
	}
	var list []string
	for i, v := range n.Content {
		if text := p.text(fmt.Sprintf("%s[%d]", key, i), v); text != "" {
			list = append(list, text)
		}
	}
	return list
}

func (p *parser) metric(n *yaml.Node, m *Metric) {
	*m = Metric{}
	line := n.Line
	p.keys("metric", n, []string{"name", "goal", "target"}, func(key string, v *yaml.Node) {
		switch key {
		case "name":
			m.Name = p.number("metric.name", v)
		case "goal":
			if m.Goal = p.text("metric.goal", v); m.Goal != maximize && m.Goal != minimize && m.Goal != "" {
				p.mistake(v.Line, "metric.goal: must be %s or %s, got %q", maximize, minimize, m.Goal)
			}
		case "target":
			if err := v.Decode(&m.Target); err != nil || m.Target == nil || math.IsNaN(*m.Target) {
				p.mistake(v.Line, "metric.target: must be a number")
			}
		}
	})
	if resolve(n).Kind == yaml.MappingNode && (m.Name == "" || m.Goal == "") {
		p.mistake(line, "metric: needs both, as in {name: knn_top1, goal: maximize}")
	}
}

// number reads the path of a number of results.
func (p *parser) number(key string, n *yaml.Node) string {
	path := p.text(key, n)
	if path == "" {
		return ""
	}
	if err := config.CheckMetric(path); err != nil {
		p.mistake(n.Line, "%s: %q %v", key, path, err)
	}
	return path
}

// parameters reads a map of keys to values; keys of maps nested by `parameters` are put behind prefix.
func (p *parser) parameters(prefix string, n *yaml.Node, f *sweepFile) {
	at := cmp.Or(prefix, "parameters")
	n = resolve(n)
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		p.mistake(n.Line, "%s: must be a map of an experiment's keys, such as seed: {values: [1, 2, 3]}", at)
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], resolve(n.Content[i+1])
		key := k.Value
		if prefix != "" {
			key = prefix + "." + key
		}
		p.parameter(key, k.Line, v, f)
	}
}

// override writes a value as the command line takes it: one line of YAML, scalars as they were written.
func override(n *yaml.Node) (string, error) {
	var value any
	if err := n.Decode(&value); err != nil {
		return "", errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	switch v := value.(type) {
	case nil:
		return "", errors.New("has no value")
	case string:
		var again any
		if err := yaml.Unmarshal([]byte(v), &again); err == nil && again == value && !strings.ContainsAny(v, "\r\n") {
			return v, nil
		}
		return flow(yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v, Style: yaml.DoubleQuotedStyle})
	case []any, map[string]any, map[any]any:
		var plain yaml.Node
		if err := plain.Encode(value); err != nil {
			return "", err
		}
		plain.Style = yaml.FlowStyle
		return flow(plain)
	}
	if n.Tag == n.ShortTag() && n.Style&yaml.TaggedStyle == 0 {
		return n.Value, nil
	}
	var plain yaml.Node
	if err := plain.Encode(value); err != nil {
		return "", err
	}
	return plain.Value, nil
}

func flow(n yaml.Node) (string, error) {
	text, err := yaml.Marshal(&n)
	return strings.TrimSpace(string(text)), err
}

// keys calls each for every key of a map and reports those that it doesn't know.
func (p *parser) keys(path string, n *yaml.Node, known []string, each func(key string, v *yaml.Node)) {
	n = resolve(n)
	at := path
	if at != "" {
		at += ": "
	}
	if n.Kind != yaml.MappingNode {
		p.mistake(n.Line, "%smust be a map with the keys %s", at, strings.Join(known, ", "))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if !slices.Contains(known, k.Value) {
			hint := "the keys are " + strings.Join(known, ", ")
			if near := config.Nearest(k.Value, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			p.mistake(k.Line, "%s%q is no key here; %s", at, k.Value, hint)
			continue
		}
		each(k.Value, n.Content[i+1])
	}
}

func (p *parser) text(key string, n *yaml.Node) string {
	n = resolve(n)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" || n.Value == "" {
		p.mistake(n.Line, "%s: must be text", key)
		return ""
	}
	return n.Value
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}
