package machine

import "fmt"

// Bytes writes a size in binary units with three digits; zero is "unknown".
func Bytes(n int64) string {
	if n == 0 {
		return "unknown"
	}
	value, unit := float64(n), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if value < 1000 {
			break
		}
		value, unit = value/1024, next
	}
	return fmt.Sprintf("%.3g %s", value, unit)
}
