package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"ordo/augment"
	"ordo/loss"
	"ordo/models/heads"
)

// declared is a key as the structs of the options declare it.
type declared struct {
	path   string // with dots, as overrides take it; INDEX stands for the position in a list
	typ    reflect.Type
	value  any      // default; nil: it has to be given, in a list entry, or depends on the kind
	fields []string // which fields declare it, each as PACKAGE.TYPE.FIELD: several for entries of several kinds
}

// variable returns the environment variable that sets the key, or "" for settings of list entries.
func (d declared) variable() string {
	if strings.Contains(d.path, "."+index+".") {
		return ""
	}
	return variable(d.path)
}

func variable(path string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

const (
	index          = "INDEX"
	anyFamily      = "FAMILY" // in the table of keys
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

// schema is what the structs say about the keys, and where their values belong.
type schema struct {
	keys     []declared               // in the order in which Experiment.YAML writes them
	sections []string                 // paths of the keys that hold keys
	leaves   map[string]reflect.Value // the values of the others, by path; they can be set
	families map[string]byFamily      // the Go maps by family name, by path
	entries  map[string]int           // where in keys those of list entries are
	store    map[string]func()        // for leaves that are values of such a map: puts them there
}

// byFamily is a Go map by family name, and the field that declares it.
type byFamily struct {
	reflect.Value
	declaration string
}

// newSchema returns the schema of an experiment that holds the defaults.
func newSchema(e *Experiment) *schema {
	s := &schema{
		leaves: map[string]reflect.Value{}, families: map[string]byFamily{}, entries: map[string]int{},
		store: map[string]func(){},
	}
	s.add("", "", reflect.ValueOf(e).Elem())
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
		isEntry := path == k.path+"."+index && (k.typ.Kind() == reflect.Slice || k.typ.Kind() == reflect.Array)
		switch {
		case !strings.HasPrefix(k.path, list+"."):
		case isEntry, strings.HasPrefix(k.path+".", path+"."):
			return "", true
		default:
			candidates = append(candidates, k.path)
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
	candidates := append(slices.Clone(s.sections), expectKey)
	for _, k := range s.keys {
		if _, ok := s.leaves[k.path]; ok {
			candidates = append(candidates, k.path)
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

// add walks a value, which the field declares.
func (s *schema) add(path, field string, v reflect.Value) {
	switch {
	case v.Kind() == reflect.Struct:
		if path != "" {
			s.sections = append(s.sections, path)
		}
		for _, f := range fields(v) {
			s.add(join(path, f.name), f.declaration, f.value)
		}
	case v.Kind() == reflect.Map: // by family
		s.sections = append(s.sections, path)
		s.families[path] = byFamily{v, field}
		for _, family := range augment.FamilyNames() {
			s.family(path, family)
		}
	default:
		s.leaf(path, field, v)
	}
}

// family adds the keys of a family to a map by family name.
func (s *schema) family(path, family string) {
	m := s.families[path]
	value, first := initial(m.Type().Elem()), len(s.keys)
	s.add(join(path, family), m.declaration, value)
	for _, k := range s.keys[first:] {
		s.store[k.path] = func() {
			if m.IsNil() {
				m.Set(reflect.MakeMap(m.Type()))
			}
			m.SetMapIndex(reflect.ValueOf(family), value)
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

func (s *schema) leaf(path, field string, v reflect.Value) {
	s.leaves[path] = v
	s.keys = append(s.keys, declared{path, v.Type(), v.Interface(), []string{field}})
	if v.Kind() != reflect.Slice {
		return
	}
	entry := path + "." + index
	switch v.Type().Elem() {
	case familyType:
		s.entry(entry, reflect.ValueOf(augment.Family{}))
	case headType:
		s.entry(entry, reflect.ValueOf(heads.Default()))
	case termType:
		for _, kind := range loss.TermKinds() {
			t, err := loss.DefaultTerm(kind)
			if err != nil {
				continue // not a name of TermKinds then
			}
			s.entry(entry, reflect.ValueOf(t.Settings()).Elem())
		}
	case stepType:
		s.entry(entry, reflect.ValueOf(augment.Family{}))
		s.keys = append(s.keys, declared{join(entry, "views"), viewsType, []int{}, []string{declaration(stepType, "Views")}})
		for _, name := range augment.TransformationNames() {
			step, err := augment.GivenTransformation(name)
			if err != nil {
				continue // not a name of TransformationNames then
			}
			s.entry(join(entry, name), stepBody(&step, name))
		}
	}
}

// entry lists the settings of an entry of a list, each once. Those of families and terms have no default: it is another
// for each of them.
func (s *schema) entry(path string, v reflect.Value) {
	for _, f := range fields(v) {
		at := join(path, f.name)
		if path == "augment.invariant."+index && slices.Contains([]string{"levels", "sampling", "signed"}, f.name) {
			continue // of no meaning there
		}
		switch f.value.Kind() {
		case reflect.Map: // by family
			for _, family := range augment.FamilyNames() {
				s.entry(join(at, family), initial(f.value.Type().Elem()))
			}
			continue
		case reflect.Struct:
			s.entry(at, f.value)
			continue
		}
		if i, ok := s.entries[at]; ok { // of another kind, too
			if k := &s.keys[i]; !slices.Contains(k.fields, f.declaration) {
				k.fields = append(k.fields, f.declaration)
			}
			continue
		}
		s.entries[at] = len(s.keys)
		k := declared{at, f.value.Type(), nil, []string{f.declaration}}
		if v.Type() != familyType && v.Type() != memberType && !strings.HasPrefix(at, "loss.terms."+index+".") {
			k.value = f.value.Interface()
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

// field is a key of a section, its value and where it is declared.
type field struct {
	name        string
	value       reflect.Value
	declaration string // PACKAGE.TYPE.FIELD
}

// fields lists the keys of a struct, those of structs that it holds inline among them.
func fields(v reflect.Value) []field {
	var all []field
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline" && v.Field(i).Kind() == reflect.Struct:
			all = append(all, fields(v.Field(i))...)
		case name != "":
			all = append(all, field{name, v.Field(i), declaration(v.Type(), f.Name)})
		}
	}
	return all
}

func declaration(t reflect.Type, field string) string {
	return t.PkgPath() + "." + t.Name() + "." + field
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

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
