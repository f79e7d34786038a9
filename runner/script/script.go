package script

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
)

// Script is the program at work. It is not safe for concurrent use.
type Script struct {
	command  *exec.Cmd
	stdin    io.Closer
	requests *json.Encoder
	answers  *bufio.Reader
	errors   bytes.Buffer
}

// Start starts a command, whose standard streams must not be set.
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
		return nil, err
	}
	return s, nil
}

// Ask sends a request and reads its answer. What is behind an error is often in Complaint.
func (s *Script) Ask(request, answer any) error {
	if err := s.requests.Encode(request); err != nil {
		return err
	}
	line, err := s.answers.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, answer)
}

// Complaint ends the script and returns the last line that it wrote to its standard error, or "".
func (s *Script) Complaint() string {
	s.Close()
	lines := strings.Split(strings.TrimSpace(s.errors.String()), "\n")
	return lines[len(lines)-1]
}

// Close ends the script. A second time it does nothing.
func (s *Script) Close() {
	_ = s.stdin.Close()  // it ends at its input's end
	_ = s.command.Wait() // what it had to say is in s.errors
}
