package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ordo/models/fault"
)

// ExtendsKey is the key of an experiment file that names the file over which it comes.
const ExtendsKey = "extends"

const (
	nameKey = "name"
	// maxExtends bounds how many files may stand below each other.
	maxExtends = 16
)

// take removes a key from a file's tree and returns its value and its line; nil: it isn't there.
func take(root *yaml.Node, key string) (value *yaml.Node, line int) {
	if root == nil || root.Kind != yaml.MappingNode {
		return nil, 0
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == key {
			value, line = root.Content[i+1], root.Content[i].Line
			root.Content = slices.Delete(root.Content, i, i+2)
			return value, line
		}
	}
	return nil, 0
}

// readBase reads the file that another one extends; at is where that is written.
func (l *loader) readBase(file string, name *yaml.Node, at origin) bool {
	path, text, err := base(file, name, l.origins.files)
	if err != nil {
		l.mistakes.add(at, "%s: %v", ExtendsKey, err)
		return false
	}
	return l.readFile(path, text)
}

// base reads the file that the last of a chain of files extends. Its path is relative to the folder of that file.
func base(file string, name *yaml.Node, chain []string) (path string, text []byte, err error) {
	name = target(name)
	if name.Kind != yaml.ScalarNode || name.ShortTag() != "!!str" || name.Value == "" {
		return "", nil, errors.New("must be the name of an experiment file, such as base.yaml")
	}
	if path = name.Value; !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(file), path)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", nil, fault.Reading(fault.Config, path, err)
	case !info.Mode().IsRegular() && !info.IsDir():
		return "", nil, fmt.Errorf("%s is no file", path)
	}
	for i, above := range chain {
		if other, err := os.Stat(above); err == nil && os.SameFile(info, other) {
			return "", nil, fmt.Errorf("goes round in a circle: %s", strings.Join(append(slices.Clone(chain[i:]), path), " → "))
		}
	}
	if len(chain) > maxExtends {
		return "", nil, fmt.Errorf("more than %d files extend each other; put some into one", maxExtends)
	}
	if text, err = os.ReadFile(path); err != nil {
		return "", nil, fault.Reading(fault.Config, path, err)
	}
	return path, text, nil
}

// Flat is the text of an experiment file, with the files that it extends in it: it can be read without them. One that
// extends none stays as it is.
func Flat(file string, text []byte) ([]byte, error) {
	tree, extended, err := flat(file, text, []string{file})
	if err != nil || !extended {
		return text, err
	}
	return yaml.Marshal(tree)
}

func flat(file string, text []byte, chain []string) (tree map[string]any, extended bool, err error) {
	root, value, err := Document(text)
	if err != nil {
		return nil, false, fault.New(fault.Config, "%s: %w", file, err)
	}
	tree, _ = value.(map[string]any)
	name, line := take(root, ExtendsKey)
	if name == nil {
		return tree, false, nil
	}
	path, text, err := base(file, name, chain)
	if err != nil {
		return nil, false, fault.New(fault.Config, "%s:%d: %s: %w", file, line, ExtendsKey, err)
	}
	below, _, err := flat(path, text, append(chain, path))
	if err != nil {
		return nil, false, err
	}
	delete(tree, ExtendsKey)
	delete(below, expectKey)
	delete(below, nameKey)
	return over(below, tree), true, nil
}

// over merges two trees: maps key by key; of all else, what stands above takes the place of what is below.
func over(below, above map[string]any) map[string]any {
	merged := maps.Clone(below)
	if merged == nil {
		merged = map[string]any{}
	}
	for key, v := range above {
		under, is := merged[key].(map[string]any)
		upper, also := v.(map[string]any)
		switch {
		case is && also:
			merged[key] = over(under, upper)
		case is && v == nil: // an empty section
		default:
			merged[key] = v
		}
	}
	return merged
}
