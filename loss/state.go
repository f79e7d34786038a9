package loss

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// errState is wrapped by the error of SetState for bytes that no Loss of these options gave.
var errState = errors.New("not the state of this loss")

// keeper is a term that remembers something from call to call.
type keeper interface {
	// appendState appends what is remembered.
	appendState(to []byte) []byte
	// setState takes what appendState gave.
	setState(from []byte) error
}

// State returns what the terms remember from call to call, or nil if none remembers anything. A Loss of the same
// options that is given it by SetState goes on as this one would.
func (l *Loss) State() []byte {
	var to []byte
	for i := range l.terms {
		if k, ok := l.terms[i].term.(keeper); ok {
			at := len(to)
			to = k.appendState(append(to, make([]byte, 8)...))
			binary.LittleEndian.PutUint64(to[at:], uint64(len(to)-at-8))
		}
	}
	return to
}

// SetState takes what State gave. Bytes that no Loss of these options gave are an error; after it the Loss must not be
// used.
func (l *Loss) SetState(state []byte) error {
	for i := range l.terms {
		k, ok := l.terms[i].term.(keeper)
		if !ok {
			continue
		}
		if len(state) < 8 || binary.LittleEndian.Uint64(state) > uint64(len(state)-8) {
			return fmt.Errorf("%w: it ends before the part of %s", errState, l.terms[i].name)
		}
		size := binary.LittleEndian.Uint64(state)
		if err := k.setState(state[8 : 8+size]); err != nil {
			return fmt.Errorf("%s: %w", l.terms[i].name, err)
		}
		state = state[8+size:]
	}
	if len(state) > 0 {
		return fmt.Errorf("%w: %d bytes are left over", errState, len(state))
	}
	return nil
}
