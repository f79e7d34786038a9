package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile is the size in bytes from which a file is no experiment file.
const maxFile = 1 << 20

// Document reads a single YAML document, of which it returns the tree and the value. Both are nil for an empty one. It
// refuses what the YAML library lets pass or says in its own words: keys that are there twice, more than one document,
// a megabyte and more. The error begins with a verb, for the caller to put the text's name before.
func Document(text []byte) (*yaml.Node, any, error) {
	if len(text) > maxFile {
		return nil, nil, fmt.Errorf("is longer than %d bytes, so it is no experiment file", maxFile)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, explain(text, err)
	}
	var value any
	if err := document.Decode(&value); err != nil { // finds keys that are there twice
		return nil, nil, explain(text, err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("holds more than one YAML document; keep what stands before the second ---")
	}
	if len(document.Content) == 0 || value == nil {
		return nil, nil, nil
	}
	return document.Content[0], value, nil
}

var tabbed = regexp.MustCompile(`(?m)^ *\t`)

// explain makes a sentence of the library's error.
func explain(text []byte, err error) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	message = strings.TrimPrefix(message, "unmarshal errors:\n")
	lines := strings.Split(message, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	message = "is not YAML: " + strings.Join(lines, "; ")
	if at := tabbed.FindIndex(text); at != nil {
		message += fmt.Sprintf("; line %d is indented by a tab, YAML wants spaces", 1+bytes.Count(text[:at[0]], []byte("\n")))
	}
	return errors.New(message)
}

// keyName is what a key may look like: viper folds case and splits at dots, so neither may be in one. Names of joint
// families have a plus.
var keyName = regexp.MustCompile(`^[a-z][a-z0-9_]*(\+[a-z][a-z0-9_]*)*$`)

// scan calls key for every key and list entry below n, with its path. It does not follow aliases.
func scan(n *yaml.Node, path string, key func(path string, n *yaml.Node)) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if k.ShortTag() == "!!merge" {
				continue
			}
			at := join(path, k.Value)
			key(at, k)
			scan(n.Content[i+1], at, key)
		}
	case yaml.SequenceNode:
		for i, entry := range n.Content {
			at := join(path, strconv.Itoa(i))
			key(at, entry)
			scan(entry, at, key)
		}
	}
}

// badKeys reports the keys below n that no experiment can have, whatever its schema.
func badKeys(n *yaml.Node, report func(line int, text string)) {
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			switch k := n.Content[i]; {
			case k.ShortTag() == "!!merge", k.Kind == yaml.ScalarNode && k.ShortTag() == "!!str" && keyName.MatchString(k.Value):
			case k.Kind == yaml.ScalarNode && strings.Contains(k.Value, "."):
				report(k.Line, fmt.Sprintf("%s: no key has a dot; put keys below their section: data: {source: orchard}", k.Value))
			case k.Kind == yaml.ScalarNode:
				report(k.Line, fmt.Sprintf("%s: keys are lower_snake_case", strconv.Quote(k.Value)))
			default:
				report(k.Line, "a key must be a word, found a list, a map or an alias")
			}
		}
	}
	for _, c := range n.Content {
		badKeys(c, report)
	}
}
