package importance_test

import (
	"fmt"

	"ordo/runner/importance"
)

// A role decides, and a width that was swept with it does not.
func Example() {
	var trials []importance.Trial
	for i := range 30 {
		role, width := []string{"absent", "ordered", "invariant"}[i%3], fmt.Sprint(16*(1+i%4))
		result := 0.8 + 0.001*float64(i%7)
		if role == "ordered" {
			result += 0.1
		}
		trials = append(trials, importance.Trial{Values: []string{role, width}, Result: result})
	}
	r := importance.Of([]importance.Key{{Name: "role"}, {Name: "width", Kind: importance.Steps}}, trials, false)
	for _, w := range r.Keys {
		fmt.Printf("%s: told from chance: %t\n", w.Key, w.Told())
	}
	// Output:
	// role: told from chance: true
	// width: told from chance: false
}
