package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"ordo/augment"
	"ordo/loss"
	"ordo/models/heads"
)

// Key is one key of an experiment file.
type Key struct {
	Path    string // with dots, as overrides take it; INDEX stands for the position in a list
	Type    string // what its value must be, in words
	Default string // as YAML; empty for the settings of list entries that have to be given
}

// Variable returns the environment variable that sets the key, or "" for settings of list entries.
func (k Key) Variable() string {
	if strings.Contains(k.Path, "."+index+".") {
		return ""
	}
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(k.Path, ".", "_"))
}

const (
	index          = "INDEX"
	variablePrefix = "ORDO_"
)

var (
	stepType   = reflect.TypeFor[augment.Transformation]()
	familyType = reflect.TypeFor[augment.Family]()
	memberType = reflect.TypeFor[augment.Member]()
	termType   = reflect.TypeFor[loss.TermOptions]()
	headType   = reflect.TypeFor[heads.Head]()
	viewsType  = reflect.TypeFor[[]int]()

	membersType = reflect.SliceOf(memberType)
)

// Keys returns every key, in the order in which Experiment.YAML writes them.
func Keys() []Key {
	e := Default()
	e.Loss = e.Loss.Resolved()
	return newSchema(&e).keys
}

// schema is what the structs say about the keys, and where their values belong.
type schema struct {
	keys     []Key
	sections []string                 // paths of the keys that hold keys
	leaves   map[string]reflect.Value // the values of the others, by path; they can be set
	families map[string]reflect.Value // the Go maps by family name, by path
	store    map[string]func()        // for leaves that are values of such a map: puts them there
}

// newSchema returns the schema of an experiment that holds the defaults.
func newSchema(e *Experiment) *schema {
	s := &schema{leaves: map[string]reflect.Value{}, families: map[string]reflect.Value{}, store: map[string]func(){}}
	s.add("", reflect.ValueOf(e).Elem())
	return s
}

// list returns the path of the list that a path with an index leads into, and the rest of the path; or "".
func (s *schema) list(path string) (list string, rest []string) {
	parts := strings.Split(path, ".")
	for i := range parts {
		list := strings.Join(parts[:i], ".")
		if leaf, ok := s.leaves[list]; ok && (leaf.Kind() == reflect.Slice || leaf.Kind() == reflect.Array) {
			return list, parts[i:]
		}
	}
	return "", nil
}

// entryKey says whether a list has a key. If not, known is the nearest that it has, or "". Indices are not looked at.
func (s *schema) entryKey(list string, rest []string) (known string, ok bool) {
	if len(rest) == 1 {
		return "", true
	}
	parts := []string{list, index}
	indices := rest[:1:1]
	for _, part := range rest[1:] {
		if _, err := strconv.Atoi(part); err == nil {
			indices, part = append(indices, part), index
		}
		if first, _, joint := strings.Cut(part, augment.JointSeparator); joint && augment.IsFamilyName(part) {
			part = first // has the same keys
		}
		parts = append(parts, part)
	}
	path := strings.Join(parts, ".")
	var candidates []string
	for _, k := range s.keys {
		isEntry := path == k.Path+"."+index && strings.HasPrefix(k.Type, "a list")
		switch {
		case !strings.HasPrefix(k.Path, list+"."):
		case isEntry, strings.HasPrefix(k.Path+".", path+"."):
			return "", true
		default:
			candidates = append(candidates, k.Path)
		}
	}
	known = Nearest(path, candidates)
	for _, i := range indices {
		known = strings.Replace(known, index, i, 1)
	}
	return known, false
}

// meant is the end of a sentence about an unknown key: the nearest known one, or else those of its section.
func (s *schema) meant(path string) string {
	candidates := slices.Clone(s.sections)
	for _, k := range s.keys {
		if _, ok := s.leaves[k.Path]; ok {
			candidates = append(candidates, k.Path)
		}
	}
	if near := Nearest(strings.ToLower(path), candidates); near != "" {
		return meant(near)
	}
	section := path[:max(0, strings.LastIndexByte(path, '.'))]
	siblings := slices.DeleteFunc(candidates, func(c string) bool {
		return c[:max(0, strings.LastIndexByte(c, '.'))] != section
	})
	switch {
	case section == "":
		section = "an experiment"
	case len(siblings) == 0:
		return ""
	}
	return fmt.Sprintf("; %s holds %s", section, strings.Join(siblings, ", "))
}

// add walks a value.
func (s *schema) add(path string, v reflect.Value) {
	switch {
	case v.Kind() == reflect.Struct:
		if path != "" {
			s.sections = append(s.sections, path)
		}
		for _, f := range fields(v) {
			s.add(join(path, f.name), f.value)
		}
	case v.Kind() == reflect.Map: // by family
		s.sections = append(s.sections, path)
		s.families[path] = v
		for _, family := range augment.FamilyNames() {
			s.family(path, family)
		}
	default:
		s.leaf(path, v)
	}
}

// family adds the keys of a family to a map by family name.
func (s *schema) family(path, family string) {
	v := s.families[path]
	value, first := initial(v.Type().Elem()), len(s.keys)
	s.add(join(path, family), value)
	for _, k := range s.keys[first:] {
		s.store[k.Path] = func() {
			if v.IsNil() {
				v.Set(reflect.MakeMap(v.Type()))
			}
			v.SetMapIndex(reflect.ValueOf(family), value)
		}
	}
}

// admit adds the keys of the joint family that a path names, if it does. There are too many to list them all.
func (s *schema) admit(path string) {
	for section := range s.families {
		below, ok := strings.CutPrefix(path, section+".")
		family, _, _ := strings.Cut(below, ".")
		at := join(section, family)
		_, isLeaf := s.leaves[at]
		known := isLeaf || slices.Contains(s.sections, at)
		if ok && !known && strings.Contains(family, augment.JointSeparator) && augment.IsFamilyName(family) {
			s.family(section, family)
		}
	}
}

// initial returns the default of a map's value; it can be set.
func initial(t reflect.Type) reflect.Value {
	value := reflect.New(t).Elem()
	if t == reflect.TypeFor[loss.FamilyOptions]() {
		value.Set(reflect.ValueOf(loss.DefaultFamilyOptions()))
	}
	return value
}

func (s *schema) leaf(path string, v reflect.Value) {
	s.leaves[path] = v
	s.keys = append(s.keys, Key{path, expected(v.Type()), inline(v.Interface())})
	if v.Kind() != reflect.Slice {
		return
	}
	switch v.Type().Elem() {
	case familyType:
		s.entry(path+"."+index, reflect.ValueOf(augment.Family{}))
	case headType:
		s.entry(path+"."+index, reflect.ValueOf(heads.Default()))
	case termType:
		for _, kind := range loss.TermKinds() {
			t, err := loss.DefaultTerm(kind)
			if err != nil {
				continue // not a name of TermKinds then
			}
			s.entry(path+"."+index, reflect.ValueOf(t.Settings()).Elem())
		}
	case stepType:
		s.entry(path+"."+index, reflect.ValueOf(augment.Family{}))
		s.keys = append(s.keys, Key{join(path+"."+index, "views"), expected(viewsType), ""})
		for _, name := range augment.TransformationNames() {
			step, err := augment.DefaultTransformation(name)
			if err != nil {
				continue // not a name of TransformationNames then
			}
			s.entry(join(path+"."+index, name), stepBody(&step, name))
		}
	}
}

// entry lists the settings of an entry of a list, each once. Those of families and terms have no default: it is another
// for each of them.
func (s *schema) entry(path string, v reflect.Value) {
	for _, f := range fields(v) {
		at := join(path, f.name)
		switch {
		case path == "augment.invariant."+index && slices.Contains([]string{"levels", "sampling", "signed"}, f.name):
			continue // of no meaning there
		case slices.ContainsFunc(s.keys, func(k Key) bool { return k.Path == at }):
			continue // of another kind, too
		case f.value.Kind() == reflect.Map: // by family
			for _, family := range augment.FamilyNames() {
				s.entry(join(at, family), initial(f.value.Type().Elem()))
			}
			continue
		case f.value.Kind() == reflect.Struct:
			s.entry(at, f.value)
			continue
		}
		k := Key{at, expected(f.value.Type()), ""}
		if v.Type() != familyType && v.Type() != memberType && !strings.HasPrefix(at, "loss.terms."+index+".") {
			k.Default = inline(f.value.Interface())
		}
		s.keys = append(s.keys, k)
		if f.value.Type() == membersType {
			s.entry(at+"."+index, reflect.ValueOf(augment.Member{}))
		}
	}
}

// stepBody returns the settings of the step's transformation.
func stepBody(step *augment.Transformation, name string) reflect.Value {
	for _, f := range fields(reflect.ValueOf(step).Elem()) {
		if f.name == name && !f.value.IsNil() {
			return f.value.Elem()
		}
	}
	panic(fmt.Sprintf("config: augment.DefaultTransformation(%q) leaves its own field empty", name))
}

// field is a key of a section and its value.
type field struct {
	name  string
	value reflect.Value
}

// fields lists the keys of a struct, those of structs that it holds inline among them.
func fields(v reflect.Value) []field {
	var all []field
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		switch {
		case options == "inline" && v.Field(i).Kind() == reflect.Struct:
			all = append(all, fields(v.Field(i))...)
		case name != "":
			all = append(all, field{name, v.Field(i)})
		}
	}
	return all
}

// expected says in words what a value of the type is written as.
func expected(t reflect.Type) string {
	switch t {
	case stepType:
		return "a transformation"
	case familyType:
		return "a family, like {family: rotate}"
	case memberType:
		return "a family, like {family: blur, max: 2}"
	case termType:
		return "a term, like {kind: care}"
	case headType:
		return "a head, like {name: order, layers: [128, 32]}"
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Uint64:
		return "a whole number, not negative"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list, each entry " + expected(t.Elem())
	case reflect.Array:
		return fmt.Sprintf("a list of %d, each entry %s", t.Len(), expected(t.Elem()))
	case reflect.Struct, reflect.Map:
		return "a map of keys"
	}
	panic(fmt.Sprintf("config: no way to write a %v", t))
}

// inline writes a value as YAML on one line.
func inline(value any) string {
	var node yaml.Node
	if err := node.Encode(value); err != nil {
		return fmt.Sprint(value)
	}
	node.Style |= yaml.FlowStyle
	text, err := yaml.Marshal(&node)
	if err != nil {
		return fmt.Sprint(value)
	}
	return strings.TrimSpace(string(text))
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
