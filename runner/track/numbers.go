package track

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Numbers lists the numbers of a result, as result.json has it, by their paths with dots: knn_top1,
// order_accuracy.rotate.embedding. Lists are left out, and so is what is null.
func Numbers(result map[string]any) map[string]float64 {
	into := map[string]float64{}
	numbers("", result, into)
	return into
}

// Numbers lists the result's numbers by their paths.
func (r Result) Numbers() (map[string]float64, error) {
	var tree map[string]any
	text, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(text, &tree)
	}
	if err != nil {
		return nil, fmt.Errorf("track: numbers of a result: %w", err)
	}
	return Numbers(tree), nil
}

func numbers(path string, value any, into map[string]float64) {
	switch v := value.(type) {
	case float64:
		into[path] = v
	case map[string]any:
		for key, below := range v {
			numbers(join(path, key), below, into)
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// What stands in the paths of NumberPaths for the keys of maps.
const (
	AnyFamily = "FAMILY" // of transformations
	AnyOutput = "OUTPUT" // of the network
	AnyName   = "NAME"   // any other, which may have dots
)

// NumberPaths lists the paths of all numbers that a result can have, in the order of its fields. A map of maps is one
// by family and output.
func NumberPaths() []string { return numberPaths("", reflect.TypeFor[Result]()) }

var marshaler = reflect.TypeFor[json.Marshaler]()

func numberPaths(path string, t reflect.Type) []string {
	if t.Implements(marshaler) { // a number, or null where it is undefined
		return []string{path}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return numberPaths(path, t.Elem())
	case reflect.Map:
		if t.Elem().Kind() == reflect.Map {
			return numberPaths(path+"."+AnyFamily+"."+AnyOutput, t.Elem().Elem())
		}
		return numberPaths(path+"."+AnyName, t.Elem())
	case reflect.Struct:
		var all []string
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous && name == "":
				all = append(all, numberPaths(path, f.Type)...)
			case name != "" && name != "-":
				all = append(all, numberPaths(join(path, name), f.Type)...)
			}
		}
		return all
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		return []string{path}
	}
	return nil
}
