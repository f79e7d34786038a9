package config

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"ordo/augment"
)

// Key is one key of an experiment file.
type Key struct {
	// Path has dots, as overrides take it. INDEX stands for the position in a list, counted from 0, and FAMILY for the
	// name of a family or of a joint one, such as rotate+blur.
	Path string `json:"key"`
	Type string `json:"type"` // what its value must be, in words
	// Default is what the key has when nothing sets it, as YAML; "": it is required, or its default depends on the kind
	// that stands beside it.
	Default string `json:"default"`
	// ByKind lists the defaults of single kinds of loss, or families, where they differ: "4096 (moco)".
	ByKind   string `json:"by_kind,omitempty"`
	Required bool   `json:"required,omitempty"` // in the entry of a list that it belongs to
	// Range is what the value must be, beyond its type, as Validate says it.
	Range  string   `json:"range"`
	Values []string `json:"values,omitempty"` // all that it can be, or the usual ones of them; none: too many to list
	Doc    string   `json:"doc"`              // sentences
}

// Variable returns the environment variable that sets the key, or "" for settings of list entries and of families.
func (k Key) Variable() string {
	if strings.Contains(k.Path, "."+index+".") || strings.Contains(k.Path, anyFamily) {
		return ""
	}
	return variable(k.Path)
}

// Sentence is the first sentence of Doc.
func (k Key) Sentence() string {
	for i := range len(k.Doc) - 2 {
		if k.Doc[i] == '.' && k.Doc[i+1] == ' ' && k.Doc[i+2] >= 'A' && k.Doc[i+2] <= 'Z' {
			return k.Doc[:i+1]
		}
	}
	return k.Doc
}

// Facts are type, range and default in a line.
func (k Key) Facts() string {
	text := k.Type
	if k.Range != k.Type && !strings.HasPrefix(k.Range, "any ") {
		text += ", " + k.Range
	}
	switch {
	case k.Required:
		return text + "; required"
	case k.Path == "name":
		return text + "; default: the name of the file"
	case k.ByKind == "":
		return text + "; default " + k.Default
	case k.Default == "":
		return text + "; default " + k.ByKind
	}
	return fmt.Sprintf("%s; default %s, or %s", text, k.Default, k.ByKind)
}

// table is made of the structs' comments, defaults and Validate: go test ./runner/config -update.
//
//go:embed keys.json
var table []byte

var keys = sync.OnceValue(func() []Key {
	var all []Key
	if err := json.Unmarshal(table, &all); err != nil {
		panic(fmt.Errorf("config: keys.json: %w", err))
	}
	return all
})

// Keys returns every key, in the order in which Experiment.YAML writes them.
func Keys() []Key { return slices.Clone(keys()) }

// KeysOf returns the keys that a path names: the key itself, and those of the section or of the list entries that it
// is. Positions in lists and names of families stand for INDEX and FAMILY. If there are none, near is the nearest path,
// or "".
func KeysOf(path string) (found []Key, near string) {
	path = general(path)
	for _, k := range keys() {
		if k.Path == path || strings.HasPrefix(k.Path, path+".") {
			found = append(found, k)
		}
	}
	if len(found) > 0 {
		return found, ""
	}
	var candidates []string
	for _, k := range keys() {
		for at := k.Path; at != ""; at = parent(at) {
			candidates = append(candidates, at)
		}
	}
	return nil, Nearest(path, candidates)
}

// parent is the section of a key or a section; "" has none.
func parent(path string) string { return path[:max(0, strings.LastIndexByte(path, '.'))] }

// general puts INDEX and FAMILY into a path that names an index or a family.
func general(path string) string {
	parts := strings.Split(path, ".")
	for i, part := range parts {
		_, err := strconv.Atoi(part)
		switch {
		case err == nil:
			parts[i] = index
		case i > 0 && (parts[i-1] == "roles" || parts[i-1] == "families") && augment.IsFamilyName(part):
			parts[i] = anyFamily
		}
	}
	return strings.Join(parts, ".")
}
