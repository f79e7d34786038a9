package sweep

import "syscall"

// attributes put a trial into a process group of its own, so that Ctrl-C reaches it once, through the sweep: a second
// signal would end it without a checkpoint. If the sweep is killed, the trial is told to stop.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
