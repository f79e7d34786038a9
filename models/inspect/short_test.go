package inspect

import "testing"

func TestShort(t *testing.T) {
	for n, want := range map[int64]string{11176512: "11.2 M", 999: "999", 1813561344: "1.81 G"} {
		if got := short(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
