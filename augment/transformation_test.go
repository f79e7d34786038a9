package augment

import (
	"reflect"
	"strings"
	"testing"
)

// TestEveryFieldIsListed holds the fields of Transformation to its entries and to their defaults.
func TestEveryFieldIsListed(t *testing.T) {
	var keys []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Transformation]()) {
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if f.Type.Kind() != reflect.Pointer || key == "" {
			continue // the family, and Views
		}
		keys = append(keys, key)
		d, err := DefaultTransformation(key)
		if err != nil {
			t.Fatal(err)
		}
		if d.Name() != key || reflect.ValueOf(d).FieldByIndex(f.Index).IsNil() {
			t.Errorf("the default of %s is %+v", key, d)
		}
		if faults := d.validate("invariant[0]", 1); len(faults) > 0 {
			t.Errorf("the default of %s: %v", key, faults)
		}
	}
	if got := TransformationNames(); !reflect.DeepEqual(got, keys) {
		t.Errorf("the fields are %v, the entries %v", keys, got)
	}
}
