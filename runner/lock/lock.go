package lock

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"ordo/models/fault"
)

const (
	// Beat is how often a holder writes its file again.
	Beat = 15 * time.Second
	// Patience is how long the lock of another system counts as held after its last beat.
	Patience = 90 * time.Second

	retry = 50 * time.Millisecond // of a lock that this system holds
)

// Holder is who has a lock.
type Holder struct {
	Host  string    `json:"host"`
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
	Boot  string    `json:"boot"` // of the system, among whose processes flock is sure
}

// String names the holder for people: process 17 on host, since a time.
func (h Holder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d on %s, since %s", h.PID, h.Host, h.Since.Local().Format(time.DateTime))
}

// HeldError says that another process has a lock.
type HeldError struct {
	Holder Holder
	Other  bool // the holder is on another system: its lock ends Patience after its last beat
}

// Error names the holder.
func (e *HeldError) Error() string { return "held by " + e.Holder.String() }

// Wait says what to do.
func (e *HeldError) Wait() string {
	if e.Other {
		return fmt.Sprintf("wait for it; if that machine is gone, the lock ends %d seconds after its last sign of life",
			int(Patience.Seconds()))
	}
	return "wait for it"
}

// Lock is a lock that this process holds.
type Lock struct {
	file *os.File
	stop chan struct{}
	once sync.Once // closes stop
	done sync.WaitGroup
}

// system is what the lock needs of the machine; tests put their own in its place.
type system struct {
	flock func(fd int, how int) error
	self  func() Holder
	beat  time.Duration
}

var here = system{unix.Flock, self, Beat}

// Take makes the file at path if need be and locks it. A lock that a process of this system holds is tried again for a
// while, for a killed process keeps its lock until its memory is gone. One that stays held is a *HeldError; a file that
// can't be made or written is a fault of kind Storage.
func Take(path string, patience time.Duration) (*Lock, error) { return here.take(path, patience) }

func (s system) take(path string, patience time.Duration) (*Lock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return nil, fault.Writing(path, err)
	}
	for ; ; patience -= retry {
		if err = s.try(file); err == nil {
			break
		}
		if held := (*HeldError)(nil); !errors.As(err, &held) || held.Other || patience <= 0 {
			_ = file.Close()
			return nil, err
		}
		time.Sleep(retry)
	}
	l := &Lock{file: file, stop: make(chan struct{})}
	text, err := json.Marshal(s.self())
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if err := errors.Join(file.Truncate(0), l.sign(text)); err != nil {
		_ = file.Close()
		return nil, fault.Writing(path, err)
	}
	l.done.Go(func() { l.beat(s.beat, text) })
	return l, nil
}

// try takes the lock now or says who has it.
func (s system) try(file *os.File) error {
	was := read(file)
	switch err := s.flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		return &HeldError{Holder: was}
	case err != nil && !unsupported(err):
		return fault.Writing(file.Name(), err)
	case err == nil && was.Boot == s.self().Boot:
		return nil // whoever of this system had it is gone
	}
	if was.PID == 0 || was.PID == s.self().PID && was.Boot == s.self().Boot || !alive(file) {
		return nil
	}
	_ = s.flock(int(file.Fd()), unix.LOCK_UN)
	return &HeldError{Holder: was, Other: true}
}

// unsupported says whether a file system has no flock.
func unsupported(err error) bool {
	return errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOLCK) ||
		errors.Is(err, unix.EINVAL)
}

// alive says whether the file's last beat is recent by the clock of its file system. Where that can't be told, it is.
func alive(file *os.File) bool {
	at, err := file.Stat()
	if err != nil {
		return true
	}
	probe, err := os.CreateTemp(filepath.Dir(file.Name()), ".clock")
	if err != nil {
		return true
	}
	defer os.Remove(probe.Name()) // it only told the time
	defer probe.Close()
	now, err := probe.Stat()
	return err != nil || now.ModTime().Sub(at.ModTime()) < Patience
}

// read says who wrote a lock's file last; the zero Holder if nobody has it or it doesn't say.
func read(file *os.File) (h Holder) {
	text := make([]byte, 4096)
	n, _ := file.ReadAt(text, 0)
	if json.Unmarshal(text[:n], &h) != nil {
		return Holder{}
	}
	return h
}

// Held says who holds the lock of that path, without taking it; ok is false if nobody does.
func Held(path string) (h Holder, ok bool) { return here.held(path) }

func (s system) held(path string) (Holder, bool) {
	file, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return Holder{}, false
	}
	defer file.Close() // and with it the lock, if it was free
	held := (*HeldError)(nil)
	if errors.As(s.try(file), &held) {
		return held.Holder, true
	}
	return Holder{}, false
}

// sign writes who has the lock. The file system sets the file's time by its own clock.
func (l *Lock) sign(text []byte) error {
	_, err := l.file.WriteAt(text, 0)
	return err
}

// beat signs again and again until the lock is released.
func (l *Lock) beat(every time.Duration, text []byte) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
			_ = l.sign(text) // what fails here fails again where the holder writes to its folder
		}
	}
}

// File is the open file: a child process that inherits it holds the lock too.
func (l *Lock) File() *os.File { return l.file }

// Release gives the lock back. The file stays, empty: to remove it would let two processes lock two files of one name.
func (l *Lock) Release() error {
	l.once.Do(func() { close(l.stop) })
	l.done.Wait()
	return errors.Join(l.file.Truncate(0), l.file.Close())
}

// self is this process.
func self() Holder {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	// Without it, as on macOS, the host's name stands for the system.
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		boot = []byte(host)
	}
	return Holder{Host: host, PID: os.Getpid(), Since: time.Now().UTC().Truncate(time.Second),
		Boot: strings.TrimSpace(string(boot))}
}
