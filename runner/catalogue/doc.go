// Package catalogue lists the runs below a folder, tells two of them apart, and removes one.
//
// The folders are the only truth: nothing is kept beside them. A run is a folder with a run.json; what lies inside of
// one is not looked through. Its status is
//
//	finished   there is a result.json
//	running    a process has the folder open
//	stopped    neither: the command that began it goes on
package catalogue
