package table

import (
	"fmt"
	"strings"
)

// Number writes a number in a form such as %+.3f. What rounds to 0 has no sign: it would say which side it is on, and
// that isn't known any more.
func Number(format string, x float64) string {
	text := fmt.Sprintf(format, x)
	if strings.ContainsAny(text, "123456789") || !strings.Contains(text, "0") { // NaN and Inf have no digit
		return text
	}
	return strings.NewReplacer("-", "", "+", "").Replace(text)
}
