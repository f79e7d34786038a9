package eval

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Value is a number that may be undefined, such as R² where all targets are equal. In JSON it is a number or null,
// never 0 or NaN in the place of what is not known.
type Value struct {
	Number  float64 // 0 where it is undefined
	Defined bool
}

// Defined is a value that is a number.
func Defined(x float64) Value { return Value{Number: x, Defined: true} }

// String writes the number, or that there is none.
func (v Value) String() string {
	if !v.Defined {
		return "undefined"
	}
	return strconv.FormatFloat(v.Number, 'g', 6, 64)
}

// MarshalJSON writes a number or null.
func (v Value) MarshalJSON() ([]byte, error) {
	if !v.Defined {
		return []byte("null"), nil
	}
	return json.Marshal(v.Number)
}

// UnmarshalJSON reads a number or null.
func (v *Value) UnmarshalJSON(text []byte) error {
	*v = Value{}
	if bytes.Equal(text, []byte("null")) {
		return nil
	}
	if err := json.Unmarshal(text, &v.Number); err != nil {
		return err
	}
	v.Defined = true
	return nil
}

// ratio is a/b, undefined where b is 0 or the ratio is too large for a number.
func ratio(a, b float64) Value {
	if r := a / b; b != 0 && finite(r) {
		return Defined(r)
	}
	return Value{}
}

// less is 1 - v.
func less(v Value) Value {
	if v.Defined {
		v.Number = 1 - v.Number
	}
	return v
}
