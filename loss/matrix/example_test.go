package matrix_test

import (
	"fmt"

	"ordo/loss/matrix"
)

// The similarities of two rows with three others, and with that the gradient by the rows.
func Example() {
	rows := matrix.Of([]float32{1, 0, 0, 2}, 2, 2)
	others := matrix.Of([]float32{1, 1, 2, 0, 0, 3}, 3, 2)
	similarity := matrix.Of(make([]float32, 6), 2, 3)
	gradient := matrix.Of(make([]float32, 4), 2, 2)

	var right matrix.Packed[float32]
	right.Pack(others.T())
	matrix.Mul(similarity, rows, &right)
	fmt.Println(similarity.Data)

	right.Pack(others)
	matrix.AddMul(gradient, similarity, &right)
	fmt.Println(gradient.Data)
	// Output:
	// [1 2 0 2 0 6]
	// [5 1 2 20]
}
