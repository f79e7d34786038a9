package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"ordo/augment"
)

// property is a schema of JSON Schema, draft 2020-12, of the parts that Schema uses.
type property struct {
	Schema      string               `json:"$schema,omitempty"`
	Title       string               `json:"title,omitempty"`
	Description string               `json:"description,omitempty"`
	Type        any                  `json:"type,omitempty"` // a name or a list of names
	Enum        []string             `json:"enum,omitempty"`
	Examples    []string             `json:"examples,omitempty"`
	Default     json.RawMessage      `json:"default,omitempty"`
	Properties  map[string]*property `json:"properties,omitempty"`
	// Additional is false, or the schema of keys that are names of families.
	Additional any         `json:"additionalProperties,omitempty"`
	Names      *property   `json:"propertyNames,omitempty"`
	Items      *property   `json:"items,omitempty"`
	MinItems   int         `json:"minItems,omitempty"`
	MaxItems   int         `json:"maxItems,omitempty"`
	AnyOf      []*property `json:"anyOf,omitempty"`
}

// Schema is the JSON Schema of experiment files, by which editors complete and explain keys. It knows keys, types and
// the values that are names; ranges, and what depends on other keys, stand in descriptions: `ordo config check` knows
// them all.
func Schema() ([]byte, error) {
	root := object()
	root.Schema, root.Title = "https://json-schema.org/draft/2020-12/schema", "An experiment of ordo"
	for _, k := range Keys() {
		root.put(strings.Split(k.Path, "."), schemaOf(k))
	}
	root.Properties[ExtendsKey] = &property{Type: "string",
		Description: "The experiment file over which this one comes, by its path from this one's folder."}
	root.Properties[expectKey] = &property{Type: "object",
		Description: "What the file's author found: numbers of a result with the range that they should be in, or " +
			"verdicts of `ordo select`."}
	// A list's transformation may be its bare name, and one without settings has no value.
	items := root.Properties["augment"].Properties["invariant"].Items
	for _, name := range augment.TransformationNames() {
		at := items.Properties[name]
		if at == nil { // without settings
			at = object()
			items.Properties[name] = at
		}
		at.Type = []string{"object", "null"}
	}
	bare := &property{Type: "string", Enum: slices.Concat(augment.TransformationNames(), augment.FamilyNames())}
	root.Properties["augment"].Properties["invariant"].Items = &property{AnyOf: []*property{bare, items}}
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("config: write the schema: %w", err)
	}
	return append(text, '\n'), nil
}

// object is the schema of a section.
func object() *property {
	return &property{Type: "object", Properties: map[string]*property{}, Additional: false}
}

// put puts a key's schema at its path below a section.
func (p *property) put(path []string, key *property) {
	name, rest := path[0], path[1:]
	if p.Properties == nil { // a list of which the entries were not known to have keys
		p.Properties, p.Type, p.Additional = map[string]*property{}, "object", false
	}
	if len(rest) == 0 {
		p.Properties[name] = key
		return
	}
	next := p.Properties[name]
	if next == nil {
		next = object()
		p.Properties[name] = next
	}
	switch rest[0] {
	case index:
		if next.Items == nil || next.Items.Properties == nil {
			next.Items = object()
		}
		next.Items.put(rest[1:], key)
	case anyFamily:
		next.byFamily(rest[1:], key)
	default:
		next.put(rest, key)
	}
}

// byFamily puts a key's schema below every name of a family.
func (p *property) byFamily(rest []string, key *property) {
	if len(rest) == 0 {
		p.Additional = key
		return
	}
	each, ok := p.Additional.(*property)
	if !ok {
		each = object()
		p.Additional = each
	}
	each.put(rest, key)
}

// schemaOf is the schema of a key by itself.
func schemaOf(k Key) *property {
	p := &property{Description: k.Doc, Type: typeOf(k.Type)}
	if strings.HasPrefix(k.Type, "a list") {
		p.Items = &property{Type: typeOf(k.Type[strings.Index(k.Type, "each entry ")+len("each entry "):])}
		if n := 0; p.Items.Type != nil {
			if _, err := fmt.Sscanf(k.Type, "a list of %d", &n); err == nil {
				p.MinItems, p.MaxItems = n, n
			}
		}
	}
	if k.Range != "" && k.Range != k.Type {
		p.Description += " Range: " + k.Range + "."
	}
	switch {
	case strings.HasPrefix(k.Range, "one of ") && p.Type == "string" && !strings.HasSuffix(k.Path, ".family"):
		p.Enum = k.Values
		if k.Default == `""` || k.ByKind != "" { // or the default of the kind
			p.Enum = slices.Concat(k.Values, []string{""})
		}
	case p.Type == "string": // families may be joint ones
		p.Examples = k.Values
	}
	if json.Valid([]byte(k.Default)) {
		p.Default = json.RawMessage(k.Default)
	}
	return p
}

// typeOf is JSON Schema's name of a type in words; nil: entries with keys of their own.
func typeOf(words string) any {
	switch {
	case strings.HasPrefix(words, "a list"):
		return "array"
	case words == "a number":
		return "number"
	case strings.HasPrefix(words, "a whole number"):
		return "integer"
	case words == "true or false":
		return "boolean"
	case words == "text":
		return "string"
	}
	return nil
}
