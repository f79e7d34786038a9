package config

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ordo/augment"
	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/track"
)

// Expect is the `expect:` section of an experiment or a sweep file: what its author found, for whoever runs it again.
// It decides nothing of a run and is no part of its hash.
type Expect struct {
	Minutes float64 // that it takes on 2 cores, as a guide; 0: not said
	Seeds   int     // that the ranges come from, as information; 0: not said
	Ranges  []Range // in the order of the file
	Groups  []Group // of a sweep's trials, in the order of the file; an experiment file has none
	// Verdicts are those of `ordo select` on an experiment file, in the order of the file.
	Verdicts []Verdict
}

// Verdict is what `ordo select` may say of a family: any of some verdicts.
type Verdict struct {
	Family string
	Any    []string // each one of Verdicts
}

// What `ordo select` says of a family, beside the roles invariant and ordered.
const (
	VerdictLeaveOut  = "leave out"
	VerdictUndecided = "undecided"
)

// Verdicts lists all verdicts.
func Verdicts() []string {
	return []string{augment.RoleOrdered, augment.RoleInvariant, VerdictLeaveOut, VerdictUndecided}
}

// Range is where a number is expected.
type Range struct {
	Metric    string  // a path into a run's result, one of track.NumberPaths
	Low, High float64 // both belong to it; an infinity: open
}

// Group are the ranges of a group of a sweep's trials.
type Group struct {
	Name   string // as it is written: KEY=VALUE, or several with commas
	Line   int
	Ranges []Range
}

// The section's key in a file, and those of its keys that are no metrics.
const (
	expectKey   = "expect"
	minutesKey  = "minutes"
	seedsKey    = "seeds"
	verdictsKey = "verdicts"
)

// LoadExpect reads the `expect:` section of an experiment file; nil: it has none. Load has checked the same. Its errors
// are of kind fault.Config.
func LoadExpect(file string) (*Expect, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Reading(fault.Config, file, err)
	}
	root, _, err := Document(text)
	if err != nil {
		return nil, fault.New(fault.Config, "%s: %w", file, err)
	}
	section, _ := take(root, expectKey)
	if section == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	var found mistakes
	places := origins{files: []string{file}}
	x := ParseExpect(section, false, func(line int, text string) { found.add(places.at(place{0, line}), "%s", text) })
	if len(found) > 0 {
		return nil, found.err()
	}
	return &x, nil
}

// ParseExpect reads the value of a file's key `expect`. Only a sweep has groups. What is wrong, mistake hears in
// sentences, with the line.
func ParseExpect(n *yaml.Node, groups bool, mistake func(line int, text string)) Expect {
	p := expectParser{groups: groups, mistake: func(n *yaml.Node, format string, args ...any) {
		mistake(n.Line, fmt.Sprintf(format, args...))
	}}
	x := Expect{}
	x.Ranges = p.ranges(expectKey, n, &x)
	return x
}

type expectParser struct {
	groups  bool
	mistake func(n *yaml.Node, format string, args ...any)
}

// ranges reads a map of metrics to ranges. The section itself, x, has further keys; that of a group, nil, has not.
func (p expectParser) ranges(path string, n *yaml.Node, x *Expect) []Range {
	n = target(n)
	if n.Kind != yaml.MappingNode {
		p.mistake(n, "%s: must be a map of metrics, such as knn_top1: [0.9, 1]", path)
		return nil
	}
	var list []Range
	metrics := 0 // and groups
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], target(n.Content[i+1])
		at := path + "." + key.Value
		if x == nil || key.Value != minutesKey && key.Value != seedsKey {
			metrics++
		}
		switch {
		case x != nil && key.Value == minutesKey:
			if err := v.Decode(&x.Minutes); err != nil || !(x.Minutes > 0 && x.Minutes <= 1e6) {
				p.mistake(v, "%s: must be a number in (0, 1000000]", at)
			}
		case x != nil && key.Value == seedsKey:
			if err := v.Decode(&x.Seeds); err != nil || x.Seeds < 1 || x.Seeds > 1e6 {
				p.mistake(v, "%s: must be a whole number in [1, 1000000]", at)
			}
		case x != nil && !p.groups && key.Value == verdictsKey:
			x.Verdicts = p.verdicts(at, v)
		case x != nil && p.groups && strings.Contains(key.Value, "="):
			x.Groups = append(x.Groups, Group{key.Value, key.Line, p.ranges(at, v, nil)})
		case strings.Contains(key.Value, "="):
			p.mistake(key, "%s: only a sweep file has groups of trials, and no group has groups", at)
		default:
			if err := CheckMetric(key.Value); err != nil {
				p.mistake(key, "%s: %v", at, err)
				continue
			}
			if r, ok := p.bounds(at, v); ok {
				r.Metric = key.Value
				list = append(list, r)
			}
		}
	}
	if metrics == 0 {
		p.mistake(n, "%s: names no metric; write one, such as knn_top1: [0.9, 1]", path)
	}
	return list
}

// verdicts reads a map of families to verdicts.
func (p expectParser) verdicts(path string, n *yaml.Node) []Verdict {
	var list []Verdict
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		p.mistake(n, "%s: must be a map of families, such as hue: [ordered, leave out]", path)
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], target(n.Content[i+1])
		at := path + "." + key.Value
		if !augment.IsFamilyName(key.Value) {
			p.mistake(key, "%s: no family is called %q%s", at, key.Value, meant(Nearest(key.Value, augment.FamilyNames())))
			continue
		}
		found := Verdict{Family: key.Value}
		if err := v.Decode(&found.Any); err != nil || len(found.Any) == 0 {
			p.mistake(v, "%s: must be a list of verdicts, such as [ordered, leave out]", at)
			continue
		}
		for _, verdict := range found.Any {
			if !slices.Contains(Verdicts(), verdict) {
				p.mistake(v, "%s: must be some of %s, got %q", at, strings.Join(Verdicts(), ", "), verdict)
			}
		}
		list = append(list, found)
	}
	return list
}

// bounds reads [low, high].
func (p expectParser) bounds(path string, n *yaml.Node) (Range, bool) {
	r := Range{Low: math.Inf(-1), High: math.Inf(1)}
	ok := n.Kind == yaml.SequenceNode && len(n.Content) == 2
	open := 0
	for i, bound := range []*float64{&r.Low, &r.High} {
		if !ok {
			break
		}
		v := target(n.Content[i])
		if v.Kind == yaml.ScalarNode && v.ShortTag() == "!!null" {
			open++
			continue
		}
		ok = v.Kind == yaml.ScalarNode && (v.ShortTag() == "!!int" || v.ShortTag() == "!!float") &&
			v.Decode(bound) == nil && !math.IsNaN(*bound) && !math.IsInf(*bound, 0)
	}
	switch {
	case !ok:
		p.mistake(n, "%s: must be [low, high], each a number, or null where that side is open", path)
	case open == 2:
		p.mistake(n, "%s: must have a number on one side at least, found [null, null]", path)
	case r.Low > r.High:
		p.mistake(n, "%s: must be [low, high], found %v above %v", path, r.Low, r.High)
	default:
		return r, true
	}
	return r, false
}

// target follows an alias.
func target(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// outputs are those of the network that numbers are of.
var outputs = []string{models.Features, models.Embedding}

// isMetric says whether results have a number of this path, and if not which near one they have, or "".
func isMetric(path string) (near string, ok bool) {
	var known []string
	for _, pattern := range track.NumberPaths() {
		if matches(pattern, path) {
			return "", true
		}
		for _, output := range outputs {
			for _, family := range augment.FamilyNames() {
				known = append(known, strings.NewReplacer(track.AnyFamily, family, track.AnyOutput, output).Replace(pattern))
			}
		}
	}
	return Nearest(path, slices.Compact(known)), false
}

// CheckMetric returns an error if results have no number of this path. It begins with a verb, for the caller to put the
// key before.
func CheckMetric(path string) error {
	near, ok := isMetric(path)
	switch {
	case ok:
		return nil
	case near == "":
		return errors.New("is no number of a result; some are knn_top1, order_accuracy.FAMILY.OUTPUT and loss")
	}
	return fmt.Errorf("is no number of a result%s", meant(near))
}

// matches says whether a path is of a pattern of track.NumberPaths.
func matches(pattern, path string) bool {
	want := strings.Split(pattern, ".")
	got := strings.SplitN(path, ".", len(want)) // a name at the end may have dots
	if want[len(want)-1] != track.AnyName {
		got = strings.Split(path, ".")
	}
	return slices.EqualFunc(want, got, func(want, got string) bool {
		switch want {
		case track.AnyFamily:
			return augment.IsFamilyName(got)
		case track.AnyOutput:
			return slices.Contains(outputs, got)
		case track.AnyName:
			return got != ""
		}
		return want == got
	})
}

// CheckFamilies returns a fault for every range of a family that an experiment with these families doesn't measure.
func CheckFamilies(ranges []Range, families []string) error {
	var faults []error
	for _, r := range ranges {
		for _, pattern := range track.NumberPaths() {
			at := slices.Index(strings.Split(pattern, "."), track.AnyFamily)
			if at < 0 || !matches(pattern, r.Metric) {
				continue
			}
			if family := strings.Split(r.Metric, ".")[at]; !slices.Contains(families, family) {
				faults = append(faults, fault.New(fault.Config, "expect.%s: the experiment has no family %s", r.Metric, family))
			}
		}
	}
	return errors.Join(faults...)
}

// CheckVerdicts returns a fault for every verdict on a family that isn't one of these.
func CheckVerdicts(verdicts []Verdict, families []string) error {
	var faults []error
	for _, v := range verdicts {
		if !slices.Contains(families, v.Family) {
			faults = append(faults, fault.New(fault.Config, "expect.verdicts.%s: the experiment has no family %s", v.Family,
				v.Family))
		}
	}
	return errors.Join(faults...)
}

// Outcome names what the numbers of a run depend on: its hash, and the settings of its evaluation.
func (e Experiment) Outcome() string { return fmt.Sprintf("%s %+v", e.Hash(), e.Eval) }
