package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"

	"ordo/augment"
	"ordo/models/fault"
)

// Load reads an experiment: the defaults, the file over them and over the files that it extends, then environ (entries
// NAME=VALUE, as os.Environ gives them; an empty value counts as none), then overrides (entries KEY=VALUE, later ones
// over earlier ones). All that the user wrote wrong is in one error of kind fault.Config, one mistake a line. A file
// that can't be read is of that kind too, and wraps the cause, such as fs.ErrNotExist. In paths, a leading ~ and
// ${NAME} are expanded, by environ or, where that is nil, by the process's environment.
func Load(file string, overrides, environ []string) (Experiment, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Experiment{}, fault.Reading(fault.Config, file, err)
	}
	return Parse(file, text, overrides, environ)
}

// Parse is Load with the text of the file at hand; file names it in errors and gives the experiment its default name.
func Parse(file string, text []byte, overrides, environ []string) (Experiment, error) {
	e, _, err := parse(file, text, overrides, environ)
	return e, err
}

// parse is Parse, and says where keys were set.
func parse(file string, text []byte, overrides, environ []string) (Experiment, *origins, error) {
	e := Default()
	base := filepath.Base(file)
	e.Name = strings.TrimSuffix(base, filepath.Ext(base))

	l := &loader{
		schema:  newSchema(&e),
		viper:   viper.New(),
		origins: origins{lines: map[string]place{}},
	}
	if !l.readFile(file, text) {
		return Experiment{}, nil, cmp.Or(l.err, l.mistakes.err()) // the rest would only repeat that keys are missing
	}
	l.readEnvironment(environ)
	for _, text := range overrides {
		l.readOverride(text)
	}
	l.decode()
	l.paths(&e, environ)
	l.runs(&e)
	e.Model, e.Loss = e.Model.Resolved(), e.Loss.Resolved()
	if len(l.mistakes) == 0 {
		for _, err := range flatten(e.Validate()) {
			key, _, _ := strings.Cut(err.Error(), ":")
			l.mistakes.add(l.origins.of(key), "%s", suggested(err.Error()))
		}
	}
	if len(l.mistakes) > 0 {
		return Experiment{}, nil, l.mistakes.err()
	}
	return e, &l.origins, nil
}

// loader merges the layers in viper and then decodes them into the experiment that its schema points into.
type loader struct {
	schema   *schema
	viper    *viper.Viper
	origins  origins
	mistakes mistakes
	err      error // in place of mistakes: it isn't an experiment file at all
}

// readFile merges a file, which comes over the one that it extends. It is false if that can't be done, or if the text
// is not a YAML map.
func (l *loader) readFile(file string, text []byte) bool {
	at := len(l.origins.files)
	l.origins.files = append(l.origins.files, file)
	line := func(n int) origin { return l.origins.at(place{at, n}) }
	root, value, err := Document(text)
	switch {
	case err != nil:
		l.mistakes.add(line(0), "%v", err)
		return false
	case root == nil:
		l.mistakes.add(line(0), "is empty; write at least one key, such as `seed: 1`")
		return false
	case isSweep(value) && at > 0:
		l.mistakes.add(line(0), "is a sweep file, not an experiment file")
		return false
	case isSweep(value):
		l.err = fault.New(fault.Config, "%s: is a sweep file, not an experiment file", file).
			With(fault.OtherCommand{Sweep: true, File: file})
		return false
	}
	tree, isMap := value.(map[string]any)
	section, _ := take(root, expectKey)
	delete(tree, expectKey)
	if section != nil && at == 0 { // that of another file is about that file
		ParseExpect(section, false, func(n int, text string) { l.mistakes.add(line(n), "%s", text) })
	}
	base, n := take(root, ExtendsKey)
	delete(tree, ExtendsKey)
	bad := len(l.mistakes)
	badKeys(root, func(n int, text string) { l.mistakes.add(line(n), "%s", text) })
	if len(l.mistakes) > bad {
		return false
	}
	if !isMap {
		l.mistakes.add(line(0), "must be a map of keys such as `seed: 1`, found %s", found(value))
		return false
	}
	if base != nil && !l.readBase(file, base, line(n)) {
		return false
	}
	if at > 0 { // a name is the file's own, too
		take(root, nameKey)
		delete(tree, nameKey)
	}
	return l.merge(root, tree, at)
}

// merge puts a file's keys over those that are there.
func (l *loader) merge(root *yaml.Node, tree map[string]any, file int) bool {
	own := map[string]place{}
	scan(root, "", func(path string, n *yaml.Node) { own[path] = place{file, n.Line} })
	under := l.origins.lines
	l.origins.lines = own
	settings := map[string]any{}
	l.admit("", tree, l.origins.of, func(path string, value any) {
		put(settings, strings.Split(path, "."), value)
		for at := range under { // a list is another one now
			if strings.HasPrefix(at, path+".") {
				delete(under, at)
			}
		}
	})
	maps.Copy(under, own)
	l.origins.lines = under
	if err := l.viper.MergeConfigMap(settings); err != nil {
		l.mistakes.add(l.origins.at(place{file, 0}), "%v", err)
		return false
	}
	return true
}

// isSweep says whether a file's value is that of a sweep.
func isSweep(value any) bool {
	tree, _ := value.(map[string]any)
	return tree["base"] != nil && tree["parameters"] != nil
}

func (l *loader) readEnvironment(environ []string) {
	variables := map[string]string{}
	var names []string
	for _, k := range l.schema.keys {
		if v := k.variable(); v != "" {
			variables[v] = k.path
			names = append(names, v)
		}
	}
	for _, text := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(text, "=")
		if !strings.HasPrefix(name, variablePrefix) || value == "" {
			continue
		}
		at := l.origins.next(name)
		path, known := variables[name]
		switch {
		case known:
			l.set(path, value, at)
		case l.ours(name):
			l.mistakes.add(at, "no key has this variable%s", meant(Nearest(name, names)))
		}
	}
}

// WithoutKeys is an environment without the variables that set keys of an experiment.
func WithoutKeys(environ []string) []string {
	e := Default()
	variables := map[string]bool{}
	for _, k := range newSchema(&e).keys {
		variables[k.variable()] = true
	}
	return slices.DeleteFunc(slices.Clone(environ), func(text string) bool {
		name, _, _ := strings.Cut(text, "=")
		return name != "" && variables[name]
	})
}

// OnlyKeys are the variables of an environment that set keys of an experiment.
func OnlyKeys(environ []string) []string {
	without := WithoutKeys(environ)
	return slices.DeleteFunc(slices.Clone(environ), func(text string) bool { return slices.Contains(without, text) })
}

// ours says whether a variable's name begins as those of a section do.
func (l *loader) ours(name string) bool {
	return slices.ContainsFunc(l.schema.sections, func(section string) bool {
		return strings.HasPrefix(name, variablePrefix+strings.ToUpper(section)+"_")
	})
}

func (l *loader) readOverride(text string) {
	label := text
	if strings.ContainsFunc(text, unicode.IsControl) {
		label = strconv.Quote(text)
	}
	at := l.origins.next("override " + label)
	path, value, ok := strings.Cut(text, "=")
	if !ok || path == "" {
		l.mistakes.add(at, "must be KEY=VALUE, such as train.epochs=3")
		return
	}
	l.set(path, value, at)
}

// set puts a value that is written as text over what is there.
func (l *loader) set(path, text string, at origin) {
	l.schema.admit(path)
	value, err := l.parseValue(path, text)
	if err != nil {
		l.mistakes.add(at, "%s: %v", path, err)
		return
	}
	list, rest := l.schema.list(path)
	if list == "" {
		l.admit(path, value, func(string) origin { return at }, func(path string, value any) {
			l.viper.Set(path, value)
			l.origins.later = append(l.origins.later, setting{path, at})
		})
		return
	}
	if known, ok := l.schema.entryKey(list, rest); !ok {
		l.mistakes.add(at, "%s: unknown key%s", path, meant(known))
		return
	}
	if err := l.setEntry(list, rest, value); err != nil {
		l.mistakes.add(at, "%s: %v", path, err)
		return
	}
	l.origins.later = append(l.origins.later, setting{path, at})
}

func (l *loader) parseValue(path, text string) (any, error) {
	quoted := strings.HasPrefix(text, `"`) || strings.HasPrefix(text, "'")
	if leaf, ok := l.schema.leaves[path]; ok && leaf.Kind() == reflect.String && !quoted {
		return text, nil
	}
	root, value, err := Document([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("its value %w", err)
	}
	if root == nil {
		return nil, nil
	}
	badKeys(root, func(_ int, text string) { err = errors.New(text) })
	return value, err
}

// setEntry puts the value into a list at the keys and indices that rest holds.
func (l *loader) setEntry(list string, rest []string, value any) error {
	current := l.viper.Get(list)
	if current == nil {
		current = plain(l.schema.leaves[list])
	}
	changed, err := replace(current, rest, value)
	if err != nil {
		return err
	}
	l.viper.Set(list, changed)
	return nil
}

// replace returns a copy of the tree with another value at a path. A text that has to hold keys is a transformation by
// its bare name, of which a setting is changed and the others stay.
func replace(tree any, path []string, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	key, rest := path[0], path[1:]
	if bare, ok := tree.(string); ok {
		tree = map[string]any{bare: nil}
	}
	if whole, ok := tree.(map[string]any); ok && len(rest) > 0 {
		step, err := augment.DefaultTransformation(key)
		if settings, there := whole[key]; there && settings == nil && err == nil {
			whole = maps.Clone(whole)
			whole[key] = plain(stepBody(&step, key))
			tree = whole
		}
	}
	if list, ok := tree.([]any); ok {
		i, err := strconv.Atoi(key)
		if err != nil || i < 0 || i >= len(list) {
			return nil, fmt.Errorf("%q is no index of a list of %d entries, counted from 0", key, len(list))
		}
		entry, err := replace(list[i], rest, value)
		list = slices.Clone(list)
		if err == nil {
			list[i] = entry
		}
		return list, err
	}
	section := map[string]any{}
	switch old := tree.(type) {
	case nil:
	case map[string]any:
		for k, v := range old {
			section[k] = v
		}
	default:
		return nil, fmt.Errorf("%q is below %s, which holds no keys", key, found(tree))
	}
	entry, err := replace(section[key], rest, value)
	section[key] = entry
	return section, err
}

// admit checks the keys of a tree against the schema, takes sections apart and hands on the values of the known keys.
func (l *loader) admit(path string, value any, at func(path string) origin, set func(path string, value any)) {
	l.schema.admit(path)
	leaf, isLeaf := l.schema.leaves[path]
	isSection := path == "" || slices.Contains(l.schema.sections, path)
	tree, isTree := value.(map[string]any)
	switch {
	case isSection && isTree:
		for key, v := range tree {
			l.admit(join(path, key), v, at, set)
		}
	case isSection && value == nil:
	case isSection:
		l.mistakes.add(at(path), "%s: must be a map of keys, found %s", path, found(value))
	case !isLeaf:
		l.mistakes.add(at(path), "%s: unknown key%s", path, l.schema.meant(path))
	case value == nil, isTree:
		l.mistakes.add(at(path), "%s: must be %s, found %s", path, expected(leaf.Type()), found(value))
	default:
		set(path, value)
	}
}

func put(tree map[string]any, path []string, value any) {
	for _, key := range path[:len(path)-1] {
		below, ok := tree[key].(map[string]any)
		if !ok {
			below = map[string]any{}
			tree[key] = below
		}
		tree = below
	}
	tree[path[len(path)-1]] = value
}

// meant is the end of a sentence about an unknown name.
func meant(known string) string {
	if known == "" {
		return ""
	}
	return "; did you mean " + known + "?"
}

// decode moves what viper holds into the experiment.
func (l *loader) decode() {
	d := decoder{mistake: func(path, format string, args ...any) {
		l.mistakes.add(l.origins.of(path), "%s: %s", path, fmt.Sprintf(format, args...))
	}}
	for path, leaf := range l.schema.leaves {
		if !l.viper.IsSet(path) {
			continue
		}
		d.value(path, leaf, l.viper.Get(path))
		if store := l.schema.store[path]; store != nil {
			store()
		}
	}
}
