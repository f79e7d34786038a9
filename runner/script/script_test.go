package script_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"ordo/runner/script"
)

// sh stands in for Python: it answers a line and then complains.
const sh = `read request; echo '{"sum": 3}'; read request || exit; echo first >&2; echo "no module named torch" >&2; exit 1`

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
	fmt.Println(err != nil, s.Complaint())
	// Output:
	// 3 <nil>
	// true no module named torch
}

func TestSilentScript(t *testing.T) {
	s, err := script.Start(exec.Command("sh", "-c", "read request; echo nonsense"))
	if err != nil {
		t.Fatal(err)
	}
	var answer int
	if err := s.Ask(1, &answer); err == nil {
		t.Error("nonsense was taken for an answer")
	}
	if got := s.Complaint(); got != "" {
		t.Errorf("it complained %q", got)
	}
	s.Close()
}

func TestStart(t *testing.T) {
	if _, err := script.Start(exec.Command(os.DevNull)); err == nil {
		t.Error("a file that is no program was started")
	}
}
