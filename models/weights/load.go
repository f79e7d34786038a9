package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"ordo/models/fault"
	"ordo/models/onnxgraph"
)

// Options say which names must fit.
type Options struct {
	// Strict makes missing and unexpected names and wrong shapes an error.
	Strict bool
	// Optional are the prefixes of parameters that a strict file may lack.
	Optional []string
	// Ignored are the prefixes of tensors that a strict file may have beside the parameters.
	Ignored []string
}

// Report says what became of the names.
type Report struct {
	// Matched lists the parameters that have the file's values now, Missing those that keep their own. Both are in the
	// graph's order.
	Matched, Missing []string
	// Unexpected lists the file's tensors that belong to no parameter, Ignored those of them that Options.Ignored says,
	// by their names in the file, sorted.
	Unexpected, Ignored []string
	// Mismatched lists the parameters whose shape is another in the file; they are not among Missing.
	Mismatched []Mismatch
}

// Mismatch is a parameter whose shape is another in the file.
type Mismatch struct {
	Name        string
	Graph, File []int64
}

func (m Mismatch) String() string {
	return fmt.Sprintf("%s is %v in the file, %v in the model", m.Name, m.File, m.Graph)
}

// shown is how many names a sentence lists.
const shown = 5

// String is the report in one sentence.
func (r Report) String() string {
	s := fmt.Sprintf("%d of %d parameters taken", len(r.Matched), len(r.Matched)+len(r.Missing)+len(r.Mismatched))
	for _, p := range r.parts() {
		s += "; " + p
	}
	if len(r.Ignored) > 0 {
		s += fmt.Sprintf("; %d of the classifier left out", len(r.Ignored))
	}
	return s
}

// parts says what doesn't fit.
func (r Report) parts() []string {
	var parts []string
	add := func(what string, names []string) {
		if len(names) == 0 {
			return
		}
		text := strings.Join(names[:min(shown, len(names))], ", ")
		if more := len(names) - shown; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		parts = append(parts, fmt.Sprintf("%d %s: %s", len(names), what, text))
	}
	var mismatched []string
	for _, m := range r.Mismatched {
		mismatched = append(mismatched, m.String())
	}
	add("of another shape", mismatched)
	add("missing in the file", r.Missing)
	add("unexpected in the file", r.Unexpected)
	return parts
}

// tensor is a float tensor of a file.
type tensor struct {
	name  string
	shape []int64
	// read returns the values as little-endian float32.
	read func() ([]byte, error)
}

// prefixes are what frameworks put in front of a backbone's names.
func prefixes() []string { return []string{"module.", "backbone.", "encoder.", "model."} }

// parameterName is the parameter to which a file's tensor belongs, "" if to none.
func parameterName(name string, parameters map[string]*onnxgraph.Tensor) string {
	for {
		if parameters[name] != nil {
			return name
		}
		i := slices.IndexFunc(prefixes(), func(p string) bool { return strings.HasPrefix(name, p) })
		if i < 0 {
			return ""
		}
		name = strings.TrimPrefix(name, prefixes()[i])
	}
}

// bare is a file's name without all prefixes.
func bare(name string) string {
	for _, p := range prefixes() {
		if rest, found := strings.CutPrefix(name, p); found {
			return bare(rest)
		}
	}
	return name
}

// Load puts the values of a file into the float32 initializers of m. If it fails, m's values are not defined, and the
// error is of kind fault.Data.
func Load(m *onnxgraph.Model, path string, o Options) (Report, error) {
	f, err := open(path)
	if err != nil {
		return Report{}, fault.Reading(fault.Data, path, err)
	}
	defer f.close() //nolint:errcheck // it was only read
	r, err := load(m, f.tensors, o)
	if err != nil {
		return r, fault.Reading(fault.Data, path, err)
	}
	return r, nil
}

func load(m *onnxgraph.Model, tensors []tensor, o Options) (Report, error) {
	var r Report
	parameters := map[string]*onnxgraph.Tensor{}
	for _, p := range m.GetGraph().GetInitializer() {
		if p.GetDataType() == onnxgraph.Float32 {
			parameters[p.GetName()] = p
		}
	}
	from := map[string]tensor{}
	for _, t := range tensors {
		name := parameterName(t.name, parameters)
		switch first, twice := from[name]; {
		case name == "" && hasPrefix(bare(t.name), o.Ignored):
			r.Ignored = append(r.Ignored, t.name)
		case name == "":
			r.Unexpected = append(r.Unexpected, t.name)
		case twice:
			return r, fmt.Errorf("both %q and %q are the model's %q: keep one", first.name, t.name, name)
		default:
			from[name] = t
		}
	}
	slices.Sort(r.Ignored)
	slices.Sort(r.Unexpected)
	faults := Report{} // what a strict file must not lack nor have
	for _, p := range m.GetGraph().GetInitializer() {
		name := p.GetName()
		t, found := from[name]
		switch {
		case parameters[name] == nil:
		case !found:
			r.Missing = append(r.Missing, name)
			if !hasPrefix(name, o.Optional) {
				faults.Missing = append(faults.Missing, name)
			}
		case !slices.Equal(t.shape, p.GetDims()):
			r.Mismatched = append(r.Mismatched, Mismatch{name, p.GetDims(), t.shape})
		default:
			r.Matched = append(r.Matched, name)
		}
	}
	faults.Unexpected, faults.Mismatched = r.Unexpected, r.Mismatched
	switch parts := faults.parts(); {
	case len(r.Matched) == 0:
		return r, fmt.Errorf("no tensor has name and shape of a parameter of the model: is it of another backbone? %s",
			r)
	case o.Strict && len(parts) > 0:
		return r,
			fmt.Errorf("it doesn't fit the model: %s; to take what fits and leave the rest, set "+
				"model.weights_strict: false",
				strings.Join(parts, "; "))
	}
	for _, name := range r.Matched {
		values, err := from[name].read()
		if err != nil {
			return r, fmt.Errorf("%q: %w", from[name].name, err)
		}
		if !finite(values) {
			return r, fmt.Errorf("%q holds values that are not finite as float32", from[name].name)
		}
		p := parameters[name]
		p.RawData, p.FloatData = values, nil
	}
	return r, nil
}

// finite says whether no little-endian float32 is infinite or not a number.
func finite(values []byte) bool {
	for ; len(values) >= 4; values = values[4:] {
		if binary.LittleEndian.Uint32(values)>>23&255 == 255 {
			return false
		}
	}
	return true
}

func hasPrefix(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return p != "" && strings.HasPrefix(name, p) })
}

// elementBytes is the size of a value of a type by its name in safetensors files, 0 for what isn't a float.
func elementBytes(dtype string) int64 {
	switch dtype {
	case "F16", "BF16":
		return 2
	case "F32":
		return 4
	case "F64":
		return 8
	}
	return 0
}

// toFloat32 turns little-endian values of a type into little-endian float32.
func toFloat32(dtype string, data []byte) []byte {
	if dtype == "F32" {
		return data
	}
	size := int(elementBytes(dtype))
	out := make([]byte, 0, len(data)/size*4)
	for at := 0; at+size <= len(data); at += size {
		var v float32
		switch word := data[at:]; dtype {
		case "F16":
			v = fromHalf(binary.LittleEndian.Uint16(word))
		case "BF16":
			v = math.Float32frombits(uint32(binary.LittleEndian.Uint16(word)) << 16)
		case "F64":
			v = float32(math.Float64frombits(binary.LittleEndian.Uint64(word)))
		}
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}

// fromHalf is the value of an IEEE 754 number of 16 bits: sign, 5 bits of exponent, 10 of fraction.
func fromHalf(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch exponent {
	case 0: // subnormal: fraction·2⁻²⁴
		v := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31: // infinite, or not a number
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}
