package config

import (
	_ "embed"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"ordo/models/fault"
)

// Show reads an experiment as Load does and returns the resolved file, with where each value comes from beside it: a
// line of the file or of one that it extends, a variable or an override. What has no such comment is a default.
func Show(file string, overrides, environ []string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Reading(fault.Config, file, err)
	}
	e, from, err := parse(file, text, overrides, environ)
	if err != nil {
		return nil, err
	}
	return e.yaml(func(root *yaml.Node) { annotate(root, "", from) })
}

// annotate puts its origin beside every value.
func annotate(n *yaml.Node, path string, from *origins) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Kind != yaml.MappingNode {
			break
		}
		value := n.Content[i+1]
		at := join(path, n.Content[i].Value)
		if value.Kind == yaml.MappingNode && len(value.Content) > 0 || hasKeys(value) {
			annotate(value, at, from)
			continue
		}
		if label, ok := from.set(at); ok {
			value.LineComment = label
		}
	}
	if n.Kind == yaml.SequenceNode {
		for i, entry := range n.Content {
			annotate(entry, join(path, strconv.Itoa(i)), from)
		}
	}
}

// hasKeys says whether a value is a list of maps.
func hasKeys(n *yaml.Node) bool {
	return n.Kind == yaml.SequenceNode && len(n.Content) > 0 && n.Content[0].Kind == yaml.MappingNode
}

// set is where a key itself was set, or something that holds it; ok is false for a default.
func (o *origins) set(path string) (label string, ok bool) {
	for _, s := range slices.Backward(o.later) {
		if path == s.path || strings.HasPrefix(path, s.path+".") {
			return s.at.label, true
		}
	}
	at, ok := o.lines[path]
	return o.at(at).label, ok
}

//go:embed starter.yaml
var starter string

// Starter is the text of an experiment file for a folder of images, with comments for a reader who has seen none yet.
func Starter(folder string) ([]byte, error) {
	var root yaml.Node
	root.SetString(folder)
	if strings.ContainsAny(folder, "\n\r") {
		root.Style = yaml.DoubleQuotedStyle
	}
	quoted, err := yaml.Marshal(&root)
	if err != nil {
		return nil, fault.New(fault.Config, "%s is no text for YAML: %w", folder, err)
	}
	name := strings.TrimSpace(string(quoted))
	return []byte(strings.ReplaceAll(starter, "DATA", name)), nil
}

// Difference is a key of which two experiments have another value, as YAML; "": none.
type Difference struct{ Key, First, Second string }

// Differences lists the keys of which two experiments have another value, in the order of the file. An entry of a list
// is named by its family or transformation, so that one that was left out moves no other.
func Differences(first, second Experiment) []Difference {
	a, b := first.values(), second.values()
	var all []Difference
	seen := map[string]bool{}
	for _, list := range [][]setValue{a, b} {
		for _, v := range list {
			if seen[v.path] {
				continue
			}
			seen[v.path] = true
			if x, y := find(a, v.path), find(b, v.path); x != y {
				all = append(all, Difference{v.path, x, y})
			}
		}
	}
	return all
}

// Settings are the experiment's keys that hold no further keys, with their values as YAML. An entry of a list is named
// as in Differences.
func (e Experiment) Settings() map[string]string {
	all := map[string]string{}
	for _, v := range e.values() {
		all[v.path] = v.text
	}
	return all
}

// setValue is a key with its value as YAML.
type setValue struct{ path, text string }

// Value is the value of a key as YAML, where list entries go by the names that Differences gives them; ok is false
// where the experiment has no such key.
func (e Experiment) Value(key string) (text string, ok bool) {
	for _, v := range e.values() {
		if v.path == key {
			return v.text, true
		}
	}
	return "", false
}

// SameValue says whether two values in YAML are the same, however they are written: 1e-3 is 0.001.
func SameValue(first, second string) bool {
	var a, b any
	if yaml.Unmarshal([]byte(first), &a) != nil || yaml.Unmarshal([]byte(second), &b) != nil {
		return first == second
	}
	return reflect.DeepEqual(plainNumbers(a), plainNumbers(b))
}

// plainNumbers makes floats of the numbers of a value, and maps of maps.
func plainNumbers(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = plainNumbers(x)
		}
		return out
	}
	return v
}

func find(all []setValue, path string) string {
	for _, v := range all {
		if v.path == path {
			return v.text
		}
	}
	return ""
}

// values lists the experiment's keys that hold no further keys.
func (e Experiment) values() []setValue {
	var all []setValue
	_, err := e.yaml(func(root *yaml.Node) { collect(root, "", &all) })
	if err != nil {
		panic(err) // plain structs of numbers and text
	}
	return all
}

func collect(n *yaml.Node, path string, all *[]setValue) {
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) > 0:
		for i := 0; i+1 < len(n.Content); i += 2 {
			collect(n.Content[i+1], join(path, n.Content[i].Value), all)
		}
	case hasKeys(n):
		names := entryNames(n)
		for i, entry := range n.Content {
			collect(entry, join(path, names[i]), all)
		}
	default:
		text, err := yaml.Marshal(n)
		if err != nil {
			panic(err) // a node of a tree that was encoded
		}
		*all = append(*all, setValue{path, strings.TrimSpace(string(text))})
	}
}

// entryNames are the names of a list's entries: its family or its first key, or the position where that is there twice.
func entryNames(list *yaml.Node) []string {
	names := make([]string, len(list.Content))
	count := map[string]int{}
	for i, entry := range list.Content {
		names[i] = strconv.Itoa(i)
		for k := 0; k+1 < len(entry.Content); k += 2 {
			if key := entry.Content[k].Value; key == "family" || key == "name" || key == "kind" {
				names[i] = entry.Content[k+1].Value
				break
			} else if k == 0 && entry.Content[1].Kind != yaml.ScalarNode {
				names[i] = key
			}
		}
		count[names[i]]++
	}
	for i, name := range names {
		if count[name] > 1 {
			names[i] = strconv.Itoa(i)
		}
	}
	return names
}
