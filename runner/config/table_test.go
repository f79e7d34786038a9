package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"ordo/augment"
	"ordo/loss"
	"ordo/models/golden"
	"ordo/models/optimizer"
	"ordo/models/zoo"
)

// TestTable makes the table of keys from what is the authority on each part: the types and defaults of the options,
// what Validate says of values that it refuses, and the comments of the structs' fields.
func TestTable(t *testing.T) {
	g := generator{t: t, comments: map[string]string{}, trees: map[string]map[string]any{}}
	var all []Key
	e := Default()
	e.Loss = e.Loss.Resolved()
	for _, d := range newSchema(&e).keys {
		k := Key{Path: withAnyFamily(d.path), Type: expected(d.typ)}
		if slices.ContainsFunc(all, func(other Key) bool { return other.Path == k.Path }) ||
			strings.Contains(d.fields[0], "heads.Batch.") {
			continue // another family's, or left out of experiments
		}
		k.Doc = g.doc(d)
		k.Required = requiredFields[d.fields[0]] || d.path == "loss.terms.INDEX.kind"
		if !k.Required {
			k.Default, k.ByKind = g.byKind(d)
		}
		k.Range, k.Values = g.valid(d)
		all = append(all, k)
	}
	for _, k := range all {
		if k.Type == "" || k.Range == "" || k.Doc == "" || !k.Required && k.Default == "" && k.ByKind == "" {
			t.Errorf("lacks its type, range, default or sentence: %+v", k)
		}
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "keys.json", string(text)+"\n")
	golden.Compare(t, filepath.Join("..", "..", "docs", "experiment.md"), page(all))
}

// requiredFields have to be in the list entry that they are keys of.
var requiredFields = map[string]bool{
	"ordo/augment.Family.Family": true, "ordo/augment.Member.Family": true,
	"ordo/models/heads.Head.Name": true, "ordo/models/heads.Head.Layers": true,
}

var inFamily = regexp.MustCompile(`\b(roles|families)\.[a-z_]+`)

func withAnyFamily(path string) string { return inFamily.ReplaceAllString(path, "$1."+anyFamily) }

type generator struct {
	t        *testing.T
	comments map[string]string // by PACKAGE.TYPE.FIELD, of the packages that were read
	read     []string
	trees    map[string]map[string]any
}

// doc is the documentation of a key. An entry of loss.terms refers to the sections that hold the same settings.
func (g *generator) doc(d declared) string {
	var like, own []string
	for _, f := range d.fields {
		_, key, _ := strings.Cut(withAnyFamily(d.path), ".INDEX.")
		switch {
		case strings.HasPrefix(d.path, "loss.terms.") && strings.HasPrefix(f, "ordo/loss.InvarianceOptions."):
			like = append(like, "loss.invariance."+key)
		case strings.HasPrefix(d.path, "loss.terms.") && !strings.HasPrefix(f, "ordo/loss.BaselineOptions.") &&
			!strings.HasPrefix(f, "ordo/loss.AugSelfGroups."):
			like = append(like, "loss.order."+key)
		default:
			own = append(own, g.sentences(f))
		}
	}
	if len(like) > 0 {
		own = slices.Insert(own, 0, "As "+strings.Join(like, " or ")+".")
	}
	return strings.Join(own, " ")
}

// sentences is a field's comment for those who know the key and not the field.
func (g *generator) sentences(field string) string {
	dot := strings.LastIndexByte(field, '.')
	typ, name := field[:dot], field[dot+1:]
	pkg := typ[:strings.LastIndexByte(typ, '.')]
	if !slices.Contains(g.read, pkg) {
		g.readComments(pkg)
	}
	return sentences(name, g.comments[field])
}

// What a comment says of a key's range and default is in the table anyway.
var (
	limits   = regexp.MustCompile(`[,;]? ?\b(each |range |in |In )+[\[(][^\])]*[\])]( each)?([,;.]|$)`)
	defaults = regexp.MustCompile(`[,;.]? ?\b[Dd]efault (true|false|[a-z_]+|[-0-9.e]*[0-9]|\[[^\]]*\])( each)?([,;.:]|$)`)
	noValue  = regexp.MustCompile(`^[a-z][a-z0-9-]*([ ,;.]|$)`)
)

func sentences(field, comment string) string {
	text := strings.Join(strings.Fields(comment), " ")
	if rest, ok := strings.CutPrefix(text, field+" "); ok {
		verb, after, _ := strings.Cut(rest, " ")
		switch {
		case verb == "is" || verb == "are":
			text = after
		case strings.HasSuffix(verb, "s"):
			text = rest
		}
	}
	text = strings.TrimSuffix(text, " Required.")
	text = limits.ReplaceAllString(text, "$3")
	text = defaults.ReplaceAllStringFunc(text, func(clause string) string {
		m := defaults.FindStringSubmatch(clause)
		if m[3] == ":" { // what the default means
			return clause[:strings.Index(strings.ToLower(clause), "default")] + m[1] + m[3]
		}
		return m[3]
	})
	text = strings.Trim(text, " ,;:")
	if noValue.MatchString(text) { // "moco: …" begins with a value
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	if text != "" && !strings.HasSuffix(text, ".") {
		text += "."
	}
	return strings.ReplaceAll(text, "..", ".")
}

// readComments reads those of the fields of a package's structs.
func (g *generator) readComments(pkg string) {
	g.read = append(g.read, pkg)
	files, err := filepath.Glob(filepath.Join("..", "..", strings.TrimPrefix(pkg, "ordo/"), "*.go"))
	if err != nil {
		g.t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			g.t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			body, ok := spec.Type.(*ast.StructType)
			if !ok {
				return false
			}
			for _, f := range body.Fields.List {
				for _, id := range f.Names {
					g.comments[pkg+"."+spec.Name.Name+"."+id.Name] = f.Doc.Text() + f.Comment.Text()
				}
			}
			return false
		})
	}
}

// host is an experiment file that has a key, and the kind or the family that it has it for.
type host struct{ kind, text string }

// hosts are files that have the key, and the key's path there.
func hosts(path string) (string, []host) {
	at := strings.ReplaceAll(path, index, "0")
	var list []host
	add := func(kind, format string) { list = append(list, host{kind, strings.ReplaceAll(format, "KIND", kind)}) }
	switch parts := strings.Split(path, "."); {
	case strings.HasPrefix(path, "augment.invariant.INDEX.color_jitter."): // what it is beside another setting
		add("", "augment: {invariant: [{color_jitter: {brightness: 0}}]}")
	case strings.HasPrefix(path, "augment.invariant.INDEX.") && slices.Contains(augment.TransformationNames(), parts[3]):
		add("", "augment: {invariant: ["+parts[3]+"]}")
	case strings.Contains(path, ".with.INDEX."):
		for _, name := range families(path) {
			first := "zoom"
			if name == first {
				first = "rotate"
			}
			add(name, "augment: {"+parts[1]+": [{family: "+first+", with: [{family: KIND}]}]}")
		}
	case strings.HasPrefix(path, "augment.invariant.") || strings.HasPrefix(path, "augment.ordered."):
		for _, name := range families(path) {
			add(name, "augment: {"+parts[1]+": [{family: KIND}]}")
		}
	case strings.HasPrefix(path, "augment.local_views."):
		add("", "augment: {invariant: [random_resized_crop], local_views: {count: 2}}")
	case strings.HasPrefix(path, "augment.roles."):
		add("", "augment: {ordered: [{family: "+parts[2]+"}]}")
	case parts[0] == "loss" && len(parts) > 2:
		list = lossHosts(path)
	case strings.HasPrefix(path, "model.heads."):
		for _, kind := range []string{"perceptron", "pair", "conditioned"} {
			add(kind, "model: {heads: [{name: h, layers: [8], kind: KIND}]}")
		}
	case path == "model.width" || path == "model.patch_size":
		for _, name := range zoo.Names() {
			add(name, "model: {backbone: KIND}")
		}
	case parts[0] == "train":
		for _, name := range []string{optimizer.AdamW, optimizer.SGD, optimizer.LARS} {
			add(name, "train: {optimizer: KIND}")
		}
	default:
		add("", "seed: 1")
	}
	return at, list
}

// families are those that a key differs for.
func families(path string) []string {
	if strings.HasSuffix(path, ".max") {
		return augment.FamilyNames()
	}
	return []string{"rotate"}
}

// lossHosts are files with every kind of the terms of a key's section.
func lossHosts(path string) []host {
	section := strings.Split(path, ".")[1]
	settings := ""
	if strings.HasSuffix(path, ".warmup") {
		settings = ", schedule: linear"
	}
	if strings.Contains(path, ".families.") {
		settings = ", families: {rotate: {weight: 1" + settings + "}}"
	}
	var list []host
	for _, kind := range loss.TermKinds() {
		term, _ := loss.DefaultTerm(kind)
		entry := "{kind: " + kind + settings + "}"
		switch {
		case section == "invariance" && term.Invariance != nil, section == "order" && term.Order != nil:
			list = append(list, host{kind, "augment: {ordered: [{family: rotate}]}\nloss: {" + section + ": " + entry + "}"})
		case section == "terms" && (term.Order != nil || !strings.Contains(path, ".families.")):
			list = append(list, host{kind, "loss: {terms: [" + entry + "]}"})
		}
	}
	return list
}

// byKind returns the default of a key and the defaults that single kinds have instead.
func (g *generator) byKind(d declared) (value, byKind string) {
	if d.value != nil {
		value = inline(d.value)
	}
	if !strings.HasPrefix(d.path, "loss.") && !strings.Contains(d.path, index) || strings.HasSuffix(d.path, ".warmup") {
		return cmp.Or(value, "0"), "" // it is the same for all kinds
	}
	at, list := hosts(d.path)
	values := map[string][]string{}
	var order []string
	isKind := true
	for _, h := range list {
		tree := g.tree(h.text)
		if tree == nil {
			continue // the kind isn't for this list
		}
		text := value
		if v, ok := lookUp(tree, strings.Split(at, ".")); ok {
			text = inline(v)
		} else if text == "" {
			text = inline(reflect.New(d.typ).Elem().Interface())
		}
		isKind = isKind && text == h.kind
		if values[text] == nil {
			order = append(order, text)
		}
		values[text] = append(values[text], h.kind)
	}
	switch {
	case len(order) == 1 && !isKind:
		return order[0], ""
	case len(order) < 2 || isKind:
		return value, ""
	}
	var parts []string
	for _, text := range order {
		if text != value && text != "0" && text != `""` && text != "[]" {
			parts = append(parts, text+" ("+strings.Join(values[text], ", ")+")")
		}
	}
	return value, strings.Join(parts, ", ")
}

// tree is that of an experiment, or nil if there is something wrong with it.
func (g *generator) tree(text string) map[string]any {
	if tree, ok := g.trees[text]; ok {
		return tree
	}
	e, err := Parse("x.yaml", []byte(text), nil, nil)
	if err == nil {
		g.trees[text] = e.tree()
	}
	return g.trees[text]
}

// valid returns what Validate says that a key must be, and the words that it can be.
func (g *generator) valid(d declared) (string, []string) {
	if d.typ.Kind() == reflect.Bool {
		return "true or false", []string{"true", "false"}
	}
	at, list := hosts(d.path)
	var order, values []string
	said := map[string][]string{}
	for _, h := range list {
		text := g.refusal(h, at, d.typ)
		for _, word := range words(text) {
			if !slices.Contains(values, word) {
				values = append(values, word)
			}
		}
		if said[text] == nil {
			order = append(order, text)
		}
		said[text] = append(said[text], h.kind)
	}
	if len(values) > 0 {
		return "one of " + strings.Join(values, ", "), values
	}
	order = slices.DeleteFunc(order, func(text string) bool { return text == "" })
	switch {
	case len(order) == 0:
		return anything(d.typ), nil
	case len(order) == 1 && (len(said[""]) == 0 || !strings.HasPrefix(d.path, "loss.")):
		return order[0], nil
	}
	var parts []string
	for _, text := range order {
		parts = append(parts, text+" ("+strings.Join(said[text], ", ")+")")
	}
	return strings.Join(parts, "; "), nil
}

// anything is the range of a type whose values are not refused.
func anything(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "any text"
	case reflect.Uint64:
		return "in [0, 18446744073709551615]"
	case reflect.Slice:
		return "any number of entries"
	}
	return ""
}

var (
	kindOfHead = regexp.MustCompile(` for a head of kind \w+$`)
	refused    = regexp.MustCompile(`^(\S+?)((?:\[[\d:]+\])?): .*?\bmust (.*), got `)
	anIndex    = regexp.MustCompile(`\[([\d:]+)\]`)
	exponent   = regexp.MustCompile(`\d+(\.\d+)?e\+\d+`)
)

// refusal is what a value that no key can have must be instead; "": it can have any.
func (g *generator) refusal(h host, at string, typ reflect.Type) string {
	for _, value := range absurd(typ) {
		_, err := Parse("x.yaml", []byte(h.text), []string{at + "=" + value}, nil)
		if err == nil {
			continue
		}
		for line := range strings.Lines(err.Error()) {
			_, line, _ := strings.Cut(line, value+": ")
			m := refused.FindStringSubmatch(line)
			if m == nil || anIndex.ReplaceAllString(m[1], ".$1") != at {
				continue
			}
			text, isBe := strings.CutPrefix(kindOfHead.ReplaceAllString(m[3], ""), "be ")
			text = exponent.ReplaceAllStringFunc(text, func(number string) string {
				x, _ := strconv.ParseFloat(number, 64)
				return strconv.FormatFloat(x, 'f', -1, 64)
			})
			switch {
			case strings.HasPrefix(text, "left "): // of another kind
				return ""
			case text == "not be negative":
				return "0 or more"
			case !isBe:
				return "must " + text
			case m[2] != "" && !strings.HasPrefix(text, "low"):
				return "each " + text
			}
			return text
		}
	}
	return ""
}

// absurd are values of a type that few keys take.
func absurd(t reflect.Type) []string {
	switch t.Kind() {
	case reflect.Int:
		return []string{"-7", "1000000007"}
	case reflect.Float64:
		return []string{"-7e9", "7e9"}
	case reflect.String:
		return []string{`"?"`}
	case reflect.Slice, reflect.Array:
		n := 1
		if t.Kind() == reflect.Array {
			n = t.Len()
		}
		var lists []string
		for _, value := range absurd(t.Elem()) {
			lists = append(lists, "["+strings.Join(slices.Repeat([]string{value}, n), ", ")+"]")
		}
		return lists
	}
	return nil
}

var word = regexp.MustCompile(`^[a-z][a-z0-9_+]*$`)

// words takes "one of a, b, c" and "a, b or c" apart.
func words(text string) []string {
	text = strings.TrimPrefix(text, "one of ")
	list := strings.Split(strings.ReplaceAll(text, " or ", ", "), ", ")
	for _, w := range list {
		if !word.MatchString(w) {
			return nil
		}
	}
	return list
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
