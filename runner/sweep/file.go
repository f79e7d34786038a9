package sweep

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
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
	Parameters []parameter    // in the order of the file
	Jobs       int            // trials at once, in [1, 256]; default 1
	Expect     *config.Expect // nil: nothing is expected
}

// Metric is the number that the sweep looks for.
type Metric struct {
	Name string `json:"name"` // a path into a run's result; default knn_top1
	Goal string `json:"goal"` // maximize (default) or minimize
}

// Goals of a metric.
const (
	maximize = "maximize"
	minimize = "minimize"
)

// parameter is a key of the experiment and its values.
type parameter struct {
	Key    string
	Values []string // as an override of the command line takes them
	Lines  []int    // of the values, in the sweep file
}

// MaxJobs is the largest number of trials at once.
const MaxJobs = 256

// parseFile reads a sweep file; file names it in errors. An error is of kind fault.Config and has all mistakes, one a
// line.
func parseFile(file string, text []byte) (sweepFile, error) {
	p := parser{file: file}
	f := sweepFile{
		Name:   stem(file),
		Metric: Metric{Name: "knn_top1", Goal: maximize},
		Jobs:   1,
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
var fileKeys = []string{"name", "base", "method", "metric", "columns", "parameters", "jobs", "expect"}

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
	p.keys("", n, fileKeys, func(key string, v *yaml.Node) {
		delete(required, key)
		switch key {
		case "name":
			f.Name = p.text(key, v)
		case "base":
			f.Base = p.bases(v)
		case "method":
			if m := p.text(key, v); m != "" && m != "grid" {
				p.mistake(v.Line, "method: must be grid, got %q", m)
			}
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
			if err := v.Decode(&f.Jobs); err != nil || f.Jobs < 1 || f.Jobs > MaxJobs {
				p.mistake(v.Line, "jobs: must be a whole number in [1, %d]", MaxJobs)
			}
		}
	})
	if len(required) > 0 && n.Kind == yaml.MappingNode {
		p.mistake(0, "lacks %s, which a sweep must have", strings.Join(slices.Sorted(maps.Keys(required)), ", "))
	}
	if err := config.CheckName(f.Name); err != nil && f.Name != "" {
		p.mistake(0, "name: %v", err)
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
	p.keys("metric", n, []string{"name", "goal"}, func(key string, v *yaml.Node) {
		if key == "name" {
			m.Name = p.number("metric.name", v)
		} else if m.Goal = p.text("metric.goal", v); m.Goal != maximize && m.Goal != minimize && m.Goal != "" {
			p.mistake(v.Line, "metric.goal: must be %s or %s, got %q", maximize, minimize, m.Goal)
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

func (p *parser) parameter(key string, line int, n *yaml.Node, f *sweepFile) {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		p.mistake(line, "%s: must be one of {value: …}, {values: [ … ]} and {parameters: { … }}", key)
		return
	}
	p.keys(key, n, []string{"value", "values", "parameters"}, func(kind string, v *yaml.Node) {
		v = resolve(v)
		if kind == "parameters" {
			p.parameters(key, v, f)
			return
		}
		list := []*yaml.Node{v}
		if kind == "values" {
			if v.Kind != yaml.SequenceNode || len(v.Content) == 0 {
				p.mistake(v.Line, "%s.values: must be a list of at least one value", key)
				return
			}
			list = v.Content
		}
		if slices.ContainsFunc(f.Parameters, func(o parameter) bool { return o.Key == key }) {
			p.mistake(line, "%s: is there twice, with dots and nested; keep one", key)
			return
		}
		parameter := parameter{Key: key}
		for _, value := range list {
			text, err := override(resolve(value))
			if err != nil {
				p.mistake(value.Line, "%s: %v", key, err)
				continue
			}
			parameter.Values = append(parameter.Values, text)
			parameter.Lines = append(parameter.Lines, value.Line)
		}
		f.Parameters = append(f.Parameters, parameter)
	})
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
