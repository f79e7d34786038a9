package script_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"

	"ordo/runner/bench/script"
)

// sh stands in for Python: it answers a line and then complains.
const sh = `read request; echo '{"sum": 3}'; read request || exit
echo first >&2; echo "no module named torch" >&2; exit 1`

func Example() {
	s, err := script.Start(exec.Command("sh", "-c", sh))
	if err != nil {
		panic(err)
	}
	defer s.Close()
	var answer struct{ Sum int }
	err = s.Ask([]int{1, 2}, &answer)
	fmt.Println(answer.Sum, err)
	err = s.Ask("more", &answer)
	fmt.Println(path.Base(err.Error()))
	// Output:
	// 3 <nil>
	// sh says: no module named torch
}

func TestSilentScript(t *testing.T) {
	s, err := script.Start(exec.Command("sh", "-c", "read request; echo nonsense"))
	if err != nil {
		t.Fatal(err)
	}
	var answer int
	if err := s.Ask(1, &answer); err == nil || strings.Contains(err.Error(), "says") {
		t.Errorf("nonsense was taken for an answer, or for a complaint: %v", err)
	}
	s.Close()
}

func TestStart(t *testing.T) {
	if _, err := script.Start(exec.Command(os.DevNull)); !errors.Is(err, script.ErrNoComparison) {
		t.Errorf("a file that is no program: %v", err)
	}
}
