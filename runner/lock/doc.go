// Package lock keeps a folder or a file for one process at a time.
//
// A lock is a file that says who has it: host, process, and since when. It is held in two ways at once:
//
//   - flock(2), which the kernel gives back however the holder ends. It is all that matters between processes of one
//     system. A child that inherits the file holds it too ([Lock.File]).
//   - a heartbeat: the holder writes the file again every [Beat]. Where flock does nothing, as on some network file
//     systems, or where it holds only among the processes of one machine, a lock of another system counts as held until
//     its heartbeat has been still for [Patience].
//
// The age of a heartbeat is told by the file system's own clock, for clocks of machines differ.
package lock
