package sweep

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parameter is a key of the experiment and what it can be.
type parameter struct {
	Key    string
	Values []string // as an override of the command line takes them
	Lines  []int    // of the values, in the sweep file

	probabilities []float64 // of the values, in a random search; nil: all alike
	drawn         *distribution
	when          []requirement // nil: it is always set
	frozen        bool          // of a plan that was read from a folder: trials differ in it
}

// varies says whether trials differ in it.
func (v parameter) varies() bool { return len(v.Values) > 1 || v.drawn != nil || v.frozen }

// requirement is that a parameter has one of some values.
type requirement struct {
	key    string
	values []string
}

// distribution is what a number is drawn from, by the names that Weights & Biases' sweeps give them.
type distribution struct {
	kind     string
	min, max float64
	q        float64 // the step of a q_ distribution
	mu, std  float64 // of a normal one
}

// Distributions.
const (
	uniform    = "uniform"
	qUniform   = "q_uniform"
	logUniform = "log_uniform_values" // of the values themselves, not of their exponents
	qLog       = "q_log_uniform_values"
	intUniform = "int_uniform"
	normal     = "normal"
	qNormal    = "q_normal"
)

var distributions = []string{uniform, qUniform, logUniform, qLog, intUniform, normal, qNormal}

// draw draws a value, as an override takes it.
func (d *distribution) draw(r *rand.Rand) string {
	x := d.min + r.Float64()*(d.max-d.min)
	switch d.kind {
	case intUniform:
		return d.text(float64(int64(d.min) + r.Int64N(int64(d.max)-int64(d.min)+1)))
	case logUniform, qLog:
		x = math.Exp(math.Log(d.min) + r.Float64()*(math.Log(d.max)-math.Log(d.min)))
	case normal, qNormal:
		x = d.mu + d.std*r.NormFloat64()
	}
	return d.text(x)
}

// text writes a value as an override takes it.
func (d *distribution) text(x float64) string {
	if d.kind == intUniform {
		return strconv.FormatInt(int64(x), 10)
	}
	if d.q > 0 {
		// A step such as 0.1 has no digits behind its own.
		return strconv.FormatFloat(math.Round(x/d.q)*d.q, 'g', 12, 64)
	}
	return strconv.FormatFloat(x, 'g', 6, 64)
}

// draw draws a parameter's value.
func (v parameter) draw(r *rand.Rand) string {
	if v.drawn != nil {
		return v.drawn.draw(r)
	}
	at := r.Float64()
	for i, p := range v.probabilities {
		if at -= p; at < 0 {
			return v.Values[i]
		}
	}
	if v.probabilities != nil {
		return v.Values[len(v.Values)-1] // rounding
	}
	return v.Values[r.IntN(len(v.Values))]
}

// parameterKeys are the keys of a parameter.
var parameterKeys = []string{
	"value", "values", "parameters", "probabilities", "distribution", "min", "max", "q", "mu", "sigma", "when",
}

// parameter reads what a key can be.
func (p *parser) parameter(key string, line int, n *yaml.Node, f *sweepFile) {
	given := map[string]*yaml.Node{}
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 {
		p.keys(key, n, parameterKeys, func(kind string, v *yaml.Node) { given[kind] = resolve(v) })
	}
	ways := 0
	for _, way := range []string{"value", "values", "parameters"} {
		if given[way] != nil {
			ways++
		}
	}
	if given["min"] != nil || given["distribution"] != nil {
		ways++
	}
	if ways != 1 {
		p.mistake(line, "%s: must be one of {value: …}, {values: [ … ]}, {min: …, max: …} and {parameters: { … }}", key)
		return
	}
	if v := given["parameters"]; v != nil {
		p.parameters(key, v, f)
		return
	}
	if slices.ContainsFunc(f.Parameters, func(o parameter) bool { return o.Key == key }) {
		p.mistake(line, "%s: is there twice, with dots and nested; keep one", key)
		return
	}
	found := parameter{Key: key}
	switch {
	case given["value"] != nil:
		p.values(&found, []*yaml.Node{given["value"]})
	case given["values"] != nil:
		v := given["values"]
		if v.Kind != yaml.SequenceNode || len(v.Content) == 0 {
			p.mistake(v.Line, "%s.values: must be a list of at least one value", key)
			return
		}
		p.values(&found, v.Content)
		p.probabilities(&found, given["probabilities"])
	default:
		found.drawn = p.distribution(key, line, given)
		found.Lines = []int{line}
	}
	if w := given["when"]; w != nil {
		found.when = p.requirements(key+".when", w, f)
	}
	f.Parameters = append(f.Parameters, found)
}

// values reads a parameter's values.
func (p *parser) values(v *parameter, list []*yaml.Node) {
	for _, value := range list {
		text, err := override(resolve(value))
		if err != nil {
			p.mistake(value.Line, "%s: %v", v.Key, err)
			continue
		}
		v.Values, v.Lines = append(v.Values, text), append(v.Lines, value.Line)
	}
}

func (p *parser) probabilities(v *parameter, n *yaml.Node) {
	if n == nil {
		return
	}
	var list []float64
	sum := 0.
	if err := n.Decode(&list); err == nil {
		for _, x := range list {
			sum += x
			if !(x >= 0) {
				sum = math.NaN()
			}
		}
	}
	if len(list) != len(v.Values) || !(math.Abs(sum-1) < 1e-6) {
		p.mistake(n.Line, "%s.probabilities: must be as many numbers as there are values, at least 0 and 1 together", v.Key)
		return
	}
	v.probabilities = list
}

// distribution reads what a value is drawn from; without a name, whole bounds give whole numbers.
func (p *parser) distribution(key string, line int, given map[string]*yaml.Node) *distribution {
	d := &distribution{}
	number := func(name string, into *float64) bool {
		n := given[name]
		if n == nil {
			return false
		}
		if err := n.Decode(into); err != nil || math.IsNaN(*into) || math.IsInf(*into, 0) {
			p.mistake(n.Line, "%s.%s: must be a number", key, name)
		}
		return true
	}
	bounds := number("min", &d.min)
	bounds = number("max", &d.max) && bounds
	stepped := number("q", &d.q)
	moments := number("mu", &d.mu)
	moments = number("sigma", &d.std) && moments
	whole := bounds && given["min"].ShortTag() == "!!int" && given["max"].ShortTag() == "!!int"
	d.kind = uniform
	if n := given["distribution"]; n != nil {
		if d.kind = p.text(key+".distribution", n); !slices.Contains(distributions, d.kind) {
			p.mistake(n.Line, "%s.distribution: must be one of %s, got %q", key, strings.Join(distributions, ", "), d.kind)
			return d
		}
	} else if whole {
		d.kind = intUniform
	}
	isNormal := d.kind == normal || d.kind == qNormal
	switch {
	case isNormal && !(moments && d.std > 0):
		p.mistake(line, "%s: %s needs mu, and sigma above 0", key, d.kind)
	case !isNormal && !(bounds && d.min < d.max):
		p.mistake(line, "%s: %s needs min below max", key, d.kind)
	case d.kind == intUniform && !whole:
		p.mistake(line, "%s: %s needs whole numbers", key, d.kind)
	case (d.kind == logUniform || d.kind == qLog) && d.min <= 0:
		p.mistake(line, "%s: %s needs min above 0", key, d.kind)
	case strings.HasPrefix(d.kind, "q_") != stepped || stepped && d.q <= 0:
		p.mistake(line, "%s: q, above 0, is the step of a distribution whose name begins with q_", key)
	}
	return d
}

// requirements reads KEY: VALUE or KEY: [VALUE, …] of parameters that come before.
func (p *parser) requirements(at string, n *yaml.Node, f *sweepFile) (all []requirement) {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		p.mistake(n.Line, "%s: must be a map of parameters and their values, such as {seed: [1, 2]}", at)
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i].Value, resolve(n.Content[i+1])
		before := slices.ContainsFunc(f.Parameters, func(o parameter) bool { return o.Key == key })
		if !before && (key != baseKey || len(f.Base) < 2) {
			p.mistake(n.Content[i].Line, "%s: %s is no parameter that stands before", at, key)
			continue
		}
		list := []*yaml.Node{v}
		if v.Kind == yaml.SequenceNode {
			list = v.Content
		}
		values := parameter{Key: fmt.Sprintf("%s.%s", at, key)}
		p.values(&values, list)
		all = append(all, requirement{key, values.Values})
	}
	return all
}

// met says whether a combination has what is required.
func met(all []requirement, value func(key string) string) bool {
	return !slices.ContainsFunc(all, func(r requirement) bool { return !slices.Contains(r.values, value(r.key)) })
}
