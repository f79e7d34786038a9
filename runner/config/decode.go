package config

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ordo/augment"
	"ordo/loss"
	"ordo/models/heads"
)

// decoder moves values as YAML gives them into Go values, without any conversion that could hide a slip.
type decoder struct {
	mistake func(path, format string, args ...any)
}

// value decodes src over dst: what src leaves out keeps its value.
func (d *decoder) value(path string, dst reflect.Value, src any) {
	switch dst.Type() {
	case stepType:
		d.step(path, dst, src)
		return
	case familyType:
		d.family(path, dst, src)
		return
	case memberType:
		d.member(path, dst, src)
		return
	case termType:
		d.term(path, dst, src)
		return
	case headType:
		dst.Set(reflect.ValueOf(heads.Default()))
		d.keys(path, dst, src, nil)
		return
	}
	ok := false
	switch dst.Kind() {
	case reflect.String:
		var text string
		if text, ok = src.(string); ok {
			dst.SetString(text)
		} else if scalar(src) {
			d.mistake(path, "must be text, found %s; put it in quotes", found(src))
			return
		}
	case reflect.Bool:
		var b bool
		if b, ok = src.(bool); ok {
			dst.SetBool(b)
		}
	case reflect.Int:
		var n int64
		if n, ok = signed(src); ok {
			dst.SetInt(n)
		}
	case reflect.Uint64:
		var n uint64
		if n, ok = unsigned(src); ok {
			dst.SetUint(n)
		}
	case reflect.Float64:
		var x float64
		if x, ok = float(src); ok {
			dst.SetFloat(x)
		}
	case reflect.Slice, reflect.Array:
		d.list(path, dst, src)
		return
	case reflect.Struct:
		d.keys(path, dst, src, nil)
		return
	case reflect.Map:
		d.families(path, dst, src)
		return
	}
	if !ok {
		d.mistake(path, "must be %s, found %s", expected(dst.Type()), found(src))
	}
}

func (d *decoder) list(path string, dst reflect.Value, src any) {
	entries, ok := src.([]any)
	switch {
	case !ok:
		d.mistake(path, "must be %s, found %s", expected(dst.Type()), found(src))
		return
	case dst.Kind() == reflect.Array && len(entries) != dst.Len():
		d.mistake(path, "must be %s, found %d", expected(dst.Type()), len(entries))
		return
	case dst.Kind() == reflect.Slice && len(entries) == 0:
		dst.SetZero()
		return
	case dst.Kind() == reflect.Slice:
		dst.Set(reflect.MakeSlice(dst.Type(), len(entries), len(entries)))
	}
	for i, entry := range entries {
		d.value(fmt.Sprintf("%s[%d]", path, i), dst.Index(i), entry)
	}
}

// keys decodes a map into a struct. The keys in done are the caller's.
func (d *decoder) keys(path string, dst reflect.Value, src any, done []string) {
	tree, ok := src.(map[string]any)
	if !ok {
		d.mistake(path, "must be a map of keys, found %s", found(src))
		return
	}
	known := fields(dst)
	for key, v := range tree {
		if slices.Contains(done, key) {
			continue
		}
		at := join(path, key)
		i := slices.IndexFunc(known, func(f field) bool { return f.name == key })
		if i < 0 {
			names := make([]string, len(known))
			for j, f := range known {
				names[j] = f.name
			}
			near := Nearest(key, names)
			if near == "" {
				near = strings.Join(names, " or ")
			}
			d.mistake(at, "unknown key; did you mean %s?", near)
			continue
		}
		d.value(at, known[i].value, v)
	}
}

// family decodes an entry of augment.ordered over the family's defaults.
func (d *decoder) family(path string, dst reflect.Value, src any) {
	if f, ok := d.named(path, src); ok {
		dst.Set(reflect.ValueOf(f))
		d.keys(path, dst, src, []string{"family"})
	}
}

// member decodes a further family of a joint one over its default strength.
func (d *decoder) member(path string, dst reflect.Value, src any) {
	f, ok := d.named(path, src)
	if !ok {
		return
	}
	ofEntry := []string{"levels", "sampling", "signed", "with"}
	for key := range src.(map[string]any) {
		if slices.Contains(ofEntry, key) {
			d.mistake(join(path, key), "belongs to the whole entry, beside its own family; "+
				"the families in `with` have only family and max")
		}
	}
	dst.Set(reflect.ValueOf(augment.Member{Family: f.Family, Max: f.Max}))
	d.keys(path, dst, src, append(ofEntry, "family"))
}

// named returns the defaults of the family that a map names.
func (d *decoder) named(path string, src any) (augment.Family, bool) {
	tree, ok := src.(map[string]any)
	if !ok {
		d.mistake(path, "must be a family, like {family: rotate}, found %s", found(src))
		return augment.Family{}, false
	}
	name, ok := tree["family"].(string)
	if !ok {
		d.mistake(path, "must name a family, like {family: rotate}, found %s", found(src))
		return augment.Family{}, false
	}
	f, err := augment.DefaultFamily(name)
	if err != nil {
		d.mistake(path+".family", "must be one of %s, got %q%s", strings.Join(augment.FamilyNames(), ", "), name,
			meant(Nearest(name, augment.FamilyNames())))
	}
	return f, err == nil
}

// families decodes a map by family name.
func (d *decoder) families(path string, dst reflect.Value, src any) {
	tree, ok := src.(map[string]any)
	if !ok {
		d.mistake(path, "must be a map of family names, found %s", found(src))
		return
	}
	dst.SetZero()
	for name, v := range tree {
		if !augment.IsFamilyName(name) {
			d.mistake(join(path, name), "no family is called %q%s", name, meant(Nearest(name, augment.FamilyNames())))
			continue
		}
		value := initial(dst.Type().Elem())
		d.value(join(path, name), value, v)
		if dst.IsNil() {
			dst.Set(reflect.MakeMap(dst.Type()))
		}
		dst.SetMapIndex(reflect.ValueOf(name), value)
	}
}

// term decodes an entry of loss.terms over its kind's defaults.
func (d *decoder) term(path string, dst reflect.Value, src any) {
	const like = "{kind: care, weight: 0.5}"
	tree, ok := src.(map[string]any)
	if !ok {
		d.mistake(path, "must be a term, like %s, found %s", like, found(src))
		return
	}
	kind, ok := tree["kind"].(string)
	if !ok {
		d.mistake(path, "must name the kind of the term, like %s, found %s", like, found(src))
		return
	}
	t, err := loss.DefaultTerm(kind)
	if err != nil {
		d.mistake(path+".kind", "must be one of %s, got %q%s", strings.Join(loss.TermKinds(), ", "), kind,
			meant(Nearest(kind, loss.TermKinds())))
		return
	}
	d.keys(path, reflect.ValueOf(t.Settings()).Elem(), src, []string{"kind"})
	dst.Set(reflect.ValueOf(t))
}

// step decodes an entry of augment.invariant: a name, a map of a name to settings, or a family; beside the latter two
// there may be views. A name that is a transformation's and a family's alone is the transformation.
func (d *decoder) step(path string, dst reflect.Value, src any) {
	if name, ok := src.(string); ok {
		if slices.Contains(augment.FamilyNames(), name) && !slices.Contains(augment.TransformationNames(), name) {
			src = map[string]any{"family": name}
		} else {
			src = map[string]any{name: nil}
		}
	}
	tree, ok := src.(map[string]any)
	if !ok {
		d.mistake(path, "must be a transformation, like `- horizontal_flip: {p: 0.5}`, found %s", found(src))
		return
	}
	if list, ok := tree["views"]; ok {
		views := reflect.New(viewsType).Elem()
		d.value(path+".views", views, list)
		defer func() { dst.FieldByName("Views").Set(views) }()
		tree = maps.Clone(tree)
		delete(tree, "views")
	}
	if _, ok := tree["family"]; ok {
		d.familyStep(path, dst, tree)
		return
	}
	if len(tree) != 1 {
		d.mistake(path, "must be one transformation, like `- horizontal_flip: {p: 0.5}`, found %s; are the settings "+
			"indented below the name?", found(src))
		return
	}
	for name, settings := range tree {
		step, err := augment.DefaultTransformation(name)
		switch {
		case err == nil:
		case slices.Contains(augment.FamilyNames(), name):
			d.mistake(path, "%s is a family; write {family: %s, max: …}", name, name)
			return
		default:
			known := slices.Concat(augment.TransformationNames(), augment.FamilyNames())
			d.mistake(path, "no transformation is called %q%s", name, meant(Nearest(name, known)))
			return
		}
		if settings != nil {
			if step, err = augment.GivenTransformation(name); err != nil {
				d.mistake(path, "%v", err)
				return
			}
			d.value(join(path, name), stepBody(&step, name), settings)
			d.idle(join(path, name), step, settings)
		}
		dst.Set(reflect.ValueOf(step))
	}
}

// idle refuses settings of color_jitter that name no strength: it would change nothing, where its name alone does.
func (d *decoder) idle(path string, step augment.Transformation, settings any) {
	tree, ok := settings.(map[string]any)
	if _, p := tree["p"]; !ok || step.ColorJitter == nil || len(tree) > 1 || len(tree) == 1 && !p {
		return
	}
	d.mistake(path, "names none of brightness, contrast, saturation and hue, which are 0 then, so that nothing would be "+
		"changed; write color_jitter alone for the values of the recipe, or name them")
}

// familyStep decodes a family of the invariant list. It adds no views, so it has no levels.
func (d *decoder) familyStep(path string, dst reflect.Value, tree map[string]any) {
	if _, ok := tree["levels"]; ok {
		d.mistake(path+".levels", "an invariant family adds no views; leave levels out")
		return
	}
	family := reflect.New(familyType)
	d.family(path, family.Elem(), tree)
	f := family.Interface().(*augment.Family)
	f.Levels = 0
	dst.Set(reflect.ValueOf(augment.Transformation{Family: f}))
}

// found describes a value for an error.
func found(v any) string {
	switch v := v.(type) {
	case nil:
		return "no value"
	case string:
		return fmt.Sprintf("the text %q", v)
	case bool:
		return fmt.Sprintf("%v", v)
	case int, int64, uint64, float64:
		return fmt.Sprintf("the number %v", v)
	case []any:
		return fmt.Sprintf("a list of %d", len(v))
	case map[string]any:
		if len(v) == 0 {
			return "an empty map"
		}
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		return "a map with " + strings.Join(keys, ", ")
	}
	return fmt.Sprintf("%v", v) // a date
}

// scalar says whether a value is neither missing nor made of others.
func scalar(v any) bool {
	switch v.(type) {
	case nil, []any, map[string]any:
		return false
	}
	return true
}

// exact is the bound below which every whole float64 stands for itself only.
const exact = 1 << 53

// signed takes whole numbers, however they are written: 3, 3.0, 2e2.
func signed(src any) (int64, bool) {
	switch n := src.(type) {
	case int:
		return int64(n), true
	case int64:
		return n, true
	case float64:
		return int64(n), math.Abs(n) < exact && n == math.Trunc(n)
	}
	return 0, false
}

func unsigned(src any) (uint64, bool) {
	if n, ok := src.(uint64); ok {
		return n, true
	}
	n, ok := signed(src)
	return uint64(n), ok && n >= 0
}

func float(src any) (float64, bool) {
	switch n := src.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case uint64:
		return float64(n), true
	case float64:
		return n, !math.IsNaN(n) && !math.IsInf(n, 0)
	}
	return 0, false
}

// plain turns a default into what YAML would give for it.
func plain(v reflect.Value) any {
	text, err := yaml.Marshal(v.Interface())
	if err != nil {
		return nil
	}
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		return nil
	}
	return value
}
