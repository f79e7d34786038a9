package autodiff_test

import (
	"fmt"
	"testing"

	"ordo/models/autodiff"
	"ordo/models/golden"
)

// operatorsText is what OPERATORS.md holds.
func operatorsText() string {
	return fmt.Sprintf(`# Operators that ordo can train

Of ONNX's opsets %d to %d, float32. What a graph has beyond these stays as it is where no gradient goes through it. This
file is written by the tests: go test ./models/autodiff -run TestOperatorTable -update.

%s`, autodiff.MinOpset, autodiff.MaxOpset, autodiff.OperatorTable())
}

func TestOperatorTable(t *testing.T) {
	golden.Compare(t, "OPERATORS.md", operatorsText())
}
