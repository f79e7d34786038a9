package config

import (
	"slices"
	"strconv"
	"strings"

	"ordo/augment"
)

// Candidate is a way to go on with an override KEY=VALUE.
type Candidate struct {
	Text string // all of it: ends with a dot after a section, with = after a key
	Doc  string // what the key is; "" for a value
}

// Complete returns what can follow the text of an override of e: the sections and keys that begin with it, or after =
// the values of the key. The entries of lists are those that e has.
func Complete(text string, e Experiment) []Candidate {
	if path, value, ok := strings.Cut(text, "="); ok {
		return completeValue(path, value)
	}
	var list []Candidate
	for _, path := range settable(e) {
		rest, ok := strings.CutPrefix(path, text)
		if !ok {
			continue
		}
		c := Candidate{Text: path + "="}
		if dot := strings.IndexByte(rest, '.'); dot >= 0 {
			c.Text = text + rest[:dot+1]
		} else if k, known := keyOf(path); known {
			c.Doc = k.Sentence()
		}
		if !slices.ContainsFunc(list, func(other Candidate) bool { return other.Text == c.Text }) {
			list = append(list, c)
		}
	}
	return list
}

func completeValue(path, value string) []Candidate {
	k, _ := keyOf(path)
	var list []Candidate
	for _, v := range k.Values {
		if strings.HasPrefix(v, value) {
			list = append(list, Candidate{Text: path + "=" + v})
		}
	}
	return list
}

// keyOf returns the key that a path without INDEX and FAMILY is of.
func keyOf(path string) (Key, bool) {
	path = general(path)
	all := keys()
	i := slices.IndexFunc(all, func(k Key) bool { return k.Path == path })
	if i < 0 {
		return Key{}, false
	}
	return all[i], true
}

// settable lists the paths of all keys that an override of e can set, in the order of the table.
func settable(e Experiment) []string {
	var families []string
	for _, f := range e.Augment.Ordered {
		families = append(families, f.Name())
	}
	if len(families) == 0 {
		families = augment.FamilyNames()
	}
	tree := e.tree()
	var list []string
	for _, k := range keys() {
		if !strings.Contains(k.Path, "."+index) {
			if before, after, ok := strings.Cut(k.Path, anyFamily); ok {
				for _, f := range families {
					list = append(list, before+f+after)
				}
				continue
			}
			list = append(list, k.Path)
		}
		if !strings.Contains(k.Path, "."+index) && strings.HasPrefix(k.Type, "a list, ") {
			entries, _ := lookUp(tree, strings.Split(k.Path, "."))
			list = append(list, entryPaths(k.Path, entries)...)
		}
	}
	return list
}

// entryPaths lists the paths of the settings of a list's entries.
func entryPaths(path string, entries any) []string {
	list, _ := entries.([]any)
	var all []string
	for i, entry := range list {
		at := join(path, strconv.Itoa(i))
		below, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		for _, k := range keys() {
			// Keys that a list entry has or, for what is left out of files, could have.
			rest, ok := strings.CutPrefix(k.Path, path+"."+index+".")
			if !ok {
				continue
			}
			parts := strings.Split(rest, ".")
			_, has := lookUp(below, parts)
			_, isFamily := below["family"]
			if has || isFamily && strings.HasPrefix(path, "augment.") && len(parts) == 1 {
				all = append(all, join(at, rest))
			}
		}
	}
	return all
}

// lookUp returns the value at a path of a tree.
func lookUp(tree any, path []string) (any, bool) {
	for _, key := range path {
		switch node := tree.(type) {
		case map[string]any:
			tree = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(node) {
				return nil, false
			}
			tree = node[i]
		default:
			return nil, false
		}
	}
	return tree, tree != nil
}
