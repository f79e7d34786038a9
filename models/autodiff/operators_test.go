package autodiff_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"ordo/models/autodiff"
)

var update = flag.Bool("update", false, "write OPERATORS.md anew")

// operatorsText is what OPERATORS.md holds.
func operatorsText() string {
	return fmt.Sprintf(`# Operators that ordo can train

Of ONNX's opsets %d to %d, float32. What a graph has beyond these stays as it is where no gradient goes through it. This
file is written by the tests: go test ./models/autodiff -run TestOperatorTable -update.

%s`, autodiff.MinOpset, autodiff.MaxOpset, autodiff.OperatorTable())
}

func TestOperatorTable(t *testing.T) {
	const path = "OPERATORS.md"
	if *update {
		if err := os.WriteFile(path, []byte(operatorsText()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != operatorsText() {
		t.Errorf("%s is not what the rules say: run this test with -update", path)
	}
}
