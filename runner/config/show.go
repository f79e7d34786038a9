package config

import (
	_ "embed"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"ordo/models/fault"
)

// Show reads an experiment as Load does and returns the resolved file, with where each value comes from beside it: a
// line of the file, a variable or an override. What has no such comment is a default.
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
	line, ok := o.lines[path]
	return o.line(line).label, ok
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
