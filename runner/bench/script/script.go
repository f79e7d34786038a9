package script

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"ordo/models/fault"
)

// ErrNoComparison is wrapped by every error that says why a comparison with another library can't be made.
var ErrNoComparison = errors.New("no comparison with Python")

// NoComparison makes a fault that wraps ErrNoComparison. The text says why, and where.
func NoComparison(format string, args ...any) *fault.Error {
	return fault.New(fault.Other, "%w: %w", ErrNoComparison, fmt.Errorf(format, args...))
}

// Script is the program at work. It is not safe for concurrent use.
type Script struct {
	command  *exec.Cmd
	stdin    io.Closer
	requests *json.Encoder
	answers  *bufio.Reader
	errors   bytes.Buffer
}

// Start starts a command, whose standard streams must not be set. A program that can't be started is no comparison.
func Start(command *exec.Cmd) (*Script, error) {
	s := &Script{command: command}
	command.Stderr = &s.errors
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	s.stdin, s.requests = stdin, json.NewEncoder(stdin)
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.answers = bufio.NewReader(stdout)
	if err := command.Start(); err != nil {
		return nil, NoComparison("%s can't be started: %w", command.Path, err)
	}
	return s, nil
}

// Ask sends a request and reads its answer. Where there is none, the script is closed, and the error is the last line
// that it wrote to its standard error, with the program's name.
func (s *Script) Ask(request, answer any) error {
	err := s.ask(request, answer)
	if err == nil {
		return nil
	}
	s.Close()
	lines := strings.Split(strings.TrimSpace(s.errors.String()), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return fmt.Errorf("%s says: %s", s.command.Path, last)
	}
	return fmt.Errorf("%s: %w", s.command.Path, err)
}

func (s *Script) ask(request, answer any) error {
	if err := s.requests.Encode(request); err != nil {
		return err
	}
	line, err := s.answers.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, answer)
}

// Close ends the script. A second time it does nothing.
func (s *Script) Close() {
	_ = s.stdin.Close()  // it ends at its input's end
	_ = s.command.Wait() // what it had to say is in s.errors
}
